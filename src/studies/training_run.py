"""One run, top to bottom: load, train, save, log, predict."""

import json
from contextlib import closing
from pathlib import Path

import keras

from src.config.schema import CHOICES, Config
from src.data import dataset, split
from src.evaluation import closing_table, predictions
from src.runtime import checkpoint_place, metric_names, paths
from src.runtime.atomic_write import remove_litter, writing
from src.runtime.checksum import sha256
from src.studies import early_end, meanwhile, progress
from src.studies.planned_run import PlannedRun
from src.tracking import environment, fingerprint, run_tags, training_logger
from src.training import checkpoint, fit
from src.training.history import summarize


def run(planned: PlannedRun, cfg: Config) -> float:
    """Make a run, or go on where it was interrupted; return its best validation accuracy.

    It is FINISHED in MLflow when all that it owes is there, and the checkpoint is deleted last, so
    that no failure costs the training.

    Args:
        planned: the run.
        cfg: its configuration, checked.

    Raises:
        InputError: the data cannot be used, or the very same training runs in another process.
        OSError: the disk is full or may not be written.
    """
    data = dataset.load_description().split_anew(cfg.split_seed)
    parts = dataset.load_all()
    training_set, validation_set = parts[paths.TRAIN], parts[paths.VALID]
    if cfg.split_seed is not None:
        training_set, validation_set = split.anew(training_set, validation_set, cfg.split_seed)
    test_images = parts[paths.TEST]["images"]
    # Read before the training, so that a mistake costs none.
    test_labels = predictions.held_out_labels(len(test_images)) if cfg.submission else None
    settings = fingerprint.settings(planned.composed)
    digest = planned.digest(data)

    with checkpoint.opened(checkpoint_place.of(digest, cfg.checkpoints)) as (file, state):
        if state.history:
            done = f"epoch {len(state.history)} of {cfg.epochs}"
            print(f"{planned.name} goes on after {done}.", flush=True)
        if state.folder is not None:  # of a process that was killed, perhaps while it wrote there
            remove_litter(Path(state.folder), below=True)
        state.folder = str(planned.folder)
        with training_logger.opened(cfg.mlflow, planned.name, state.run_id, digest) as logger:
            state.run_id = logger.run_id
            checkpoint.save(file, state)
            images = {
                "training": training_set["images"],
                "validation": validation_set["images"],
            }
            logger.start(settings, _tags(planned, data, digest), data, images)
            logger.lost_epochs(state.history)

            line = progress.ProgressLine(planned.name, cfg.epochs, len(state.history))
            with closing(line):
                ready = meanwhile.Preparation(logger.prepare)
                watchers = [progress.EpochLog(logger.epoch), line, ready]
                if planned.ends_early is not None:
                    watchers.append(early_end.EarlyEnd(planned.ends_early, logger.run_id, state))
                model = fit.fit(cfg, training_set, validation_set, file, state, watchers)

            final = summarize(state.history, cfg.restore_best_weights)
            origin = {
                "run_id": logger.run_id,
                "run_name": planned.name,
                "experiment": cfg.mlflow.experiment,
                "dataset": data.name,
            }
            save(model, state, final, origin, planned.folder)
            logger.trained(model, validation_set["images"][:1], final, planned.folder)
            if cfg.submission:
                place = planned.folder / paths.PREDICTIONS
                predicted = predictions.write(model, test_images, test_labels, place)
                logger.predicted(predicted.artifacts, predicted.scores)
        if cfg.submission:
            outcome = closing_table.Outcome(origin, final, predicted.scores, predicted.submission)
            closing_table.show(outcome, suggest=planned.alone)
        checkpoint.delete(file)
    return final[metric_names.BEST_VAL_ACCURACY]


def save(
    model: keras.Model,
    state: checkpoint.State,
    final: dict[str, float],
    origin: dict[str, str | None],
    folder: Path,
) -> None:
    """Write a training's files, all or none.

    Args:
        model: of the best epoch.
        state: at the end of the training.
        final: the final metrics.
        origin: which run in MLflow it was, and on which data.
        folder: where to.
    """
    from src.evaluation import figures  # Matplotlib: imported while the training ran

    names = (
        paths.MODEL,
        paths.HISTORY,
        paths.METRICS,
        paths.TIMINGS,
        paths.CURVES,
        paths.ORIGIN,
    )
    with writing(*(folder / name for name in names)) as files:
        model_file, history_file, metrics_file, timings_file, curves_file, origin_file = files
        model.save(model_file)
        origin = {**origin, "model_sha256": sha256(model_file)}  # it tells what belongs to it
        history = state.table()
        history.to_csv(history_file, index=False)
        timings = {name: final[name] for name in metric_names.TIMED}
        metrics = {name: value for name, value in final.items() if name not in timings}
        metrics_file.write_text(json.dumps(metrics, indent=2) + "\n")
        timings_file.write_text(json.dumps(timings, indent=2) + "\n")
        figures.save(figures.learning_curves(history), curves_file)
        origin_file.write_text(json.dumps(origin, indent=2) + "\n")


def _tags(planned: PlannedRun, data: dataset.Dataset, digest: str) -> dict[str, str]:
    """Return the tags that one finds the run by."""
    chosen = {group: planned.choices[group] for group in CHOICES}
    return {
        **environment.tags(planned.command, chosen),
        **chosen,
        "data_digest": data.digest,
        run_tags.TRAINING_DIGEST: digest,
        run_tags.JOB: planned.job,
        **planned.tags,
    }

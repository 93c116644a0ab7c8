"""One run, top to bottom: load, train, save, log, predict."""

import json
from contextlib import closing
from pathlib import Path

import keras
import pandas as pd
from hydra.errors import HydraException

from src.config.messages import explain
from src.core import checkpoint_place, metric_names, paths
from src.core.atomic_write import remove_litter, writing
from src.core.checksum import sha256
from src.core.errors import InputError
from src.data import dataset, split
from src.evaluation import closing_table, held_out_labels, predictions
from src.experiments import callbacks, run_spec
from src.experiments.run_spec import RunSpec
from src.tracking import training_logger
from src.training import checkpoint, fit
from src.training.history import summarize


def run(spec: RunSpec, model: keras.Model | None = None) -> float:
    """Train a run, or resume it after its last finished epoch; return its best validation accuracy.
    `model` is the one that `buildable.build` returned for it, if that was the last call.

    It is FINISHED in MLflow once everything is logged, and the checkpoint is deleted last, so that
    no failure costs the training.
    """
    try:
        return _run(spec, model)
    except HydraException as error:  # a _target_ of conf/ cannot be called like this
        raise explain(error) from error


def _run(spec: RunSpec, model: keras.Model | None) -> float:
    cfg = spec.cfg
    data = run_spec.drawn(dataset.load_description(), cfg)
    if data.digest != spec.data_digest:
        raise InputError(
            f"{paths.PROCESSED} was written anew since {spec.name} was planned (SHA-256 "
            f"{data.digest[:12]} found, {spec.data_digest[:12]} expected): run the same command "
            "again."
        )
    parts = dataset.load_all()
    training_set, validation_set = parts[paths.TRAIN], parts[paths.VALID]
    if cfg.split_seed is not None:
        training_set, validation_set = split.anew(training_set, validation_set, cfg.split_seed)
    test_images, test_labels = parts[paths.TEST]["images"], None
    # Read before the training, so that a mistake costs none.
    if cfg.submission or cfg.data_seed is not None:
        test_labels = held_out_labels.read(len(test_images))
    if cfg.data_seed is not None:
        if test_labels is None:
            raise InputError(
                f"data_seed={cfg.data_seed} draws training and held-out images from all, but "
                f"{data.name} has no labels of its held-out images: delete it, or use data with "
                "public labels (fetch.source=mnist)."
            )
        test_set = {"images": test_images, "labels": test_labels}
        drawn = split.all_anew(training_set, validation_set, test_set, cfg.data_seed)
        training_set, validation_set, test_set = drawn
        test_images, test_labels = test_set["images"], test_set["labels"]

    with checkpoint.opened(checkpoint_place.of(spec.digest, cfg.checkpoints)) as (file, state):
        if state.history:
            print(f"Resuming {spec.name} after epoch {len(state.history)}/{cfg.epochs}", flush=True)
        if state.folder is not None:  # of a process that was killed, perhaps while it wrote there
            remove_litter(Path(state.folder), below=True)
        state.folder = str(spec.folder)
        with training_logger.opened(cfg.mlflow, spec.name, state.run_id, spec.digest) as logger:
            state.run_id = logger.run_id
            checkpoint.save(file, state)
            images = {"training": training_set["images"], "validation": validation_set["images"]}
            logger.start(spec.settings, run_spec.tags_of(spec), data, images)
            logger.lost_epochs(state.history)

            line = callbacks.ProgressLine(spec.name, cfg.epochs, len(state.history))
            with closing(line):
                log, preload = callbacks.EpochLog(logger.epoch), callbacks.Preload(logger.prepare)
                watchers = [log, line, preload]
                if spec.early_stop is not None:
                    watchers.append(callbacks.StopEarly(spec.early_stop, logger.run_id, state))
                model = fit.fit(cfg, training_set, validation_set, file, state, watchers, model)

            final = summarize(state.history, cfg.restore_best_weights)
            origin = {
                "run_id": logger.run_id,
                "run_name": spec.name,
                "experiment": cfg.mlflow.experiment,
                "dataset": data.name,
                "data_seed": cfg.data_seed,
            }
            save(model, state, final, origin, spec.folder)
            logger.trained(model, validation_set["images"][:1], final, spec.folder)
            if cfg.submission:
                place = spec.folder / paths.PREDICTIONS
                fetched = cfg.data_seed is None
                predicted = predictions.write(
                    model, test_images, test_labels, place, submission=fetched
                )
                logger.predicted(predicted.artifacts, predicted.scores)
        if cfg.submission:
            outcome = closing_table.Outcome(origin, final, predicted.scores, predicted.submission)
            closing_table.show(outcome, suggest=spec.alone)
        checkpoint.delete(file)
    return final[metric_names.BEST_VAL_ACCURACY]


def save(
    model: keras.Model,
    state: checkpoint.State,
    final: dict[str, float],
    origin: dict[str, str | int | None],
    folder: Path,
) -> None:
    """Write a training's files to a folder, all or none; `origin` is its run in MLflow, and its
    data.
    """
    from src.evaluation import figures  # Matplotlib: imported while the training ran

    names = (paths.MODEL, paths.HISTORY, paths.METRICS, paths.TIMINGS, paths.CURVES, paths.ORIGIN)
    with writing(*(folder / name for name in names)) as files:
        model_file, history_file, metrics_file, timings_file, curves_file, origin_file = files
        model.save(model_file)
        history = pd.DataFrame(state.history)
        history.to_csv(history_file, index=False)
        timings = {name: final[name] for name in metric_names.TIMED}
        metrics = {name: value for name, value in final.items() if name not in timings}
        metrics_file.write_text(json.dumps(metrics, indent=2) + "\n")
        timings_file.write_text(json.dumps(timings, indent=2) + "\n")
        figures.save(figures.learning_curves(history), curves_file)
        origin = {**origin, "model_sha256": sha256(model_file)}
        origin_file.write_text(json.dumps(origin, indent=2) + "\n")

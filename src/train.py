"""Train a model: the third stage, and the command that tries an activation by one word.

python -m src.train activation=relu
python -m src.train activation=swish,relu seed=1,2,3 -m
python -m src.train experiment=notebook epochs=1
"""

import json
import logging
import os
import signal
import sys
from collections.abc import Callable
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import DictConfig

from src.config import compose, messages
from src.data import dataset
from src.runtime import atomic_write, errors, heavy_imports, paths
from src.studies import hydra_callback
from src.tracking import fingerprint
from src.training.history import summarize

INTERRUPTED = "Interrupted: the same command goes on after the last epoch that ended."


def train(composed: DictConfig) -> float:
    """Train as configured; return the best validation accuracy (what a sweeper optimizes)."""
    job = HydraConfig.get()
    cfg = compose.resolve(composed, job.runtime.choices)
    data = dataset.describe()
    training_set, validation_set = dataset.load(paths.TRAIN), dataset.load(paths.VALID)

    name = f"{job.runtime.choices.activation}-seed{cfg.seed}"
    images = f"{data.counts['train']:,} images of {data.name}"
    epochs = f"{cfg.epochs} epoch{'s' if cfg.epochs > 1 else ''}"
    print(f"{name} · {job.runtime.choices.model} · {images} · {epochs}", flush=True)
    heavy_imports.load()
    from src import summary
    from src.evaluation import figures, predictions
    from src.runtime import metric_names
    from src.tracking import run_logger
    from src.training import checkpoint, fit

    for library in ("tensorflow", "absl"):  # Hydra's logging would show their notes
        logging.getLogger(library).setLevel(logging.ERROR)
    settings = fingerprint.settings(composed)
    digest = fingerprint.digest(settings, data)
    folder = paths.project_root() / paths.CHECKPOINTS / digest[:16]
    out = Path(os.path.relpath(job.runtime.output_dir))

    with checkpoint.opened(folder) as (file, state):
        if state.history:
            print(f"{name} goes on after epoch {len(state.history)} of {cfg.epochs}.", flush=True)
        with run_logger.training_run(
            cfg.mlflow.experiment, name, state.run_id, cfg.mlflow.parent_run_id
        ) as run_id:
            state.run_id = run_id
            checkpoint.save(file, state)
            run_logger.log_settings(
                settings, job.runtime.choices, data, hydra_callback.describe(job), digest
            )
            run_logger.log_inputs(data, training_set["images"], validation_set["images"])
            run_logger.log_lost_epochs(run_id, state.history)

            model = fit.fit(
                cfg, training_set, validation_set, file, state, name, run_logger.log_epoch
            )
            final = summarize(state.history)
            origin = {
                "run_id": run_id,
                "run_name": name,
                "experiment": cfg.mlflow.experiment,
                "dataset": data.name,
            }
            with atomic_write.writing(
                out / paths.MODEL, out / paths.HISTORY, out / paths.METRICS, out / paths.CURVES
            ) as [model_file, history_file, metrics_file, curves_file]:
                model.save(model_file)
                state.table().to_csv(history_file, index=False)
                metrics_file.write_text(json.dumps(final, indent=2) + "\n")
                figures.save(figures.learning_curves(state.table()), curves_file)
            with atomic_write.writing(out / paths.ORIGIN) as [origin_file]:
                origin_file.write_text(json.dumps(origin, indent=2) + "\n")
            run_logger.log_training(model, validation_set["images"][:1], final, out)
        if cfg.submission:
            made = predictions.write(model, out / paths.PREDICTIONS)
            run_logger.log_to_training_run(origin, files=made.artifacts, metrics=made.scores)
            summary.show(out, made.folder)
        checkpoint.delete(file)  # last, so that no failure costs the training
    return final[metric_names.BEST_VAL_ACCURACY]


def task(composed: DictConfig) -> float:
    """Run `train` as a Hydra job: alone, an error the user can fix ends the process here,
    because Hydra would print more than its sentence; in a sweep it is the sweep's to report.
    """
    try:
        return train(composed)
    except (errors.InputError, OSError, HydraException) as error:
        if isinstance(error, HydraException):  # a _target_ of conf/ cannot be called like this
            error = messages.explain(error)
        if HydraConfig.get().mode == RunMode.MULTIRUN or errors.sentence(error) is None:
            raise error
        errors.fail(error)


def main(task: Callable[[DictConfig], float] = task) -> None:
    """Let Hydra compose the configuration and run `task`, as one job or a sweep."""
    os.environ["HYDRA_FULL_ERROR"] = "1"  # raise, so that the sentence can be ours
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: resumable, KILLED
    compose.register()
    try:
        hydra.main(version_base="1.3", config_path="../conf", config_name="config")(task)()
    except KeyboardInterrupt:
        hydra_callback.close("KILLED")
        raise KeyboardInterrupt(INTERRUPTED) from None
    except Exception as error:
        swept = hydra_callback.close("FAILED")
        if isinstance(error, BrokenProcessPool):
            raise errors.InputError(
                "A worker process was killed, perhaps because memory ran out: run the same command "
                "again, with fewer workers if need be."
            ) from error
        if messages.is_refusal(error):
            raise messages.explain(error) from error
        if not swept:
            raise
        sys.exit(1)  # src/studies/hydra_callback.py reported the failed jobs, each when it failed


if __name__ == "__main__":
    errors.run(main)

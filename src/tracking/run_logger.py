"""Logs a training to its run in MLflow, and adds to that run what is found later."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
from mlflow.data.numpy_dataset import from_numpy
from mlflow.entities import Metric, RunStatus
from mlflow.exceptions import MlflowException
from mlflow.models import infer_signature

from src.config.schema import Mlflow
from src.data.dataset import Dataset
from src.runtime import metric_names, paths, quiet
from src.tracking import run_tags, store
from src.tracking.training_logger import TrainingLogger

SOURCE = Path(__file__).resolve().parents[1]  # src/
# What a model needs where it is served; the lock holds what it was trained with.
MODEL_REQUIREMENTS = ("tensorflow", "keras", "numpy", "mlflow")


@contextmanager
def opened(settings: Mlflow, name: str, run_id: str | None) -> Iterator["RunLogger"]:
    """Open a new run, or go on with `run_id`, and yield its logger.

    The run ends as FINISHED, FAILED or KILLED: that is what Ctrl-C or SIGTERM leaves, and the
    training can be resumed. A run that is resumed is a child of the sweep that resumes it.

    Args:
        settings: the experiment, and the parent run, if there is one.
        name: of a new run.
        run_id: of the run to go on with; where the store lacks it, there is a new one.
    """
    client, _ = store.connect(settings.experiment)
    parent_run_id = settings.parent_run_id
    os.environ.pop("MLFLOW_RUN_ID", None)  # it would override the arguments
    if run_id is not None and not store.is_active(client, run_id):
        run_id = None  # deleted, or of another store
    mlflow.set_system_metrics_sampling_interval(2)
    run = mlflow.start_run(
        run_id=run_id,
        run_name=None if run_id else name,
        parent_run_id=None if run_id else parent_run_id,
        log_system_metrics=True,
    )
    if run_id and parent_run_id:
        mlflow.set_tag(run_tags.PARENT, parent_run_id)
    status = RunStatus.FAILED
    try:
        yield RunLogger(run.info.run_id)
        status = RunStatus.FINISHED
    except KeyboardInterrupt:
        status = RunStatus.KILLED
        raise
    finally:
        mlflow.end_run(RunStatus.to_string(status))


class RunLogger(TrainingLogger):
    """Logs to the active run; see `TrainingLogger` for what each method takes.

    Args:
        run_id: the active run's.
    """

    def __init__(self, run_id: str):
        self.run_id: str = run_id

    def start(
        self,
        settings: Mapping[str, Any],
        tags: Mapping[str, str],
        data: Dataset,
        images: Mapping[str, np.ndarray],
    ) -> None:
        """Log the flat settings as params, the tags, and the data sets as inputs."""
        mlflow.log_params(flat(settings))
        mlflow.set_tags(dict(tags))
        mlflow.log_dict(dict(settings), "config.yaml")
        for context, part in images.items():
            # A name for each part: of two inputs with one name and digest MLflow keeps the first.
            name = f"{data.name}-{context}"
            inputs = from_numpy(part, name=name, digest=data.digest[:32])
            try:
                mlflow.log_input(inputs, context=context)
            except MlflowException:  # a run beside this one added the very data set at this moment
                mlflow.log_input(inputs, context=context)

    def lost_epochs(self, history: Sequence[Mapping[str, float]]) -> None:
        """Log the epochs which the run lacks."""
        client = mlflow.MlflowClient()
        logged = {point.step for point in client.get_metric_history(self.run_id, metric_names.LOSS)}
        for values in history:
            step = int(values[metric_names.EPOCH])
            if step not in logged:
                self.epoch(
                    {name: values[name] for name in values if name != metric_names.EPOCH}, step
                )

    def epoch(self, values: Mapping[str, float], step: int) -> None:
        """Log an epoch's metrics in one request."""
        mlflow.log_metrics(dict(values), step=step)

    def trained(
        self, model: Any, example: np.ndarray, final: Mapping[str, float], out: Path
    ) -> None:
        """Log the final metrics, history and figures, and the model."""
        mlflow.log_metrics(dict(final))
        mlflow.log_artifact(str(out / paths.HISTORY))
        mlflow.log_artifacts(str((out / paths.CURVES).parent), "figures")
        with quiet.stderr():
            mlflow.tensorflow.log_model(
                model,
                name="model",
                signature=infer_signature(example, model(example).numpy()),
                input_example=example,
                pip_requirements=[f"{name}=={version(name)}" for name in MODEL_REQUIREMENTS],
                code_paths=[str(SOURCE)],  # our activation layers
            )

    def predicted(self, files: Mapping[Path, str], scores: Mapping[str, float]) -> None:
        """Log the files and the scores."""
        _add(mlflow.MlflowClient(), self.run_id, files, scores)


def flat(config: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return nested `config` as one level of dotted keys."""
    items: dict[str, Any] = {}
    for key, value in config.items():
        nested = isinstance(value, Mapping)
        items |= flat(value, f"{prefix}{key}.") if nested else {f"{prefix}{key}": value}
    return items


def find_or_restore(run_id: str, name: str, experiment: str) -> str:
    """Return the id of the run that takes what is found later: a training's own, or a stand-in.

    DVC can restore a model whose run this store lacks, or whose run was deleted; then a stand-in
    run, tagged `trained_by`, takes it.

    Args:
        run_id: of the run that trained the model.
        name: of that run.
        experiment: that it is in.
    """
    client, experiment_id = store.connect(experiment)
    if store.is_active(client, run_id):
        return run_id
    known = client.search_runs([experiment_id], f"tags.trained_by = '{run_id}'")
    run = (
        known[0]
        if known
        else client.create_run(
            experiment_id, run_name=f"{name} (restored)", tags={"trained_by": run_id}
        )
    )
    client.set_terminated(run.info.run_id)
    return run.info.run_id


def add_results(
    run_id: str,
    *,
    files: Mapping[Path, str] | None = None,
    scores: Mapping[str, float] | None = None,
    tags: Mapping[str, str] | None = None,
) -> None:
    """Add what was found later to a run, which keeps its status and its duration.

    Args:
        run_id: what `find_or_restore` returned.
        files: what to attach, and each one's folder inside the run's artifacts ("" for the top).
        scores: metrics by name.
        tags: values by name.
    """
    client = mlflow.MlflowClient()
    _add(client, run_id, files or {}, scores or {})
    for name, value in (tags or {}).items():
        client.set_tag(run_id, name, value)


def _add(
    client: mlflow.MlflowClient,
    run_id: str,
    files: Mapping[Path, str],
    scores: Mapping[str, float],
) -> None:
    for path, folder in files.items():
        client.log_artifact(run_id, str(path), folder or None)
    now = mlflow.utils.time.get_current_time_millis()
    client.log_batch(run_id, [Metric(name, value, now, 0) for name, value in scores.items()])

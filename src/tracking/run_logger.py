"""Logs a training to its run in MLflow, and later results to the same run."""

import importlib
import os
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import mlflow
import numpy as np
from mlflow import MlflowClient
from mlflow.data.numpy_dataset import from_numpy
from mlflow.entities import LoggedModelStatus, Metric, RunStatus
from mlflow.exceptions import MlflowException
from mlflow.models import Model, infer_signature
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository
from mlflow.store.artifact.local_artifact_repo import LocalArtifactRepository
from mlflow.utils.requirements_utils import warn_dependency_requirement_mismatches

from src.config import override
from src.config.schema import CHOICES, Mlflow
from src.core import metric_names, paths, quiet
from src.data.dataset import Dataset
from src.tracking import lease, model_code, run_tags, store

FORBIDDEN = re.compile(r"""[/:.%"']""")  # in a model's name; a run's may have them
HALF_COPY = ".artifact.uploading."  # MLflow's prefix for artifacts that are not complete yet
# To serve a model; the lock file has the versions for training.
MODEL_REQUIREMENTS = ("tensorflow", "keras", "numpy", "mlflow")


@contextmanager
def opened(settings: Mlflow, name: str, run_id: str | None, digest: str) -> Iterator["RunLogger"]:
    """Open a training's run, and yield its logger.

    The run ends as FINISHED, FAILED, or, after Ctrl-C or SIGTERM, KILLED. A resumed run becomes a
    child of the sweep that resumes it.

    Args:
        settings: the experiment, and the parent run, if there is one.
        name: for a new run.
        run_id: of the run to resume; if None, or not in the store, a new one is created.
        digest: the training's (src/tracking/fingerprint.py).

    Raises:
        InputError: the store cannot be used.
    """
    client, experiment_id = store.connect(settings.experiment)
    os.environ.pop("MLFLOW_RUN_ID", None)  # it would override the arguments
    if run_id is None:
        run_id = _left_behind(client, experiment_id, digest)
    elif not store.is_active(client, run_id):
        run_id = None  # deleted, or in another store
    lease.close_orphans(client, experiment_id)
    mlflow.set_system_metrics_sampling_interval(2)
    parent_run_id = settings.parent_run_id
    with store.usable():  # reading may be allowed, and writing not
        run = mlflow.start_run(
            run_id=run_id,
            run_name=None if run_id else name,
            parent_run_id=None if run_id else parent_run_id,
            tags=None if run_id else {run_tags.TRAINING_DIGEST: digest, **lease.tags()},
            log_system_metrics=True,
        )
    if run_id and parent_run_id:
        mlflow.set_tag(run_tags.PARENT, parent_run_id)
    held = lease.Lease(client, run.info.run_id)
    began = max(round(1000 * time.time()), run.info.start_time), time.monotonic()
    status = RunStatus.FAILED
    logger = RunLogger(client, run.info.run_id)
    try:
        yield logger
        status = RunStatus.FINISHED
    except KeyboardInterrupt:
        status = RunStatus.KILLED
        raise
    finally:
        # By a clock that cannot be set.
        ended = began[0] + round(1000 * (time.monotonic() - began[1]))
        held.release()
        if status == RunStatus.FINISHED:
            logger.insist(lambda: _end(client, run.info.run_id, status, ended))
        else:
            with suppress(*store.away()):  # the error that ended the run is the one to report
                _end(client, run.info.run_id, status, ended)


def _end(client: MlflowClient, run_id: str, status: int, ended: int) -> None:
    """Give the active run its final status and end, in milliseconds since 1970."""
    if mlflow.active_run() is not None:
        mlflow.end_run(RunStatus.to_string(status))
    client.set_terminated(run_id, RunStatus.to_string(status), ended)


def _left_behind(client: MlflowClient, experiment_id: str, digest: str) -> str | None:
    """Return a run of the same training that was killed before its checkpoint was first written.

    Runs whose checkpoint was lost, and which nothing can resume, become FAILED.
    """
    same = client.search_runs(
        [experiment_id],
        f"tags.{run_tags.TRAINING_DIGEST} = '{digest}' and attributes.status != 'FINISHED'",
        order_by=["attributes.start_time DESC"],
    )
    barely_begun = None
    for run in same:
        run_id = run.info.run_id
        if run.info.status not in ("RUNNING", "KILLED") or not lease.is_gone(run):
            continue
        if metric_names.LOSS not in run.data.metrics:
            barely_begun = barely_begun or run_id
        else:
            client.set_terminated(run_id, "FAILED", run.info.end_time)
            print(
                f"The run {run.info.run_name} ({run_id}) was marked FAILED: it has no checkpoint."
            )
    return barely_begun


class RunLogger:
    """Logs a training to the active run.

    Values that are logged twice, because a run was interrupted in between, are kept once.
    """

    def __init__(self, client: MlflowClient, run_id: str):
        self.client = client
        self.run_id: str = run_id
        self.logged: set[int] = set()  # epochs
        self.waiting: dict[int, Mapping[str, float]] = {}  # epochs that could not be logged yet
        self.away = False  # whether the store's last request failed
        self.ask_again = 0.0  # the time of the next one, by the monotonic clock

    def start(
        self,
        settings: Mapping[str, Any],
        tags: Mapping[str, str],
        data: Dataset,
        images: Mapping[str, np.ndarray],
    ) -> None:
        """Log the settings as flat params, the tags, and the images as inputs.

        Args:
            settings: the configuration as far as the weights depend on it: the params of a resumed
                training must be the same.
            tags: to find the run by.
            data: the dataset.
            images: uint8 (N, 28, 28), by their use: training, validation.
        """
        # The choices are params, too, to search by. Another name may stand for the same training,
        # whose run keeps the first.
        params = self.client.get_run(self.run_id).data.params
        chosen = {group: tags[group] for group in CHOICES if group in tags and group not in params}
        mlflow.log_params({**override.flat(settings), **chosen})
        mlflow.set_tags(dict(tags))
        mlflow.log_dict(dict(settings), "config.yaml")
        for context, part in images.items():
            # Of two inputs with the same name and digest MLflow keeps the first.
            name = f"{data.name}-{context}"
            inputs = from_numpy(part, name=name, digest=data.digest[:32])
            try:
                mlflow.log_input(inputs, context=context)
            except MlflowException:  # another run added the same data set at this moment
                mlflow.log_input(inputs, context=context)

    def lost_epochs(self, history: Sequence[Mapping[str, float]]) -> None:
        """Log the epochs of a resumed training that the run lacks: each is kept in the checkpoint
        first, and the process may have ended in between.
        """
        points = self.client.get_metric_history(self.run_id, metric_names.LOSS)
        self.logged = {point.step for point in points}
        for values in history:
            step = int(values[metric_names.EPOCH])
            metrics = {name: values[name] for name in values if name != metric_names.EPOCH}
            self.epoch(metrics, step)

    def prepare(self) -> None:
        """Import the modules that log a model, and let MLflow list the installed packages: in a
        thread beside the training, without logging anything.
        """
        importlib.import_module("mlflow.tensorflow")
        importlib.import_module("mlflow.pyfunc")
        warn_dependency_requirement_mismatches(_requirements())

    def epoch(self, values: Mapping[str, float], step: int) -> None:
        """Log an epoch's metrics, counted from 1, and those of epochs that could not be logged. The
        training continues without the store: the checkpoint has the epochs.
        """
        if step not in self.logged:
            self.waiting[step] = values
        if self.away and time.monotonic() < self.ask_again:
            return
        try:
            self._log_waiting()
        except store.away() as error:
            if not self.away:
                print(f"Training continues, but the MLflow store {store.named(error)}.", flush=True)
            self.away = True
            self.ask_again = time.monotonic() + store.ASK_AGAIN_SECONDS
            return
        if self.away:
            print("The MLflow store is back, and has every epoch.", flush=True)
        self.away = False

    def _log_waiting(self) -> None:
        for step in list(self.waiting):
            # Sorted: on PostgreSQL two writers that lock a run's metrics in different order (here,
            # the thread that logs system metrics) can deadlock.
            mlflow.log_metrics(dict(sorted(self.waiting[step].items())), step=step)
            self.logged.add(step)
            del self.waiting[step]

    def insist(self, call: Callable[[], None]) -> None:
        """Call a function that logs, again and again as long as the store is away.

        Raises:
            AwayError: it still is after PATIENCE_SECONDS.
        """
        began = time.monotonic()
        while True:
            try:
                call()
                self.away = False
                return
            except store.away() as error:
                if not self.away:
                    print(f"Waiting, because the MLflow store {store.named(error)}.", flush=True)
                self.away = True
                if time.monotonic() - began > store.PATIENCE_SECONDS:
                    raise store.AwayError(
                        f"The training is complete and saved, but the MLflow store "
                        f"{store.named(error)}: run the same command again to log it, once the "
                        "store can be used."
                    ) from error
                time.sleep(store.PAUSE_SECONDS)

    def trained(
        self, model: Any, example: np.ndarray, final: Mapping[str, float], out: Path
    ) -> None:
        """Log the results of a training: waiting epochs, final metrics, files, and the model.

        Args:
            model: the Keras model; it is logged so that it loads and serves elsewhere.
            example: raw pixels, uint8 (1, 28, 28).
            final: the final metrics.
            out: the folder with history and figures.
        """
        self.insist(lambda: self._log_trained(model, example, final, out))

    def _log_trained(
        self, model: Any, example: np.ndarray, final: Mapping[str, float], out: Path
    ) -> None:
        self._log_waiting()
        _remove_half_copies(self.client, self.run_id)
        _log_new(self.client, self.run_id, final)
        self.client.set_tag(self.run_id, run_tags.PARAMETERS, model.count_params())
        self.client.log_artifact(self.run_id, str(out / paths.HISTORY))
        self.client.log_artifacts(self.run_id, str((out / paths.CURVES).parent), "figures")
        if not self._has_model():
            with quiet.stderr(), model_code.copied() as code:
                Model.log(
                    artifact_path=None,
                    name=model_name(self.client.get_run(self.run_id).info.run_name),
                    flavor=SimpleNamespace(save_model=_save_model),
                    model=model,
                    signature=infer_signature(example),  # MLflow's own; `_save_model` sets ours
                    input_example=example,
                    pip_requirements=_requirements(),
                    code_paths=[str(code)],  # layers and serving
                    validate_serving_input=False,
                )

    def _has_model(self) -> bool:
        """Return whether the run has its model. An incomplete one is deleted, its files first:
        MLflow would keep those of a deleted model for ever.
        """
        experiment_id = self.client.get_run(self.run_id).info.experiment_id
        logged = store.logged_models(self.client, experiment_id, self.run_id)
        ready = [one for one in logged if one.status == LoggedModelStatus.READY]
        for one in logged:
            if one not in ready:
                with suppress(*store.away(), NotImplementedError):  # some stores cannot delete
                    get_artifact_repository(one.artifact_location).delete_artifacts()
                self.client.delete_logged_model(one.model_id)
        return bool(ready)

    def predicted(self, files: Mapping[Path, str], scores: Mapping[str, float]) -> None:
        """Log predictions: files with their folders in the run ("" for the top), and scores."""
        self.insist(lambda: _add(self.client, self.run_id, files, scores))


def model_name(run_name: str) -> str:
    """Return the name of a run's logged model: the run's, without forbidden characters."""
    return FORBIDDEN.sub("_", run_name)


def _save_model(*, validate_serving_input: bool, **given: Any) -> None:
    """Save a Keras model for serving, without the validation of `Model.log`: a failure would only
    be a warning that nobody sees.
    """
    from src.serving import loader  # TensorFlow, which a training has imported

    loader.save_model(**given)


def _requirements() -> list[str]:
    return [f"{name}=={version(name)}" for name in MODEL_REQUIREMENTS]


def find_or_restore(run_id: str, name: str, experiment: str) -> str:
    """Return the id of the run for later results: the training's own, or a substitute.

    DVC can restore a model whose run was deleted, or is in another store; then a substitute run,
    tagged `trained_by`, is created in the experiment.
    """
    client, experiment_id = store.connect(experiment)
    if store.is_active(client, run_id):
        return run_id
    found = client.search_runs([experiment_id], f"tags.trained_by = '{run_id}'")
    run = next(iter(found), None) or client.create_run(
        experiment_id, run_name=f"{name} (restored)", tags={"trained_by": run_id}
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
    """Add later results to a run from `find_or_restore`, which keeps its status and duration: files
    with their folders in the run ("" for the top), scores and tags by name.
    """
    client = MlflowClient()
    _add(client, run_id, files or {}, scores or {})
    for name, value in (tags or {}).items():
        client.set_tag(run_id, name, value)


def _add(
    client: MlflowClient, run_id: str, files: Mapping[Path, str], scores: Mapping[str, float]
) -> None:
    _remove_half_copies(client, run_id)
    for path, folder in files.items():
        client.log_artifact(run_id, str(path), folder or None)
    model = store.whole_model(client, client.get_run(run_id)) if scores else None
    _log_new(client, run_id, scores, model.model_id if model else None)


def _remove_half_copies(client: MlflowClient, run_id: str) -> None:
    """Remove leftovers of a killed process from a run's artifacts on this disk: MLflow copies to a
    file beside the artifact, and would show that for ever.
    """
    artifacts = get_artifact_repository(client.get_run(run_id).info.artifact_uri)
    if isinstance(artifacts, LocalArtifactRepository):
        for path in Path(artifacts.artifact_dir).rglob(f"{HALF_COPY}*"):
            path.unlink(missing_ok=True)


def _log_new(
    client: MlflowClient, run_id: str, values: Mapping[str, float], model_id: str | None = None
) -> None:
    """Log the metrics that the run does not have with these values yet; linked to its model, so
    that MLflow lists them beside it.
    """
    logged = client.get_run(run_id).data.metrics
    now = round(1000 * time.time())
    new = [
        Metric(name, value, now, 0, model_id=model_id, run_id=run_id)
        for name, value in sorted(values.items())
        if logged.get(name) != value
    ]
    client.log_batch(run_id, new)

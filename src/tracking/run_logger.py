"""Logs a training to its run in MLflow, and adds to that run what is found later."""

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
from src.data.dataset import Dataset
from src.runtime import metric_names, paths, quiet
from src.tracking import lease, model_code, run_tags, store
from src.tracking.training_logger import TrainingLogger

PATIENCE_SECONDS = 180  # for a store that is away when a training has ended
PAUSE_SECONDS = 2
ASK_AGAIN_SECONDS = 30  # while it is away, as each question waits for seconds
UNFIT = re.compile(r"""[/:.%"']""")  # what a run's name may have, and a model's may not
HALF_COPY = ".artifact.uploading."  # begins MLflow's name of an artifact that is not whole yet
# What a model needs where it is served; the lock holds what it was trained with.
MODEL_REQUIREMENTS = ("tensorflow", "keras", "numpy", "mlflow")


@contextmanager
def opened(settings: Mlflow, name: str, run_id: str | None, digest: str) -> Iterator["RunLogger"]:
    """Open a new run, or go on with `run_id`, and yield its logger.

    The run ends as FINISHED, FAILED or KILLED: that is what Ctrl-C or SIGTERM leaves, and the
    training can be resumed. A run that is resumed is a child of the sweep that resumes it.

    Args:
        settings: the experiment, and the parent run, if there is one.
        name: of a new run.
        run_id: of the run to go on with; where the store lacks it, there is a new one.
        digest: the training's (src/tracking/fingerprint.py).
    """
    client, experiment_id = store.connect(settings.experiment)
    os.environ.pop("MLFLOW_RUN_ID", None)  # it would override the arguments
    if run_id is None:
        run_id = _left_behind(client, experiment_id, digest)
    elif not store.is_active(client, run_id):
        run_id = None  # deleted, or of another store
    lease.close_orphans(client, experiment_id)
    mlflow.set_system_metrics_sampling_interval(2)
    parent_run_id = settings.parent_run_id
    with store.usable():  # one may read there and not write
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
        # By a clock that cannot be set meanwhile.
        ended = began[0] + round(1000 * (time.monotonic() - began[1]))
        held.release()
        if status == RunStatus.FINISHED:
            logger.insist(lambda: _end(client, run.info.run_id, status, ended))
        else:
            with suppress(*store.away()):  # what ended the run is told, not this
                _end(client, run.info.run_id, status, ended)


def _end(client: MlflowClient, run_id: str, status: int, ended: int) -> None:
    """Give the active run its final status, and its end in milliseconds since 1970."""
    if mlflow.active_run() is not None:
        mlflow.end_run(RunStatus.to_string(status))
    client.set_terminated(run_id, RunStatus.to_string(status), ended)


def _left_behind(client: MlflowClient, experiment_id: str, digest: str) -> str | None:
    """Return a run of this very training that was killed before the checkpoint knew of it.

    Runs whose checkpoint was lost, so that nothing can go on with them, become FAILED.
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


class RunLogger(TrainingLogger):
    """Logs to the active run; see `TrainingLogger` for what each method takes.

    Whatever is logged twice, because a run was interrupted in between, is kept once.

    Args:
        client: of the store.
        run_id: the active run's.
    """

    def __init__(self, client: MlflowClient, run_id: str):
        self.client = client
        self.run_id: str = run_id
        self.logged: set[int] = set()  # epochs that the run has
        self.waiting: dict[int, Mapping[str, float]] = {}  # those that could not be logged yet
        self.away = False  # whether the store was, when it was asked last
        self.ask_again = 0.0  # when it shall be asked again, by the monotonic clock

    def start(
        self,
        settings: Mapping[str, Any],
        tags: Mapping[str, str],
        data: Dataset,
        images: Mapping[str, np.ndarray],
    ) -> None:
        """Log the flat settings as params, the tags, and the data sets as inputs."""
        # The chosen words, too, by which one looks for runs. Another word may stand for the same
        # training, whose run keeps the one that it was begun with.
        known = self.client.get_run(self.run_id).data.params
        words = {group: tags[group] for group in CHOICES if group in tags and group not in known}
        mlflow.log_params({**override.flat(settings), **words})
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
        points = self.client.get_metric_history(self.run_id, metric_names.LOSS)
        self.logged = {point.step for point in points}
        for values in history:
            step = int(values[metric_names.EPOCH])
            found = {name: values[name] for name in values if name != metric_names.EPOCH}
            self.epoch(found, step)

    def prepare(self) -> None:
        """Import what logs a model; let MLflow list the packages it compares the model's with."""
        importlib.import_module("mlflow.tensorflow")
        importlib.import_module("mlflow.pyfunc")
        warn_dependency_requirement_mismatches(_requirements())

    def epoch(self, values: Mapping[str, float], step: int) -> None:
        """Log an epoch's metrics, and those of epochs that could not be logged before.

        A store that is away does not stop the training: the epochs are in the checkpoint.
        """
        if step not in self.logged:
            self.waiting[step] = values
        if self.away and time.monotonic() < self.ask_again:
            return
        try:
            self._log_waiting()
        except store.away() as error:
            if not self.away:
                print(f"Training goes on, but the MLflow store {store.named(error)}.", flush=True)
            self.away = True
            self.ask_again = time.monotonic() + ASK_AGAIN_SECONDS
            return
        if self.away:
            print("The MLflow store answers again, and has every epoch.", flush=True)
        self.away = False

    def _log_waiting(self) -> None:
        """Log the epochs that could not be logged yet."""
        for step in list(self.waiting):
            # Sorted: on PostgreSQL two writers of a run that lock its metrics in different order
            # can block each other (this process's system metrics are written by another thread).
            mlflow.log_metrics(dict(sorted(self.waiting[step].items())), step=step)
            self.logged.add(step)
            del self.waiting[step]

    def insist(self, call: Callable[[], None]) -> None:
        """Call what logs to the store, again for three minutes as long as that is away.

        Raises:
            InputError: it still is.
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
                if time.monotonic() - began > PATIENCE_SECONDS:
                    raise store.AwayError(
                        f"The training has ended and is kept, but the MLflow store "
                        f"{store.named(error)}: run the same command again to log it, once the "
                        "store can be used."
                    ) from error
                time.sleep(PAUSE_SECONDS)

    def trained(
        self, model: Any, example: np.ndarray, final: Mapping[str, float], out: Path
    ) -> None:
        """Log the epochs that could not be before, the final metrics, files and the model."""
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
                    code_paths=[str(code)],  # our layers, and what answers
                    validate_serving_input=False,
                )

    def _has_model(self) -> bool:
        """Return whether the run has its model; one that was not logged to the end is deleted,
        and before it its files: MLflow would keep those of a deleted model for ever.
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
        """Log the files and the scores."""
        self.insist(lambda: _add(self.client, self.run_id, files, scores))


def model_name(run_name: str) -> str:
    """Return the name of a run's logged model: the run's, without the signs that MLflow refuses."""
    return UNFIT.sub("_", run_name)


def _save_model(*, validate_serving_input: bool, **given: Any) -> None:
    """Save a Keras model, to be served. `Model.log` shall not load it again and predict its
    example: a failure would be a warning that nobody sees.
    """
    from src.serving import loader  # TensorFlow, which a training has imported

    loader.save_model(**given)


def _requirements() -> list[str]:
    return [f"{name}=={version(name)}" for name in MODEL_REQUIREMENTS]


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
    """Remove what a process that was killed left in a run's artifacts, where they are on this disk:
    MLflow copies to a file beside the artifact, which it would show as one for ever.
    """
    artifacts = get_artifact_repository(client.get_run(run_id).info.artifact_uri)
    if isinstance(artifacts, LocalArtifactRepository):
        for path in Path(artifacts.artifact_dir).rglob(f"{HALF_COPY}*"):
            path.unlink(missing_ok=True)


def _log_new(
    client: MlflowClient, run_id: str, values: Mapping[str, float], model_id: str | None = None
) -> None:
    """Log the metrics which the run does not have with these values yet; those of its model are
    linked to that, so that MLflow lists them beside it.
    """
    known = client.get_run(run_id).data.metrics
    now = round(1000 * time.time())
    new = [
        Metric(name, value, now, 0, model_id=model_id, run_id=run_id)
        for name, value in sorted(values.items())
        if known.get(name) != value
    ]
    client.log_batch(run_id, new)

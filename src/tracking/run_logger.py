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
from mlflow.entities import LoggedModelStatus, Metric
from mlflow.exceptions import MlflowException
from mlflow.models import Model, infer_signature
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository
from mlflow.store.artifact.local_artifact_repo import LocalArtifactRepository
from mlflow.utils.requirements_utils import warn_dependency_requirement_mismatches

from src.config import override
from src.config.schema import CHOICES, Mlflow
from src.core import metric_names, paths, quiet
from src.data.dataset import Dataset
from src.tracking import lease, model_code, run_search, run_tags, store

Metrics = Mapping[str, float]
Tags = Mapping[str, str]
Arrays = Mapping[str, np.ndarray]
NONE: Mapping[Any, Any] = {}
FORBIDDEN = re.compile(r"""[/:.%"']""")  # in a model's name; a run's may have them
HALF_COPY = ".artifact.uploading."  # MLflow's prefix for artifacts that are not complete yet
# To serve a model; the lock file has the versions for training.
MODEL_REQUIREMENTS = ("tensorflow", "keras", "numpy", "mlflow")


@contextmanager
def opened(settings: Mlflow, name: str, run_id: str | None, digest: str) -> Iterator["RunLogger"]:
    """Yield the logger of a training's run: that of `run_id`, else a new one of this name. It ends
    as FINISHED, FAILED, or, after Ctrl-C or SIGTERM, KILLED. A resumed run becomes a child of the
    sweep that resumes it. Raise InputError if the store cannot be used.
    """
    client, experiment_id = store.connect(settings.experiment)
    os.environ.pop("MLFLOW_RUN_ID", None)  # it would override the arguments
    if run_id is None:
        run_id = _left_behind(client, experiment_id, digest)
    elif not store.is_active(client, run_id):
        run_id = None  # deleted, or in another store
    lease.close_orphans(client, experiment_id)
    mlflow.set_system_metrics_sampling_interval(2)
    parent, tags = settings.parent_run_id, {run_tags.TRAINING_DIGEST: digest, **lease.tags()}
    new = {"run_name": name, "parent_run_id": parent, "tags": tags}
    with store.usable():  # reading may be allowed, and writing not
        how: dict[str, Any] = {"run_id": run_id} if run_id else new
        run = mlflow.start_run(log_system_metrics=True, **how)
    if run_id and parent:
        mlflow.set_tag(run_tags.PARENT, parent)
    held = lease.Lease(client, run.info.run_id)
    # In milliseconds since 1970, by a clock that cannot be set.
    start = max(round(1000 * time.time()), run.info.start_time) - 1000 * time.monotonic()
    status = "FAILED"
    logger = RunLogger(client, run.info.run_id)

    def end() -> None:
        if mlflow.active_run() is not None:
            mlflow.end_run(status)
        client.set_terminated(run.info.run_id, status, ended)

    try:
        yield logger
        status = "FINISHED"
    except KeyboardInterrupt:
        status = "KILLED"
        raise
    finally:
        ended = round(start + 1000 * time.monotonic())
        held.release()
        if status == "FINISHED":
            logger.insist(end)
        else:
            with suppress(*store.away()):  # the error that ended the run is the one to report
                end()


def _left_behind(client: MlflowClient, experiment_id: str, digest: str) -> str | None:
    """Return a run killed before its first checkpoint; fail those whose checkpoint was lost."""
    wanted = f"tags.{run_tags.TRAINING_DIGEST} = '{digest}' and attributes.status != 'FINISHED'"
    barely_begun = None
    for run in client.search_runs([experiment_id], wanted, order_by=[*run_search.NEWEST_FIRST]):
        info = run.info
        if info.status not in ("RUNNING", "KILLED") or not lease.is_gone(run):
            continue
        if metric_names.LOSS not in run.data.metrics:
            barely_begun = barely_begun or info.run_id
        else:
            client.set_terminated(info.run_id, "FAILED", info.end_time)
            print(f"The run {info.run_name} ({info.run_id}) was marked FAILED: no checkpoint.")
    return barely_begun


class RunLogger:
    """Logs a training to the active run, and each value once, even if the run is interrupted."""

    def __init__(self, client: MlflowClient, run_id: str):
        self.client, self.run_id = client, run_id
        self.logged: set[int] = set()  # epochs
        self.waiting: dict[int, Metrics] = {}  # epochs that could not be logged yet
        self.away = False  # whether the store's last request failed
        self.ask_again = 0.0  # the time of the next one, by the monotonic clock

    def start(
        self, settings: Mapping[str, Any], tags: dict[str, str], data: Dataset, images: Arrays
    ) -> None:
        """Log settings as flat params, tags, and images, uint8 (N, 28, 28), by their use."""
        # The choices are params, too, to search by. Another name may stand for the same training,
        # whose run keeps the first.
        params = self.client.get_run(self.run_id).data.params
        chosen = {group: tags[group] for group in CHOICES if group in tags and group not in params}
        mlflow.log_params({**override.flat(settings), **chosen})
        mlflow.set_tags(tags)
        mlflow.log_dict(dict(settings), "config.yaml")
        for context, part in images.items():
            # Of two inputs with the same name and digest MLflow keeps the first.
            inputs = from_numpy(part, name=f"{data.name}-{context}", digest=data.digest[:32])
            try:
                mlflow.log_input(inputs, context=context)
            except MlflowException:  # another run added the same data set at this moment
                mlflow.log_input(inputs, context=context)

    def lost_epochs(self, history: Sequence[Metrics]) -> None:
        """Log the epochs of a resumed training that were kept, but not logged, when it stopped."""
        points = self.client.get_metric_history(self.run_id, metric_names.LOSS)
        self.logged = {point.step for point in points}
        for row in history:
            metrics = dict(row)
            self.epoch(metrics, int(metrics.pop(metric_names.EPOCH)))

    def prepare(self) -> None:
        """Import what logs a model, and let MLflow list the installed packages; log nothing."""
        importlib.import_module("mlflow.tensorflow")
        importlib.import_module("mlflow.pyfunc")
        warn_dependency_requirement_mismatches(_requirements())

    def epoch(self, values: Metrics, step: int) -> None:
        """Log an epoch's metrics, counted from 1, and waiting ones; without a store, they wait."""
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
        """Call a function until the store is not away; raise AwayError after PATIENCE_SECONDS."""
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

    def trained(self, model: Any, example: np.ndarray, final: Metrics, out: Path) -> None:
        """Log metrics, the files in `out`, and the model with an example, uint8 (1, 28, 28)."""

        def log() -> None:
            self._log_waiting()
            _remove_half_copies(self.client, self.run_id)
            _log_new(self.client, self.run_id, final)
            self.client.set_tag(self.run_id, run_tags.PARAMETERS, model.count_params())
            self.client.log_artifact(self.run_id, str(out / paths.HISTORY))
            self.client.log_artifacts(self.run_id, str((out / paths.CURVES).parent), "figures")
            if not self._has_model():
                self._log_model(model, example)

        self.insist(log)

    def _log_model(self, model: Any, example: np.ndarray) -> None:
        with quiet.stderr(), model_code.copied() as code:
            Model.log(
                artifact_path=None,
                name=FORBIDDEN.sub("_", self.client.get_run(self.run_id).info.run_name),
                flavor=SimpleNamespace(save_model=_save_model),
                model=model,
                signature=infer_signature(example),  # MLflow's own; `_save_model` sets ours
                input_example=example,
                pip_requirements=_requirements(),
                code_paths=[str(code)],  # layers and serving
                validate_serving_input=False,
            )

    def _has_model(self) -> bool:
        """Return whether the run has its model; delete incomplete ones, which MLflow would keep."""
        run = self.client.get_run(self.run_id)
        whole = store.whole_model(self.client, run)
        for one in store.logged_models(self.client, run.info.experiment_id, self.run_id):
            if one.status != LoggedModelStatus.READY:
                with suppress(*store.away(), NotImplementedError):  # some stores cannot delete
                    get_artifact_repository(one.artifact_location).delete_artifacts()
                self.client.delete_logged_model(one.model_id)
        return whole is not None

    def predicted(self, files: Mapping[Path, str], scores: Metrics) -> None:
        """Log predictions; see `add_results`."""
        self.insist(lambda: add_results(self.run_id, files=files, scores=scores))


def _save_model(*, validate_serving_input: bool, **given: Any) -> None:
    # Without the validation of `Model.log`, whose failure would only be a warning.
    from src.serving import loader  # TensorFlow, which a training has imported

    loader.save_model(**given)


def _requirements() -> list[str]:
    return [f"{name}=={version(name)}" for name in MODEL_REQUIREMENTS]


def find_or_restore(run_id: str, name: str, experiment: str) -> str:
    """Return the training's run, or if it is not there a substitute with the tag `trained_by`."""
    client, experiment_id = store.connect(experiment)
    if store.is_active(client, run_id):
        return run_id
    found = client.search_runs([experiment_id], f"tags.trained_by = '{run_id}'")
    tags, name = {"trained_by": run_id}, f"{name} (restored)"
    run = found[0] if found else client.create_run(experiment_id, None, tags, name)
    client.set_terminated(run.info.run_id)
    return run.info.run_id


def add_results(
    run_id: str, *, files: Mapping[Path, str] = NONE, scores: Metrics = NONE, tags: Tags = NONE
) -> None:
    """Add files (with their folders in the run), scores and tags to a run, whatever its status."""
    client = MlflowClient()
    _remove_half_copies(client, run_id)
    for path, folder in files.items():
        client.log_artifact(run_id, str(path), folder or None)
    model = store.whole_model(client, client.get_run(run_id)) if scores else None
    _log_new(client, run_id, scores, model.model_id if model else None)
    for name, value in tags.items():
        client.set_tag(run_id, name, value)


def _remove_half_copies(client: MlflowClient, run_id: str) -> None:
    """Remove a killed process's half copies from artifacts on this disk: MLflow would show them."""
    artifacts = get_artifact_repository(client.get_run(run_id).info.artifact_uri)
    if isinstance(artifacts, LocalArtifactRepository):
        for path in Path(artifacts.artifact_dir).rglob(f"{HALF_COPY}*"):
            path.unlink(missing_ok=True)


def _log_new(
    client: MlflowClient, run_id: str, values: Metrics, model_id: str | None = None
) -> None:
    """Log the metrics that the run does not have with these values yet, beside the model."""
    logged, now = client.get_run(run_id).data.metrics, round(1000 * time.time())
    new = sorted(one for one in values.items() if logged.get(one[0]) != one[1])
    more = {"model_id": model_id, "run_id": run_id}
    client.log_batch(run_id, [Metric(name, value, now, 0, **more) for name, value in new])

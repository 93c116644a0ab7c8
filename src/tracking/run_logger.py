"""MLflow: where runs are stored, and what is recorded of each."""

import logging
import os
import platform
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
from mlflow import MlflowClient
from mlflow.entities import Metric, RunStatus
from mlflow.exceptions import MlflowException
from mlflow.models import infer_signature
from sqlalchemy.exc import SQLAlchemyError

from src.data.dataset import Dataset
from src.runtime import metric_names, paths, quiet
from src.runtime.errors import InputError
from src.tracking import run_tags

SOURCE = Path(__file__).resolve().parents[1]  # src/
# What a model needs where it is served; the lock holds what it was trained with.
MODEL_REQUIREMENTS = ("tensorflow", "keras", "numpy", "mlflow")

os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
# Its lines on migrations, on monitors, and on how to open a run are not for our users.
logging.getLogger("mlflow").setLevel(logging.ERROR)
logging.getLogger("alembic").setLevel(logging.ERROR)


def connect(experiment: str) -> tuple[MlflowClient, str]:
    """Select store and experiment; return the client and the experiment's id.

    The store is MLFLOW_TRACKING_URI, else mlflow.db in the repository. Safe in processes that
    start at once.

    Raises:
        InputError: the store cannot be used.
    """
    with _usable_store():
        location = _select_store()
        client = MlflowClient()
        if client.get_experiment_by_name(experiment) is None:
            try:
                client.create_experiment(experiment, artifact_location=location)
            except MlflowException as error:
                if error.error_code != "RESOURCE_ALREADY_EXISTS":
                    raise
        return client, mlflow.set_experiment(experiment).experiment_id


def reader() -> MlflowClient:
    """Return a client of the same store, for what is in it: nothing is created.

    Raises:
        InputError: there is no store yet, or it cannot be used.
    """
    with _usable_store():
        if _is_own_store() and not _own_database().exists():
            raise InputError(
                f"There are no runs yet, because {_own_database().name} does not exist in "
                f"{paths.project_root()}: train some first, for instance with "
                "`python -m src.train activation=swish,relu seed=1,2,3 -m`."
            )
        _select_store()
        client = MlflowClient()
        client.search_experiments(max_results=1)  # one that cannot be used fails here
        return client


def _own_database() -> Path:
    return paths.project_root() / "mlflow.db"


def _is_own_store() -> bool:
    # MLflow itself sets the variable, for the processes to come.
    return os.environ.get("MLFLOW_TRACKING_URI", "") in ("", f"sqlite:///{_own_database()}")


def _select_store() -> str | None:
    """Tell MLflow which store it is; return where a new experiment's artifacts go, None for the
    store's own choice.
    """
    if not _is_own_store():
        return None
    mlflow.set_tracking_uri(f"sqlite:///{_database(_own_database())}")
    return (paths.project_root() / "mlruns").as_uri()


@contextmanager
def _usable_store() -> Iterator[None]:
    """Turn what MLflow says of a store that cannot be used into a sentence."""
    try:
        yield
    except (MlflowException, SQLAlchemyError, ImportError) as error:  # no driver for its scheme
        store, reason = (
            _without_password(text) for text in (mlflow.get_tracking_uri(), str(error))
        )
        raise InputError(
            f"The MLflow store {store} cannot be used ({' '.join(reason.split())[:300]}): fix "
            "MLFLOW_TRACKING_URI, or unset it to use mlflow.db in this folder."
        ) from error


def _without_password(text: str) -> str:
    """Return `text` without what stands before the @ of a URI."""
    return re.sub(r"//\S*@", "//***@", text)


def _database(path: Path) -> Path:
    """Create the SQLite file aside and link it into place: two processes that migrate one new
    file corrupt it.
    """
    if not path.exists():
        new = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            with quiet.stderr():
                MlflowClient(f"sqlite:///{new}").search_experiments(max_results=1)
            os.link(new, path)
        except FileExistsError:
            pass
        finally:
            new.unlink(missing_ok=True)
    return path


@contextmanager
def training_run(
    experiment: str, name: str, run_id: str | None, parent_run_id: str | None
) -> Iterator[str]:
    """Open a new run, or go on with `run_id`, and yield its id.

    It ends as FINISHED, FAILED or KILLED: that is what Ctrl-C or SIGTERM leaves, and the training
    can be resumed. A run that goes on is a child of the sweep that it goes on in.
    """
    client, _ = connect(experiment)
    os.environ.pop("MLFLOW_RUN_ID", None)  # it would override the arguments
    if run_id is not None and not _is_active(client, run_id):
        run_id = None  # deleted, or of another store: the training goes on in a new run
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
        yield run.info.run_id
        status = RunStatus.FINISHED
    except KeyboardInterrupt:
        status = RunStatus.KILLED
        raise
    finally:
        mlflow.end_run(RunStatus.to_string(status))


def _is_active(client: MlflowClient, run_id: str) -> bool:
    try:
        return client.get_run(run_id).info.lifecycle_stage == "active"
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        return False


def flat(config: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return nested `config` as one level of dotted keys."""
    items: dict[str, Any] = {}
    for key, value in config.items():
        nested = isinstance(value, Mapping)
        items |= flat(value, f"{prefix}{key}.") if nested else {f"{prefix}{key}": value}
    return items


def log_epoch(values: Mapping[str, float], step: int) -> None:
    """Log an epoch's metrics to the active run, in one request."""
    mlflow.log_metrics(dict(values), step=step)


def log_lost_epochs(run_id: str, history: Sequence[Mapping[str, float]]) -> None:
    """Log the epochs of a training that goes on which the run lacks: each is kept before it is
    logged, and the process may have ended in between.
    """
    logged = {point.step for point in MlflowClient().get_metric_history(run_id, metric_names.LOSS)}
    for values in history:
        epoch = int(values[metric_names.EPOCH])
        if epoch not in logged:
            log_epoch({name: values[name] for name in values if name != metric_names.EPOCH}, epoch)


def log_settings(
    settings: Mapping[str, Any],
    choices: Mapping[str, str],
    data: Dataset,
    tags: Mapping[str, str],
    digest: str,
) -> None:
    """Log the flat configuration as params, and as tags what one finds runs by.

    Args:
        settings: the configuration, as far as the training depends on it: a run whose training
            goes on must find its params as they were.
        choices: the chosen file of each group.
        data: the data.
        tags: more of them.
        digest: the training's (src/tracking/fingerprint.py).
    """
    mlflow.log_params(flat(settings))
    chosen = {group: choices[group] for group in ("activation", "model", "experiment")}
    digests = {"data_digest": data.digest, run_tags.TRAINING_DIGEST: digest}
    mlflow.set_tags({**environment_tags(), **chosen, **digests, **tags})
    mlflow.log_dict(dict(settings), "config.yaml")


def log_inputs(data: Dataset, training: np.ndarray, validation: np.ndarray) -> None:
    """Log the training and validation images, uint8 (N, 28, 28), as the active run's inputs."""
    for images, context in ((training, "training"), (validation, "validation")):
        # A name for each part: of two inputs with one name and digest MLflow keeps the first.
        name = f"{data.name}-{context}"
        inputs = mlflow.data.from_numpy(images, name=name, digest=data.digest[:32])
        try:
            mlflow.log_input(inputs, context=context)
        except MlflowException:  # a job beside this one added the very data set at this moment
            mlflow.log_input(inputs, context=context)


def log_training(model: Any, example: np.ndarray, final: Mapping[str, float], out: Path) -> None:
    """Log to the active run what a training leaves: metrics, files, and the model.

    Args:
        model: the Keras model; it is logged so that it loads and serves elsewhere.
        example: raw pixels, uint8 (1, 28, 28).
        final: the final metrics.
        out: the folder with history and figures.
    """
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


def environment_tags() -> dict[str, str]:
    """Return tags on the code and the machine: git commit, whether it was changed, versions."""
    tags = {
        "python": platform.python_version(),
        "tensorflow": version("tensorflow"),
        "keras": version("keras"),
        "cpus": str(os.cpu_count()),
        "command": " ".join([Path(sys.executable).name, *sys.orig_argv[1:]]),
    }
    commit = _git("rev-parse", "HEAD")
    if commit:
        tags["git_commit"] = commit
        tags["git_dirty"] = str(bool(_git("status", "--porcelain", "--", "src", "conf"))).lower()
    return tags


def changed_files(first: str, second: str, files: Sequence[Path]) -> list[str] | None:
    """Return which of our files differ between two commits, as paths in the repository; None if
    git does not know both commits.
    """
    commits = [f"{commit}^{{commit}}" for commit in (first, second)]
    if not all(_git("rev-parse", "--quiet", "--verify", commit) for commit in commits):
        return None
    return _git("diff", "--name-only", first, second, "--", *map(str, files)).splitlines()


def _git(*arguments: str) -> str:
    try:
        done = subprocess.run(["git", *arguments], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return ""
    return done.stdout.strip()


def log_to_training_run(
    origin: Mapping[str, str],
    *,
    files: Mapping[Path, str] | None = None,
    metrics: Mapping[str, float] | None = None,
    tags: Mapping[str, str] | None = None,
) -> tuple[str, bool]:
    """Add what was found later to the run that trained the model.

    This goes through the client, so that the run keeps its status and its duration. DVC can
    restore a model whose run this store lacks, or whose run was deleted; then a stand-in run,
    tagged `trained_by`, takes it.

    Args:
        origin: `run_id`, `run_name` and `experiment` of the training.
        files: what to attach, and each one's folder inside the run's artifacts ("" for the top).
        metrics: values by name.
        tags: values by name.

    Returns:
        The id of the run that took it, and whether that is the training's own.
    """
    client, experiment_id = connect(origin["experiment"])
    run_id, own = origin["run_id"], True
    if not _is_active(client, run_id):
        known = client.search_runs([experiment_id], f"tags.trained_by = '{run_id}'")
        run = (
            known[0]
            if known
            else client.create_run(
                experiment_id,
                run_name=f"{origin['run_name']} (restored)",
                tags={"trained_by": run_id},
            )
        )
        client.set_terminated(run.info.run_id)
        run_id, own = run.info.run_id, False
    for path, folder in (files or {}).items():
        client.log_artifact(run_id, str(path), folder or None)
    client.log_batch(
        run_id, metrics=[_metric(name, value) for name, value in (metrics or {}).items()]
    )
    for name, value in (tags or {}).items():
        client.set_tag(run_id, name, value)
    return run_id, own


def _metric(name: str, value: float) -> Metric:
    return Metric(name, value, timestamp=mlflow.utils.time.get_current_time_millis(), step=0)

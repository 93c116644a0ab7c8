"""The MLflow store: which one it is, and how it is opened without a race or a stack trace."""

import logging
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import mlflow
from mlflow import MlflowClient
from mlflow.entities import LoggedModel, LoggedModelStatus, Run
from mlflow.exceptions import MlflowException
from sqlalchemy.exc import SQLAlchemyError

from src.runtime import paths, quiet
from src.runtime.atomic_write import hidden_folder, remove_litter
from src.runtime.errors import InputError, without_password
from src.tracking import artifacts
from src.tracking.passwords import move_out_of_uri

os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")
# MLflow would try for minutes; a training goes on without the store, and logs later.
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR", "1")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "20")  # seconds
# Its lines on migrations, monitors, retries, and on how to open a run are not for our users.
for library in ("mlflow", "alembic", "urllib3", "botocore", "boto3"):
    logging.getLogger(library).setLevel(logging.ERROR)
# What it says of a full disk comes with the statement that failed; our sentence says it.
logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)


class AwayError(InputError):
    """A training has ended and is kept, but the store cannot be used now."""


AWAY = (MlflowException, SQLAlchemyError, OSError)  # what a store raises that cannot be used now
# What a store says -> what to do.
REMEDIES = {
    "disk is full": "make room, then run the same command again.",
    "No space left": "make room, then run the same command again.",
    "readonly database": "allow writing there, then run the same command again.",
    "Invalid Host header": "name the host of MLFLOW_TRACKING_URI in the server's --allowed-hosts, "
    "as HOST and HOST:PORT, or use an address that it allows.",
    "UNAUTHENTICATED": "set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD to what the "
    "server knows you by.",
    "PERMISSION_DENIED": "ask the experiment's owner, or an administrator of the server, for the "
    "permission EDIT.",
}


def connect(experiment: str) -> tuple[MlflowClient, str]:
    """Select store and experiment; return the client and the experiment's id.

    The store is MLFLOW_TRACKING_URI, else mlflow.db in the repository. Safe in processes that
    start at once.

    Raises:
        InputError: the store cannot be used, or artifacts cannot be written.
    """
    with usable():
        location = _select_store()
        client = MlflowClient()
        if client.get_experiment_by_name(experiment) is None:
            try:
                client.create_experiment(experiment, artifact_location=location)
            except MlflowException as error:
                if error.error_code != "RESOURCE_ALREADY_EXISTS":
                    raise
        selected = mlflow.set_experiment(experiment)
    artifacts.refuse_unwritable(selected)
    return client, selected.experiment_id


def is_there() -> bool:
    """Return whether there is a store to read: a server, or a database of our own."""
    return not _is_own_store() or _own_database().exists()


def reader() -> MlflowClient:
    """Return a client of the same store, for what is in it: nothing is created.

    Raises:
        InputError: there is no store yet, or it cannot be used.
    """
    with usable():
        if not is_there():
            raise InputError(
                f"There are no runs yet, because {_own_database().name} does not exist in "
                f"{paths.project_root()}: train some first, for instance with "
                "`python -m src.train activation=swish,relu seed=1,2,3 -m`."
            )
        _select_store()
        client = MlflowClient()
        client.search_experiments(max_results=1)  # one that cannot be used fails here
        return client


def is_active(client: MlflowClient, run_id: str) -> bool:
    """Return whether the store has a run, and it is not deleted."""
    run = find_run(client, run_id)
    return run is not None and run.info.lifecycle_stage == "active"


def find_run(client: MlflowClient, run_id: str) -> Run | None:
    """Return a run, deleted ones included, or None where the store has no such id."""
    try:
        return client.get_run(run_id)
    except MlflowException as error:
        if error.error_code not in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
            raise
        return None


def logged_models(client: MlflowClient, experiment_id: str, run_id: str) -> list[LoggedModel]:
    """Return the models that a run logged, those that are not whole among them."""
    return list(client.search_logged_models([experiment_id], f"source_run_id = '{run_id}'"))


def whole_model(client: MlflowClient, run: Run) -> LoggedModel | None:
    """Return the model that a run logged to the end, or None."""
    found = logged_models(client, run.info.experiment_id, run.info.run_id)
    return next((one for one in found if one.status == LoggedModelStatus.READY), None)


def _own_database() -> Path:
    return paths.project_root() / "mlflow.db"


def _is_own_store() -> bool:
    # MLflow itself sets the variable, for the processes to come.
    return os.environ.get("MLFLOW_TRACKING_URI", "") in ("", f"sqlite:///{_own_database()}")


def _select_store() -> str | None:
    """Tell MLflow which store it is; return where a new experiment's artifacts go, None for the
    store's own choice.
    """
    move_out_of_uri()
    if not _is_own_store():
        return None
    mlflow.set_tracking_uri(f"sqlite:///{new_database(_own_database())}")
    return (paths.project_root() / "mlruns").as_uri()


@contextmanager
def usable() -> Iterator[None]:
    """Turn what MLflow says of a store that cannot be used into a sentence.

    Raises:
        InputError: it cannot.
    """
    try:
        yield
    except (*AWAY, ImportError) as error:  # no driver for its scheme
        raise InputError(f"The MLflow store {named(error)}: {_remedy(error)}") from error


def away() -> tuple[type[Exception], ...]:
    """Return what the store, or the place of its artifacts, raises that cannot be used now."""
    return *AWAY, *artifacts.away()


def named(error: Exception) -> str:
    """Return which store could not be used, and why, without passwords."""
    return f"{without_password(mlflow.get_tracking_uri())} cannot be used ({reason(error)})"


def reason(error: BaseException) -> str:
    """Return what a store says in one line, without passwords."""
    text = str(error).split("[SQL")[0]  # the statement that failed tells users nothing
    return " ".join(without_password(text).split())[:300]


def _remedy(error: Exception) -> str:
    """Return what to do about a store that cannot be used, by what MLflow says of it."""
    code = error.error_code if isinstance(error, MlflowException) else ""
    for said, remedy in REMEDIES.items():
        if said in f"{code} {error}":
            return remedy
    return "fix MLFLOW_TRACKING_URI, or unset it to use mlflow.db in this folder."


def new_database(path: Path) -> Path:
    """Create the SQLite file aside and link it into place: two processes that migrate one new
    file corrupt it.
    """
    if not path.exists():
        remove_litter(path.parent)
        aside = hidden_folder(path.parent)
        try:
            with quiet.stderr():
                MlflowClient(f"sqlite:///{aside / path.name}").search_experiments(max_results=1)
            os.link(aside / path.name, path)
        except FileExistsError:
            pass
        finally:
            shutil.rmtree(aside, ignore_errors=True)
    return path

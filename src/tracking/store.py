"""The MLflow store: opened without a race, a password on the screen or a stack trace."""

import logging
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import unquote, urlsplit

import mlflow
from mlflow import MlflowClient
from mlflow.entities import LoggedModel, LoggedModelStatus, Run
from mlflow.exceptions import MlflowException
from sqlalchemy.exc import SQLAlchemyError

from src.core import paths, quiet
from src.core.atomic_write import hidden_folder, remove_litter
from src.core.errors import InputError, one_line, without_password
from src.tracking import artifacts

# MLflow would retry for minutes, botocore for ten seconds; a training continues without the store,
# and logs later.
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR", "1")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "20")  # seconds
os.environ.setdefault("AWS_MAX_ATTEMPTS", "3")
ASK_AGAIN_SECONDS = 30  # during a training, after a request that failed
PATIENCE_SECONDS, PAUSE_SECONDS = 180, 2  # at its end, when it has to be logged; between attempts
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")
# Their lines on migrations, monitors, retries, and on opening a run are not for users.
for library in ("mlflow", "alembic", "urllib3", "botocore", "boto3"):
    logging.getLogger(library).setLevel(logging.ERROR)
# Its words on a full disk include the statement that failed; ours are a sentence.
logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)


class AwayError(InputError):
    """The store cannot be used at the end of a training, which is complete and saved."""


UNKNOWN = ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE")  # of an id that does not exist
AWAY = (MlflowException, SQLAlchemyError, OSError)  # raised by a store that cannot be used now
# Part of an error's text -> remedy.
REMEDIES = {
    "disk is full": "make room, then run the same command again.",
    "No space left": "make room, then run the same command again.",
    "readonly database": "allow writing there, then run the same command again.",
    "Invalid Host header": "name the host of MLFLOW_TRACKING_URI in the server's --allowed-hosts, "
    "as HOST and HOST:PORT, or use an address that it allows.",
    "UNAUTHENTICATED": "set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD to your account "
    "on the server.",
    "PERMISSION_DENIED": "ask the experiment's owner, or an administrator of the server, for the "
    "permission EDIT.",
}


def connect(experiment: str) -> tuple[MlflowClient, str]:
    """Select store (MLFLOW_TRACKING_URI, else mlflow.db in the repository) and experiment; return
    the client and the experiment's id. Safe in processes that start at once. Raise InputError if it
    cannot be used, or artifacts cannot be written.
    """
    with usable():
        location = _select_store()
        client = MlflowClient()
        if client.get_experiment_by_name(experiment) is None:
            with ignoring("RESOURCE_ALREADY_EXISTS"):
                client.create_experiment(experiment, artifact_location=location)
        selected = mlflow.set_experiment(experiment)
    artifacts.refuse_unwritable(selected)
    return client, selected.experiment_id


def is_there() -> bool:
    """Return whether there is a store to read."""
    return not _is_own_store() or _own_database().exists()


def reader() -> MlflowClient:
    """Return a client for reading; raise InputError if there is no store, or it cannot be used."""
    if not is_there():
        raise InputError(
            f"There are no runs yet, because {_own_database().name} does not exist in "
            f"{paths.project_root()}: train some first, for instance with "
            "`python -m src.train activation=swish,relu seed=1,2,3 -m`."
        )
    with usable():
        _select_store()
        client = MlflowClient()
        client.search_experiments(max_results=1)  # one that cannot be used fails here
        return client


def is_active(client: MlflowClient, run_id: str) -> bool:
    """Return whether a run exists and is not deleted."""
    run = find_run(client, run_id)
    return run is not None and run.info.lifecycle_stage == "active"


def find_run(client: MlflowClient, run_id: str) -> Run | None:
    """Return a run, even a deleted one, or None if there is no such id."""
    with ignoring(*UNKNOWN):
        return client.get_run(run_id)
    return None


@contextmanager
def ignoring(*codes: str) -> Iterator[None]:
    """Suppress MLflow's errors that have one of its codes."""
    try:
        yield
    except MlflowException as error:
        if error.error_code not in codes:
            raise


def logged_models(client: MlflowClient, experiment_id: str, run_id: str) -> list[LoggedModel]:
    """Return the models that a run logged, incomplete ones included."""
    return list(client.search_logged_models([experiment_id], f"source_run_id = '{run_id}'"))


def whole_model(client: MlflowClient, run: Run) -> LoggedModel | None:
    """Return the model that a run logged completely, or None."""
    found = logged_models(client, run.info.experiment_id, run.info.run_id)
    return next((one for one in found if one.status == LoggedModelStatus.READY), None)


def _own_database() -> Path:
    return paths.project_root() / "mlflow.db"


def _is_own_store() -> bool:
    # MLflow itself sets the variable, for child processes.
    return os.environ.get("MLFLOW_TRACKING_URI", "") in ("", f"sqlite:///{_own_database()}")


def _select_store() -> str | None:
    """Select the store for MLflow; return where artifacts go, None for the store's own choice."""
    move_password()
    if not _is_own_store():
        return None
    mlflow.set_tracking_uri(f"sqlite:///{new_database(_own_database())}")
    return (paths.project_root() / "mlruns").as_uri()


def move_password() -> None:
    """Move user and password out of a server's MLFLOW_TRACKING_URI, which MLflow prints."""
    uri = urlsplit(os.environ.get("MLFLOW_TRACKING_URI", ""))
    if uri.scheme in ("http", "https") and uri.username and uri.password is not None:
        os.environ["MLFLOW_TRACKING_USERNAME"] = unquote(uri.username)
        os.environ["MLFLOW_TRACKING_PASSWORD"] = unquote(uri.password)
        host = uri.netloc.rpartition("@")[2]
        os.environ["MLFLOW_TRACKING_URI"] = uri._replace(netloc=host).geturl()


@contextmanager
def usable() -> Iterator[None]:
    """Turn the errors of a store that cannot be used into an InputError with reason and remedy."""
    try:
        yield
    except (*AWAY, ImportError) as error:  # no driver for its scheme
        code = error.error_code if isinstance(error, MlflowException) else ""
        text = f"{code} {error}"
        default = "fix MLFLOW_TRACKING_URI, or unset it to use mlflow.db in this folder."
        remedy = next((remedy for part, remedy in REMEDIES.items() if part in text), default)
        raise InputError(f"The MLflow store {named(error)}: {remedy}") from error


def away() -> tuple[type[Exception], ...]:
    """Return the errors of a store, or a place of artifacts, that cannot be used now."""
    return *AWAY, *artifacts.away()


def named(error: Exception) -> str:
    """Return `<URI> cannot be used (<reason>)`, without passwords."""
    return f"{without_password(mlflow.get_tracking_uri())} cannot be used ({reason(error)})"


def reason(error: BaseException) -> str:
    """Return a store's error in one line, without passwords and the SQL statement that failed."""
    return one_line(str(error).split("[SQL")[0])


def new_database(path: Path) -> Path:
    """Create a database aside and link it: two processes that migrate one would corrupt it."""
    if not path.exists():
        remove_litter(path.parent)
        folder = hidden_folder(path.parent)
        try:
            with quiet.stderr(), suppress(FileExistsError):
                MlflowClient(f"sqlite:///{folder / path.name}").search_experiments(max_results=1)
                os.link(folder / path.name, path)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    return path

"""The MLflow store: which one it is, and how it is opened without a race or a stack trace."""

import logging
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import mlflow
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from sqlalchemy.exc import SQLAlchemyError

from src.runtime import paths, quiet
from src.runtime.atomic_write import hidden_folder, remove_litter
from src.runtime.errors import InputError

os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")
# MLflow would try for minutes; a training goes on without the store, and logs later.
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR", "1")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "20")  # seconds
# Its lines on migrations, monitors, retries, and on how to open a run are not for our users.
for library in ("mlflow", "alembic", "urllib3"):
    logging.getLogger(library).setLevel(logging.ERROR)
# What it says of a full disk comes with the statement that failed; our sentence says it.
logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)


AWAY = (MlflowException, SQLAlchemyError, OSError)  # what a store raises that cannot be used now


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


def is_there() -> bool:
    """Return whether there is a store to read: a server, or a database of our own."""
    return not _is_own_store() or _own_database().exists()


def reader() -> MlflowClient:
    """Return a client of the same store, for what is in it: nothing is created.

    Raises:
        InputError: there is no store yet, or it cannot be used.
    """
    with _usable_store():
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
    try:
        return client.get_run(run_id).info.lifecycle_stage == "active"
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        return False


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
    except (*AWAY, ImportError) as error:  # no driver for its scheme
        raise InputError(f"The MLflow store {named(error)}: {_remedy(str(error))}") from error


def named(error: Exception) -> str:
    """Return which store could not be used, and why, without passwords."""
    reason = str(error).split("[SQL")[0]  # the statement that failed tells users nothing
    store, reason = (_without_password(text) for text in (mlflow.get_tracking_uri(), reason))
    return f"{store} cannot be used ({' '.join(reason.split())[:300]})"


def _remedy(reason: str) -> str:
    """Return what to do about a store that cannot be used, by what MLflow says of it."""
    if "disk is full" in reason or "No space left" in reason:
        return "make room, then run the same command again."
    if "readonly database" in reason:
        return "allow writing there, then run the same command again."
    return "fix MLFLOW_TRACKING_URI, or unset it to use mlflow.db in this folder."


def _without_password(text: str) -> str:
    """Return `text` without what stands before the @ of a URI."""
    return re.sub(r"//\S*@", "//***@", text)


def _database(path: Path) -> Path:
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

"""Checks, before a training begins, that its artifacts can be written."""

import sys
import tempfile
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import mlflow
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

from src.core.errors import InputError, one_line, without_password

PROBE = ".writable"  # written beside the runs' folders, and removed
PROXIED = "mlflow-artifacts"  # the scheme of artifacts that go through MLflow's server
# Part of an error's text, of S3 or the libraries for it -> remedy.
REMEDIES = {
    "Unable to locate credentials": "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
    "Partial credentials": "set both AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
    "InvalidAccessKeyId": "fix AWS_ACCESS_KEY_ID",
    "SignatureDoesNotMatch": "fix AWS_SECRET_ACCESS_KEY",
    "AccessDenied": "have its owner allow these keys to write there",
    "NoSuchBucket": "create the bucket",
    "Could not connect to the endpoint": "fix MLFLOW_S3_ENDPOINT_URL, or start the server there",
    "No module named 'boto3'": "install the extra s3, `uv pip install -r pyproject.toml --extra s3 "
    "-c requirements-cluster.lock`",
    "403 Client Error": "ask the experiment's owner for the permission EDIT",
}
BOTOCORE, BOTO3 = "botocore.exceptions", "boto3.exceptions"
ERRORS = ((BOTOCORE, "BotoCoreError"), (BOTOCORE, "ClientError"), (BOTO3, "Boto3Error"))
SERVERS = "see what the server's log says: it has the keys, and must be able to write there"


def away() -> tuple[type[Exception], ...]:
    """Return the errors of a bucket that cannot be used now, of the libraries imported so far."""
    modules = sys.modules
    return tuple(getattr(modules[one], name) for one, name in ERRORS if one in modules)


def refuse_unwritable(experiment: Any) -> None:
    """Raise InputError if an experiment's artifacts, unless on this disk, cannot be written."""
    location = experiment.artifact_location
    if urlsplit(location).scheme not in ("", "file"):
        _probe(mlflow.get_tracking_uri(), location, experiment.name)


@cache
def _probe(store: str, location: str, experiment: str) -> None:
    """Write an empty file, and try to remove it."""
    try:
        artifacts = get_artifact_repository(location, tracking_uri=store)
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / PROBE
            file.touch()
            artifacts.log_artifact(str(file))
    except Exception as error:  # each kind of place has errors of its own
        found = (remedy for part, remedy in REMEDIES.items() if part in str(error))
        proxied = urlsplit(location).scheme == PROXIED
        remedy = next(found, SERVERS if proxied else "allow it, or fix the keys to it")
        raise InputError(
            f"The artifacts of experiment {experiment!r} go to {without_password(location)}, "
            f"where this command cannot write ({one_line(f'{type(error).__name__}: {error}')}): "
            f"{remedy}; then run the same command again."
        ) from error
    with suppress(Exception):  # some accounts may add artifacts, but not delete any
        artifacts.delete_artifacts(PROBE)

"""Where an experiment's artifacts go, and whether one may write there: asked before a training
begins, because a model that cannot be kept is found out at its end.
"""

import os
import sys
import tempfile
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import mlflow
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

from src.runtime.errors import InputError, without_password

# Left to itself, botocore tries an endpoint that is away for ten seconds.
os.environ.setdefault("AWS_MAX_ATTEMPTS", "3")
PROBE = ".writable"  # written beside the runs' folders, and removed
PROXIED = "mlflow-artifacts"  # the scheme of artifacts that go through MLflow's server
# What S3 and the libraries for it say -> what to do.
REMEDIES = {
    "Unable to locate credentials": "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
    "Partial credentials": "set both AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
    "InvalidAccessKeyId": "fix AWS_ACCESS_KEY_ID",
    "SignatureDoesNotMatch": "fix AWS_SECRET_ACCESS_KEY",
    "AccessDenied": "have its owner allow these keys to write there",
    "NoSuchBucket": "make the bucket",
    "Could not connect to the endpoint": "fix MLFLOW_S3_ENDPOINT_URL, or start the server there",
    "No module named 'boto3'": "install the extra s3, `uv pip install -r pyproject.toml --extra s3 "
    "-c requirements-cluster.lock`",
    "403 Client Error": "ask the experiment's owner for the permission EDIT",
}
ERRORS = (
    ("botocore.exceptions", "BotoCoreError"),
    ("botocore.exceptions", "ClientError"),
    ("boto3.exceptions", "Boto3Error"),
)
SERVERS = "see what the server's log says: it has the keys, and must be able to write there"


def away() -> tuple[type[Exception], ...]:
    """Return what a bucket raises that cannot be used now: of libraries that are imported."""
    loaded = ((sys.modules.get(module), name) for module, name in ERRORS)
    return tuple(getattr(module, name) for module, name in loaded if module)


def refuse_unwritable(experiment: Any) -> None:
    """See that an experiment's artifacts can be written, once for a process; those on this disk are
    not asked.

    Args:
        experiment: MLflow's.

    Raises:
        InputError: they cannot.
    """
    location = experiment.artifact_location
    if urlsplit(location).scheme not in ("", "file"):
        _probe(mlflow.get_tracking_uri(), location, experiment.name)


@cache
def _probe(store: str, location: str, experiment: str) -> None:
    """Write an empty file, and remove it where that is allowed.

    Raises:
        InputError: the former failed, in whatever way the library for that kind of place fails.
    """
    try:
        artifacts = get_artifact_repository(location, tracking_uri=store)
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / PROBE
            file.touch()
            artifacts.log_artifact(str(file))
    except Exception as error:
        raise InputError(
            f"The artifacts of experiment {experiment!r} go to {without_password(location)}, "
            f"where this command cannot write ({_reason(error)}): "
            f"{_remedy(location, error)}; then run the same command again."
        ) from error
    # A member of a team may add artifacts but not delete any: then one empty file stays.
    with suppress(Exception):
        artifacts.delete_artifacts(PROBE)


def _reason(error: Exception) -> str:
    text = without_password(f"{type(error).__name__}: {error}")
    return " ".join(text.split())[:300]


def _remedy(location: str, error: Exception) -> str:
    for said, remedy in REMEDIES.items():
        if said in str(error):
            return remedy
    return SERVERS if urlsplit(location).scheme == PROXIED else "allow it, or fix the keys to it"

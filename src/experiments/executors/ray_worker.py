"""The worker side of the Ray executor, on any node.

Only the standard library is imported before the node's packages are known to be the driver's.
"""

import functools
import os
import pickle
import platform
import re
import shutil
import socket
import stat
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from src.experiments.executors import LOG, interruptible, portable

if TYPE_CHECKING:
    from src.experiments.run_spec import RunSpec

NO_GPU = {"CUDA_VISIBLE_DEVICES": "-1"}
PINNED = re.compile(r"^([A-Za-z0-9][\w.-]*)(?:\[[^]]*\])?==", re.MULTILINE)
PYTHON = "Python"
NAMED = 3  # packages that a sentence names


class RunContext(NamedTuple):
    """What all runs of a driver need."""

    installed: Mapping[str, str]  # the driver's packages, and so the node's
    environment: Mapping[str, str]  # variables to set
    folder: str | None  # to work in; None where the data travels to a folder that the node keeps
    data_digest: str  # of the data that travels


class IncompatibleNode(NamedTuple):
    """The ID of a node that no run may train on, and how it differs from the driver's machine."""

    node_id: str
    reason: str


def installed(lock: Path) -> dict[str, str]:
    """Return the versions of Python and of a lock's packages, `name==version`, on this machine."""
    names = [PYTHON, *sorted(set(PINNED.findall(lock.read_text())))]
    return {name: found for name in names if (found := _version(name)) is not None}


def difference(expected: Mapping[str, str]) -> str | None:
    """Return in words how this machine's packages differ from the expected; None if they do not."""
    others = [
        f"{name} {found or 'is missing'} there, {wanted} here"
        for name, wanted in expected.items()
        if (found := _version(name)) != wanted
    ]
    more = f", and {len(others) - NAMED} more" if len(others) > NAMED else ""
    return f"{'; '.join(others[:NAMED])}{more}" if others else None


@functools.cache  # a worker compares before each of its runs
def _version(name: str) -> str | None:
    if name == PYTHON:  # without the last part of the version, which changes no results
        return ".".join(platform.python_version_tuple()[:2])
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def inspect(expected: Mapping[str, str]) -> IncompatibleNode | None:
    """Return this node if its packages are not the driver's."""
    import ray

    reason = difference(expected)
    if reason is None:
        return None
    node_id = ray.get_runtime_context().get_node_id()
    return IncompatibleNode(node_id, f"{socket.gethostname()} has {reason}")


def train(
    context: RunContext, data: Sequence[Any], pickled: bytes
) -> IncompatibleNode | BaseException | None:
    """Train a run; return the error that it ended with, or this node if it is incompatible.

    An error is returned, not raised, so that Ray retries only what was lost with its worker; but
    KeyboardInterrupt is raised where the driver was interrupted. `data` has a reference to the
    files of the data, in a list, so that Ray fetches them only when asked; it is empty if they do
    not travel. `pickled` is the function that trains, and the run.
    """
    if (incompatible := inspect(context.installed)) is not None:
        return incompatible
    os.environ.update(context.environment)
    try:
        with interruptible():  # by Ray, when the driver is gone
            os.chdir(context.folder or _unpacked_data(context.data_digest, data))
            function, spec = pickle.loads(pickled)
            with nullcontext() if context.folder else _kept_in_mlflow(spec):
                function(spec)
    except Exception as error:
        return portable(error)
    return None


def _unpacked_data(digest: str, data: Sequence[Any]) -> Path:
    import ray

    from src.experiments.executors import data_transfer

    return data_transfer.unpack(home(), digest, lambda: ray.get(data[0]))


def home() -> Path:
    """Return the folder of this user's runs on this machine; InputError if it is another user's."""
    from src.core.errors import InputError

    folder = Path(tempfile.gettempdir()) / f"digit-recognizer-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if found.st_uid != os.getuid() or not stat.S_ISDIR(found.st_mode):
        raise InputError(f"{folder} is not this user's own folder: remove it on that node.")
    return folder


@contextmanager
def _kept_in_mlflow(spec: "RunSpec") -> Iterator[None]:
    """Delete a run's files at the end: they are in MLflow, also the log, which is added here."""
    from src.core import heavy_imports

    heavy_imports.load(mlflow=True)
    import mlflow

    from src.tracking import store

    before = mlflow.last_active_run()
    try:
        yield
    finally:
        run = mlflow.last_active_run()
        if run is not None and (before is None or run.info.run_id != before.info.run_id):
            with suppress(*store.AWAY):
                mlflow.MlflowClient().log_artifact(run.info.run_id, str(spec.folder / LOG))
        shutil.rmtree(spec.folder, ignore_errors=True)

"""The worker side of the Ray executor, on any node.

Only the standard library is imported before the node's packages are known to be the driver's.
"""

import os
import pickle
import shutil
import socket
import stat
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from src.experiments.executors import LOG, interruptible, packages, portable

if TYPE_CHECKING:
    from src.experiments.run_spec import RunSpec

NO_GPU = {"CUDA_VISIBLE_DEVICES": "-1"}


class RunContext(NamedTuple):
    """What all runs of a driver need.

    Attributes:
        installed: the driver's packages, and so the node's.
        environment: variables to set.
        folder: to work in, if the driver's own folder is on the node; None where the data travels,
            and the node keeps a folder for it.
        data_digest: of the data that travels.
    """

    installed: Mapping[str, str]
    environment: Mapping[str, str]
    folder: str | None
    data_digest: str


class IncompatibleNode(NamedTuple):
    """The ID of a node that no run may train on, and how it differs from the driver's machine."""

    node_id: str
    reason: str


def inspect(installed: Mapping[str, str]) -> IncompatibleNode | None:
    """Return this node if its packages are not the driver's."""
    import ray

    reason = packages.difference(installed)
    if reason is None:
        return None
    node_id = ray.get_runtime_context().get_node_id()
    return IncompatibleNode(node_id, f"{socket.gethostname()} has {reason}")


def train(
    context: RunContext, data: Sequence[Any], pickled: bytes
) -> IncompatibleNode | BaseException | None:
    """Train a run; return the error that it ended with, or this node if it is incompatible.

    An error is returned, not raised, so that Ray retries only what was lost with its worker.

    Args:
        context: of the run.
        data: a reference to the files of the data, in a list, so that Ray fetches them only when
            asked; empty if they do not travel.
        pickled: the function that trains, and the run.

    Raises:
        KeyboardInterrupt: the driver was interrupted.
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

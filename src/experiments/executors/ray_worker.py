"""The far side of the Ray executor: what a worker does, on whatever node it is.

Only the standard library is imported before the node's packages are known to be the driver's.
"""

import os
import pickle
import shutil
import signal
import socket
import stat
import tempfile
import traceback
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from src.experiments.executors import LOG, packages, printing_to_log
from src.experiments.executors.packages import Installed

if TYPE_CHECKING:
    from src.experiments.run_spec import PlannedRun

NO_GPU = {"CUDA_VISIBLE_DEVICES": "-1"}


@dataclass(frozen=True)
class Errand:
    """What every run of a driver needs beside itself.

    Attributes:
        installed: what the driver has, and so the node must have.
        environment: variables to set.
        folder: where to work, if the driver's own folder is on the node; else None, and the node
            keeps a folder for the data.
        manifest: of the data, if it travels.
    """

    installed: Installed
    environment: Mapping[str, str]
    folder: str | None
    manifest: Mapping[str, str]


@dataclass(frozen=True)
class Unfit:
    """A node that no run may be made on: its id, and how it differs from the driver's machine."""

    node_id: str
    reason: str


def inspect(installed: Installed) -> Unfit | None:
    """Return whether this node is unfit, and why."""
    import ray

    reason = packages.difference(installed)
    if reason is None:
        return None
    return Unfit(ray.get_runtime_context().get_node_id(), f"{socket.gethostname()} has {reason}")


def make(errand: Errand, cargo: Sequence[Any], packed: bytes) -> Unfit | BaseException | None:
    """Make a run; return the error that it ended with, or that the node is unfit.

    An error is returned, not raised: so Ray tries again what was lost with its worker, and never
    what failed by itself.

    Args:
        errand: what the run needs beside itself.
        cargo: a reference to the files of the data, in a list, so that Ray fetches them only when
            asked; empty if they do not travel.
        packed: the pickled run.

    Raises:
        KeyboardInterrupt: the driver was interrupted.
    """
    unfit = inspect(errand.installed)
    if unfit is not None:
        return unfit
    os.environ.update(errand.environment)
    # Ray's way to end a worker whose driver is gone.
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        os.chdir(errand.folder or _unpacked(errand.manifest, cargo))
        run = pickle.loads(packed)
        if errand.folder is not None:
            _make(run)
        else:
            _make_and_tidy(run)
    except Exception as error:
        return _portable(error)
    finally:
        signal.signal(signal.SIGTERM, before)
    return None


def _unpacked(manifest: Mapping[str, str], cargo: Sequence[Any]) -> Path:
    import ray

    from src.experiments.executors import cargo as data

    return data.unpack(home(), manifest, lambda: ray.get(cargo[0]))


def home() -> Path:
    """Return the folder that this user's runs have on this machine, beside Ray's own.

    Raises:
        InputError: it is another user's.
    """
    from src.runtime.errors import InputError

    folder = Path(tempfile.gettempdir()) / f"digit-recognizer-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if found.st_uid != os.getuid() or not stat.S_ISDIR(found.st_mode):
        raise InputError(f"{folder} is not this user's own folder: remove it on that node.")
    return folder


def _make(run: "PlannedRun") -> None:
    with printing_to_log(run):
        run.announce()
        run.execute()


def _make_and_tidy(run: "PlannedRun") -> None:
    """Make a run, and keep nothing here: its files are in MLflow, what it printed among them."""
    from src.runtime import heavy_imports

    heavy_imports.load(mlflow=True)
    earlier = _last_run()
    try:
        _make(run)
    finally:
        _log_what_it_printed(run, earlier)
        shutil.rmtree(run.folder, ignore_errors=True)


def _last_run() -> str | None:
    """Return the id of the run in MLflow that this process made last; None without any."""
    import mlflow

    last = mlflow.last_active_run()
    return None if last is None else last.info.run_id


def _log_what_it_printed(run: "PlannedRun", earlier: str | None) -> None:
    """Log it, if there is a run in MLflow now that is not the `earlier` one."""
    from mlflow import MlflowClient

    from src.tracking import store

    with suppress(*store.AWAY):
        last = _last_run()
        if last is not None and last != earlier:
            MlflowClient().log_artifact(last, str(run.folder / LOG))


def _portable(error: Exception) -> Exception:
    """Return an error that can be sent, with the place where it was raised as its note."""
    trace = "".join(traceback.format_exception(error))
    error.add_note(trace)
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        error = RuntimeError(f"{type(error).__name__}: {error}")
        error.add_note(trace)
    return error

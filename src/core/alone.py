"""Locks between the processes of one machine; several share a store by `src.tracking.lease`."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from src.core import paths
from src.core.errors import InputError


@contextmanager
def held(file: Path, refusal: str) -> Iterator[None]:
    """Hold a lock file, which the system releases if the process dies, or raise InputError."""
    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        lock = FileLock(file).acquire(timeout=0)
    except Timeout:
        raise InputError(refusal) from None
    with lock:
        yield


@contextmanager
def alone(name: str, refusal: str) -> Iterator[None]:
    """Hold the project's lock of a name, such as study-default, as `held` does."""
    with held(paths.project_root() / paths.CHECKPOINTS / f"{name}.lock", refusal):
        yield

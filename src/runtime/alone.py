"""Keeps two processes of a machine from doing the same thing at once."""

from collections.abc import Iterator
from contextlib import contextmanager

from filelock import FileLock, Timeout

from src.runtime import paths
from src.runtime.errors import InputError


@contextmanager
def alone(what: str, refusal: str) -> Iterator[None]:
    """Keep a second process off something while the block runs.

    Args:
        what: names it, in a file's name.
        refusal: the sentence for the second process.

    Raises:
        InputError: another process is at it.
    """
    file = paths.project_root() / paths.CHECKPOINTS / f"{what}.lock"
    file.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(file)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise InputError(refusal) from None
    try:
        yield
    finally:
        lock.release()

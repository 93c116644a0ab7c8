"""The one place where a damaged file becomes a sentence."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from src.core.errors import DISK, InputError, one_line


@contextmanager
def parsing(path: Path | str, remedy: str, expected: str = "") -> Iterator[None]:
    """Turn any error of the block into `<path> cannot be read (<reason>), expected ...: <remedy>`.

    The block should only parse: random bytes make zipfile, NumPy and json raise nearly every kind
    of exception, so all are caught.

    Raises:
        InputError: the sentence, or one that the block itself raised.
        OSError: the disk is full, or permission is missing.
    """
    try:
        yield
    except InputError:
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno in DISK:
            raise
        reason = one_line(error, 200) or type(error).__name__
        expected = f", expected {expected}" if expected else ""
        raise InputError(f"{path} cannot be read ({reason}){expected}: {remedy}") from error

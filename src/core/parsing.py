"""The one place where a damaged file becomes a sentence."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from src.core.errors import InputError, one_line, sentence


@contextmanager
def parsing(path: Path | str, remedy: str, expected: str = "") -> Iterator[None]:
    """Turn any error of the block into `<path> cannot be read (<reason>), expected ...: <remedy>`,
    except an InputError, and the OSError of a full disk or a missing permission.

    The block should only parse: random bytes make zipfile, NumPy and json raise nearly every kind
    of exception, so all are caught.
    """
    try:
        yield
    except Exception as error:
        if sentence(error) is not None:
            raise
        reason = one_line(error, 200) or type(error).__name__
        expected = f", expected {expected}" if expected else ""
        raise InputError(f"{path} cannot be read ({reason}){expected}: {remedy}") from error

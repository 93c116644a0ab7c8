"""The one place where a damaged file becomes a sentence."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from src.runtime.errors import DISK, InputError


@contextmanager
def parsing(path: Path | str, remedy: str, expected: str = "") -> Iterator[None]:
    """Word whatever goes wrong in the block as `<path> cannot be read (<reason>)`.

    The block should hold the parsing alone: bytes flipped by accident make zipfile, NumPy and json
    raise nearly every kind of exception, so all are caught.

    Args:
        path: what the sentence calls the file.
        remedy: what to do; it ends the sentence.
        expected: what the file should hold.

    Raises:
        InputError: the sentence, or one that the block itself raised.
        OSError: the disk is full, or a file may not be read or written.
    """
    try:
        yield
    except InputError:
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno in DISK:
            raise
        reason = one_line(error) or type(error).__name__
        expected = f", expected {expected}" if expected else ""
        raise InputError(f"{path} cannot be read ({reason}){expected}: {remedy}") from error


def one_line(reason: object, most: int = 200) -> str:
    """Return a parser's words as one line of at most that many characters, all printable.

    They may quote what is in the damaged file.
    """
    line = " ".join(str(reason).split())[:most]
    return "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in line)

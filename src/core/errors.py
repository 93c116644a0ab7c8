"""Errors that a user can fix: the one place where they become a sentence and an exit status."""

import os
import re
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from errno import EACCES, EDQUOT, ENOSPC, EPERM, EROFS
from pathlib import Path
from signal import SIGPIPE
from typing import NoReturn

DISK = {ENOSPC, EDQUOT, EROFS, EACCES, EPERM}


class InputError(Exception):
    """A user's mistake; the message says what, where, found, expected, and what to do."""


def did_you_mean(found: str, known: list[str]) -> str:
    """Return `Did you mean 'x'? ` for the nearest of `known`, or an empty text."""
    near = get_close_matches(found, known, n=1, cutoff=0.5)
    return f"Did you mean {near[0]!r}? " if near else ""


def without_password(text: str) -> str:
    """Mask user and password, everything before the @, in the URIs of a text."""
    return re.sub(r"//\S*@", "//***@", text)


def one_line(reason: object, limit: int = 300) -> str:
    """Return a text as one printable line to quote, without passwords and a full stop."""
    line = " ".join(without_password(str(reason)).split())[:limit].rstrip(".")
    return "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in line)


def sentence(error: BaseException) -> str | None:
    """Return the sentence for an error that a user can fix, or None for an internal error."""
    if isinstance(error, InputError):
        return str(error)
    if not isinstance(error, OSError) or error.errno not in DISK:
        return None
    where = f" {error.filename}" if error.filename else ""
    start, remedy = f"Cannot write{where}", "Make room or allow writing there"
    if error.errno in (EACCES, EPERM):  # the same for reading and for writing
        start = f"Cannot use{where}" if where else "Cannot read or write"
        remedy = "Allow reading and writing there"
    reason = os.strerror(error.errno).lower()
    return f"{start}: {reason}. {remedy}, then run the same command again."


@contextmanager
def parsing(path: Path | str, remedy: str, expected: str = "") -> Iterator[None]:
    """Turn any error that has no sentence into `<path> cannot be read (...)`, and the remedy."""
    try:
        yield
    except Exception as error:  # random bytes make zipfile, NumPy and json raise nearly every kind
        if sentence(error) is not None:
            raise
        reason = one_line(error, 200) or type(error).__name__
        expected = f", expected {expected}" if expected else ""
        raise InputError(f"{path} cannot be read ({reason}){expected}: {remedy}") from error


def report(error: BaseException) -> str:
    """Return the sentence for a failed run; for internal errors, print the traceback first."""
    if (text := sentence(error)) is not None:
        return text
    traceback.print_exception(error)
    return f"{type(error).__name__}: {error}"


def fail(error: BaseException) -> NoReturn:
    """Exit with status 1 and the error's sentence."""
    print(f"Error: {sentence(error)}", file=sys.stderr)
    sys.exit(1)


def run(main: Callable[[], object]) -> None:
    """Run a command's `main`; exit with status 1 and one sentence, or with 130 after Ctrl-C."""
    try:
        try:
            main()
        finally:
            sys.stdout.flush()  # here, where a closed pipe can still be handled
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(128 + SIGPIPE)
    except KeyboardInterrupt as interruption:
        print(str(interruption) or "Interrupted.", file=sys.stderr)
        sys.exit(130)
    except (InputError, OSError) as error:
        if sentence(error) is None:
            raise
        fail(error)

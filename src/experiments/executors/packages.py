"""The installed packages of the lock, compared between the machines of a cluster.

Only the standard library is imported, because a Ray worker compares before all else.
"""

import functools
import platform
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PINNED = re.compile(r"^([A-Za-z0-9][\w.-]*)(?:\[[^]]*\])?==", re.MULTILINE)
NAMED = 3  # packages that a sentence names


@dataclass(frozen=True)
class Installed:
    """The Python of a machine, as in 3.11, and its versions of the lock's packages by name."""

    python: str
    packages: Mapping[str, str]


def here(lock: Path) -> Installed:
    """Return what this machine has of a lock's packages.

    Args:
        lock: a requirements file with a line `name==version` for each package.
    """
    names = sorted(set(PINNED.findall(lock.read_text())))
    found = {name: installed for name in names if (installed := _version(name)) is not None}
    return Installed(_python(), found)


def difference(expected: Installed) -> str | None:
    """Return in words how this machine differs from the expected; None if it does not."""
    if _python() != expected.python:
        return f"Python {_python()} there, {expected.python} here"
    others = [
        f"{name} {found or 'is missing'} there, {wanted} here"
        for name, wanted in expected.packages.items()
        if (found := _version(name)) != wanted
    ]
    if not others:
        return None
    more = f", and {len(others) - NAMED} more" if len(others) > NAMED else ""
    return f"{'; '.join(others[:NAMED])}{more}"


def _python() -> str:
    """Return the version without its last part, which changes no results."""
    return ".".join(platform.python_version_tuple()[:2])


@functools.cache  # a worker compares before each of its runs
def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None

"""The installed packages of the lock, compared between the machines of a cluster.

Only the standard library is imported, because a Ray worker compares before all else.
"""

import functools
import platform
import re
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PINNED = re.compile(r"^([A-Za-z0-9][\w.-]*)(?:\[[^]]*\])?==", re.MULTILINE)
PYTHON = "Python"
NAMED = 3  # packages that a sentence names


def installed(lock: Path) -> dict[str, str]:
    """Return the versions of Python and of a lock's packages, `name==version`, on this machine."""
    names = [PYTHON, *sorted(set(PINNED.findall(lock.read_text())))]
    return {name: found for name in names if (found := _version(name)) is not None}


def difference(expected: Mapping[str, str]) -> str | None:
    """Return in words how this machine differs from the expected; None if it does not."""
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

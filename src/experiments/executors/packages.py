"""What is installed: the packages of the lock, compared between the machines of a cluster.

Only the standard library is imported here, because a Ray worker asks this first of all.
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
    """What a machine has.

    Attributes:
        python: its version, as in 3.11.
        packages: versions by the names of the lock's packages.
    """

    python: str
    packages: Mapping[str, str]


def here(lock: Path) -> Installed:
    """Return what this machine has of a lock's packages; those it does without are left out.

    Args:
        lock: a requirements file with a line `name==version` for each package.
    """
    names = sorted(set(PINNED.findall(lock.read_text())))
    found = {name: known for name in names if (known := _version(name)) is not None}
    return Installed(_python(), found)


def difference(wanted: Installed) -> str | None:
    """Return in words how this machine differs from one with `wanted`; None if it does not."""
    if _python() != wanted.python:
        return f"Python {_python()} there, {wanted.python} here"
    others = [
        f"{name} {found or 'is missing'} there, {expected} here"
        for name, expected in wanted.packages.items()
        if (found := _version(name)) != expected
    ]
    if not others:
        return None
    more = f", and {len(others) - NAMED} more" if len(others) > NAMED else ""
    return f"{'; '.join(others[:NAMED])}{more}"


def _python() -> str:
    """Return the version without its last part, which changes no results."""
    return ".".join(platform.python_version_tuple()[:2])


@functools.cache  # a worker is asked before each of its runs
def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None

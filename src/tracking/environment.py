"""The code and the machine that a run is made with, as tags: commit, versions, command."""

import os
import platform
import subprocess
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from src.runtime import hardware


def tags(command: str | None = None) -> dict[str, str]:
    """Return tags on the code and the machine: git commit, whether it was changed, versions.

    Args:
        command: what the user typed; this process's own command line if left out.
    """
    found = {
        "python": platform.python_version(),
        "tensorflow": version("tensorflow"),
        "keras": version("keras"),
        "cpus": str(os.cpu_count()),
        "processor": hardware.processor(),
        "command": command or command_line(),
        **code_tags(),
    }
    return found


def code_tags() -> dict[str, str]:
    """Return the tags on the code: the git commit, and whether it was changed. They are empty where
    there is no repository, as on a node that the code was sent to.
    """
    found = {}
    commit = _git("rev-parse", "HEAD")
    if commit:
        found["git_commit"] = commit
        found["git_dirty"] = str(bool(_git("status", "--porcelain", "--", "src", "conf"))).lower()
    return found


def command_line() -> str:
    """Return the command that this process was started with."""
    return " ".join([Path(sys.executable).name, *sys.orig_argv[1:]])


def changed_files(first: str, second: str, files: Sequence[Path]) -> list[str] | None:
    """Return which of our files differ between two commits, as paths in the repository; None if
    git does not know both commits.
    """
    commits = [f"{commit}^{{commit}}" for commit in (first, second)]
    if not all(_git("rev-parse", "--quiet", "--verify", commit) for commit in commits):
        return None
    return _git("diff", "--name-only", first, second, "--", *map(str, files)).splitlines()


def _git(*arguments: str) -> str:
    try:
        done = subprocess.run(["git", *arguments], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return ""
    return done.stdout.strip()

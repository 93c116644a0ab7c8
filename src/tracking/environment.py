"""The code and the machine that a run is made with, as tags: commit, versions, command."""

import os
import platform
import subprocess
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

from src.runtime import hardware

# What decides a run beside the chosen files of conf/. A study's or a search's own file does not:
# what it sets is in the run's params, and it may be written just before it is started.
USED = ("src", "params.yaml", "conf/config.yaml")


def tags(command: str | None = None, choices: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return tags on the code and the machine: git commit, whether it was changed, versions.

    Args:
        command: what the user typed; this process's own command line if left out.
        choices: the chosen file of each group, for a run: an uncommitted file of another choice, a
            study, the documentation or a test does not make it one with changes.
    """
    return {
        "python": platform.python_version(),
        "tensorflow": version("tensorflow"),
        "keras": version("keras"),
        "cpus": str(os.cpu_count()),
        "processor": hardware.processor(),
        "command": command or command_line(),
        **code_tags(choices),
    }


def code_tags(choices: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the tags on the code: the git commit, and whether it was changed. They are empty where
    there is no repository, as on a node that the code was sent to.

    Args:
        choices: as of `tags`.
    """
    found = {}
    commit = _git("rev-parse", "HEAD")
    if commit:
        found["git_commit"] = commit
        chosen = [f"conf/{group}/{name}.yaml" for group, name in (choices or {}).items()]
        changed = _git("status", "--porcelain", "--", *USED, *chosen)
        found["git_dirty"] = str(bool(changed)).lower()
    return found


def command_line() -> str:
    """Return the command that this process was started with."""
    return " ".join([Path(sys.executable).name, *sys.orig_argv[1:]])


def committed(path: Path) -> str | None:
    """Return the text of a file below the working directory as it is in the last commit; None if
    it is not in one.
    """
    return _git("show", f"HEAD:./{path.as_posix()}") or None


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

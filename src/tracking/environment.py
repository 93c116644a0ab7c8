"""The code and the machine of a run, as tags: commit, versions, command."""

import os
import platform
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path

from src.core import hardware

# Files that decide a run, beside the chosen ones of conf/. The file of a study or a search is not
# among them: its values are in the run's params, and it may be written just before it is started.
USED = ("src", "params.yaml", "conf/config.yaml")


def tags(command: str | None = None, choices: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return tags on the code and the machine. The command is this process's if left out; changes
    of other files than USED and `choices`, a run's files by their groups, do not count.
    """
    return {
        "python": platform.python_version(),
        **{name: version(name) for name in ("tensorflow", "keras")},
        "cpus": str(os.cpu_count()),
        "processor": hardware.processor(),
        "command": command or command_line(),
        **code_tags(choices),
    }


def code_tags(choices: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the tags of the git commit; nothing without a repository, as on a node."""
    commit = _git("rev-parse", "HEAD")
    if not commit:
        return {}
    chosen = [f"conf/{group}/{name}.yaml" for group, name in (choices or {}).items()]
    changed = _git("status", "--porcelain", "--", *USED, *chosen)
    return {"git_commit": commit, "git_dirty": str(bool(changed)).lower()}


def commit_of(path: Path) -> tuple[str, bool]:
    """Return the current commit of the repository that a file is in, empty if it is in none, and
    whether that commit has the file as it is.
    """
    folder = ("-C", str(path.parent))
    commit = _git(*folder, "rev-parse", "--quiet", "--verify", "HEAD")
    kept = _git(*folder, "rev-parse", "--quiet", "--verify", f"HEAD:./{path.name}")
    return commit, bool(kept) and kept == _git(*folder, "hash-object", path.name)


def command_line() -> str:
    """Return the command that this process was started with."""
    return " ".join([Path(sys.executable).name, *sys.orig_argv[1:]])


def committed(path: Path) -> str | None:
    """Return the last committed text of a file below the working directory, or None."""
    return _git("show", f"HEAD:./{path.as_posix()}") or None


def changed_files(first: str, second: str, files: Sequence[Path]) -> list[str] | None:
    """Return which files differ between two commits, None if git does not have both."""
    commits = [f"{commit}^{{commit}}" for commit in (first, second)]
    if not all(_git("rev-parse", "--quiet", "--verify", commit) for commit in commits):
        return None
    return _git("diff", "--name-only", first, second, "--", *map(str, files)).splitlines()


def _git(*arguments: str) -> str:
    with suppress(FileNotFoundError):
        done = subprocess.run(["git", *arguments], capture_output=True, text=True, check=False)
        return done.stdout.strip()
    return ""

"""Outputs that appear whole or not at all."""

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp

from src.runtime import process

PREFIX = ".writing-"  # of the hidden folders that hold what is not whole yet
FOREIGN_SECONDS = 86_400  # after which what another machine left counts as given up


@contextmanager
def writing(*paths: Path | str) -> Iterator[list[Path]]:
    """Yield a path aside for each of `paths`; move all into place when the block ends well.

    A target may be a file or a folder; what stands in its place is replaced. Targets are moved in
    their order, so one that tells of the others (a manifest) comes last.

    Each stand-in lies in a hidden folder beside its target (so on the same file system) and has
    the target's name, because writers choose a format by it. When the block fails, the stand-ins
    are deleted and the targets stay as they were. What a process left that was killed is removed
    by the next one that writes to the same place.

    Raises:
        OSError: the disk is full or may not be written; nothing was replaced.
    """
    targets = [Path(path) for path in paths]
    asides: list[Path] = []
    try:
        for folder in {target.parent: None for target in targets}:
            folder.mkdir(parents=True, exist_ok=True)
            remove_litter(folder)
        for target in targets:
            asides.append(hidden_folder(target.parent) / target.name)
        yield asides
        for aside, target in zip(asides, targets, strict=True):
            if target.is_dir():  # a folder cannot be replaced in one step, but moved out of the way
                target.rename(aside.parent / "replaced")
            aside.replace(target)
    except OSError as error:
        if error.filename is None and targets:  # a full disk does not say where
            error.filename = str(targets[0].parent)
        raise
    finally:
        for aside in asides:
            shutil.rmtree(aside.parent, ignore_errors=True)


def hidden_folder(parent: Path) -> Path:
    """Make a folder for what is not whole yet, whose name says which process is at it."""
    return Path(mkdtemp(prefix=f"{PREFIX}{process.identity()}-", dir=parent))


def remove_litter(folder: Path, *, below: bool = False) -> None:
    """Remove what processes that are gone left unfinished in a folder.

    Args:
        folder: it need not exist.
        below: whether to look in the folders below it too.
    """
    for path in list(folder.glob(f"{'**/' if below else ''}{PREFIX}*")):
        if not _is_alive(path):
            shutil.rmtree(path, ignore_errors=True)


def _is_alive(path: Path) -> bool:
    """Return whether the process that made a hidden folder may still be writing to it."""
    alive = process.is_alive(path.name.removeprefix(PREFIX).rpartition("-")[0])
    if alive is not None:
        return alive
    try:
        return time.time() - path.stat().st_mtime < FOREIGN_SECONDS
    except FileNotFoundError:
        return False

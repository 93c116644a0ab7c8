"""Outputs that appear whole or not at all."""

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import mkdtemp

from src.core import process

PREFIX = ".writing-"  # of the hidden folders for unfinished outputs
FOREIGN_SECONDS = 86_400  # after which another machine's leftovers count as abandoned


@contextmanager
def writing(*paths: Path | str) -> Iterator[list[Path]]:
    """Yield a temporary path for each target, a file or a folder; rename them all on success, in
    order (a manifest comes last), else delete them. Each lies in a hidden folder beside its target
    (the same file system) and has its name, because writers choose a format by it. Leftovers of a
    killed process are removed by the next one that writes to the same place.
    """
    targets = [Path(path) for path in paths]
    temporary: list[Path] = []
    try:
        for folder in {target.parent for target in targets}:
            folder.mkdir(parents=True, exist_ok=True)
            remove_litter(folder)
        for target in targets:
            temporary.append(hidden_folder(target.parent) / target.name)
        yield temporary
        for new, target in zip(temporary, targets, strict=True):
            if target.is_dir():  # a folder cannot be replaced in one step, but moved out of the way
                target.rename(new.parent / "replaced")
            new.replace(target)
    except OSError as error:
        if error.filename is None and targets:  # the error of a full disk does not say where
            error.filename = str(targets[0].parent)
        raise
    finally:
        for new in temporary:
            shutil.rmtree(new.parent, ignore_errors=True)


def hidden_folder(parent: Path) -> Path:
    """Create a folder for unfinished outputs, named after this process."""
    return Path(mkdtemp(prefix=f"{PREFIX}{process.identity()}-", dir=parent))


def remove_litter(folder: Path, *, below: bool = False) -> None:
    """Remove unfinished outputs of dead processes from a folder, or from all `below` it, too."""
    for path in [*folder.glob(f"{'**/' if below else ''}{PREFIX}*")]:
        if not _is_alive(path):
            shutil.rmtree(path, ignore_errors=True)


def _is_alive(path: Path) -> bool:
    """Return whether the process that created a hidden folder may still be writing to it."""
    alive = process.is_alive(path.name.removeprefix(PREFIX).rpartition("-")[0])
    with suppress(FileNotFoundError):
        return time.time() - path.stat().st_mtime < FOREIGN_SECONDS if alive is None else alive
    return False

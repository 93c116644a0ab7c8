"""Outputs that appear whole or not at all."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp


@contextmanager
def writing(*paths: Path | str) -> Iterator[list[Path]]:
    """Yield a path aside for each of `paths`; move all into place when the block ends well.

    A target may be a file or a folder; what stands in its place is replaced.

    Each stand-in lies in a hidden folder beside its target (so on the same file system) and has
    the target's name, because writers choose a format by it. When the block fails, the stand-ins
    are deleted and the targets stay as they were.

    Raises:
        OSError: the disk is full or may not be written; nothing was replaced.
    """
    targets = [Path(path) for path in paths]
    asides: list[Path] = []
    try:
        for target in targets:
            target.parent.mkdir(parents=True, exist_ok=True)
            asides.append(Path(mkdtemp(prefix=".writing-", dir=target.parent)) / target.name)
        yield asides
        for aside, target in zip(asides, targets, strict=True):
            if target.is_dir():  # a folder cannot be replaced in one step, but moved out of the way
                target.rename(aside.parent / "replaced")
            aside.replace(target)
    finally:
        for aside in asides:
            shutil.rmtree(aside.parent, ignore_errors=True)

"""The prepared data on its way to another machine: packed once, written there once, verified."""

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path

from filelock import FileLock

from src.core import paths
from src.core.atomic_write import writing
from src.core.errors import InputError
from src.data import dataset

# The input of a run: the arrays, and the files that evaluation/held_out_labels.py reads.
TABLES = (paths.DATASET, paths.PROVENANCE, paths.SAMPLE_SUBMISSION_CSV, paths.SOLUTION_CSV)
FILES = (*dataset.PARTS, *TABLES)
SHOWN = 12  # digits of a digest, in names and messages


def pack() -> dict[str, bytes]:
    """Return the files of this project's data by their paths; raise InputError if an array is
    missing or damaged, or does not belong to the others.
    """
    dataset.load_all()
    return _read(Path())


def digest(files: Mapping[str, bytes]) -> str:
    """Return the SHA-256 of files and their names, in hexadecimal."""
    lines = [f"{name} {hashlib.sha256(body).hexdigest()}" for name, body in sorted(files.items())]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def unpack(parent: Path, expected: str, files: Callable[[], Mapping[str, bytes]]) -> Path:
    """Return the folder below `parent` that holds the data with the expected digest, which is made
    from `files` if it does not exist; raise InputError if it holds other data.
    """
    folder = parent / expected[:SHOWN]
    with FileLock(f"{folder}.lock"):
        if not folder.exists():
            with writing(folder) as [unfinished]:
                for name, body in files().items():
                    (unfinished / name).parent.mkdir(parents=True, exist_ok=True)
                    (unfinished / name).write_bytes(body)
    found = digest(_read(folder))
    if found != expected:
        raise InputError(
            f"{folder} holds other data than this study's (SHA-256 {found[:SHOWN]}… found, "
            f"{expected[:SHOWN]}… expected): delete that folder there."
        )
    return folder


def _read(folder: Path) -> dict[str, bytes]:
    present = [path for path in FILES if (folder / path).is_file()]
    return {path.as_posix(): (folder / path).read_bytes() for path in present}

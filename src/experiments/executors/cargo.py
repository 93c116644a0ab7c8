"""The prepared data on its way to another machine: packed once, written there once, verified."""

import hashlib
import shutil
from collections.abc import Callable, Mapping
from errno import EEXIST, ENOTEMPTY
from pathlib import Path

from src.data import dataset
from src.runtime import paths
from src.runtime.atomic_write import hidden_folder, remove_litter
from src.runtime.errors import InputError

# What a run reads: the arrays, and what predictions.held_out_labels compares and scores with.
FILES = (
    *dataset.PARTS,
    paths.DATASET,
    paths.PROVENANCE,
    paths.SAMPLE_SUBMISSION_CSV,
    paths.SOLUTION_CSV,
)
SHOWN = 12  # digits of a digest that tell it from another


def pack() -> dict[str, bytes]:
    """Return the files of this project's data by their paths, once they are known to be whole.

    Raises:
        InputError: an array is missing or damaged, or does not belong to the others.
    """
    dataset.load_all()
    return {path.as_posix(): path.read_bytes() for path in FILES if path.is_file()}


def manifest(files: Mapping[str, bytes]) -> dict[str, str]:
    """Return the SHA-256 of each file, in hexadecimal, by its path."""
    return {name: hashlib.sha256(body).hexdigest() for name, body in files.items()}


def digest(listed: Mapping[str, str]) -> str:
    """Return the SHA-256 of a manifest, in hexadecimal."""
    text = "\n".join(f"{name} {known}" for name, known in sorted(listed.items()))
    return hashlib.sha256(text.encode()).hexdigest()


def unpack(
    parent: Path, listed: Mapping[str, str], files: Callable[[], Mapping[str, bytes]]
) -> Path:
    """Return the folder below `parent` that holds the data, after writing it if it is not there.

    Of processes that write it at once, the first one's stays; each verifies what is there.

    Args:
        parent: a folder on this machine that is this user's own.
        listed: the manifest of the data.
        files: gets the files; called only where they are needed.

    Raises:
        InputError: the folder holds other data.
        OSError: the disk is full or may not be written.
    """
    wanted = digest(listed)
    folder = parent / wanted[:SHOWN]
    if not folder.exists():
        _write(folder, files())
    found = digest(
        {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in listed}
        if all((folder / name).is_file() for name in listed)
        else {}
    )
    if found != wanted:
        raise InputError(
            f"{folder} holds other data than this study's (SHA-256 {found[:SHOWN]}… found, "
            f"{wanted[:SHOWN]}… expected): delete that folder there."
        )
    return folder


def _write(folder: Path, files: Mapping[str, bytes]) -> None:
    remove_litter(folder.parent)
    aside = hidden_folder(folder.parent)
    for name, body in files.items():
        (aside / name).parent.mkdir(parents=True, exist_ok=True)
        (aside / name).write_bytes(body)
    try:
        aside.rename(folder)
    except OSError as error:
        if error.errno not in (EEXIST, ENOTEMPTY):  # else another process was first
            raise
    finally:
        shutil.rmtree(aside, ignore_errors=True)

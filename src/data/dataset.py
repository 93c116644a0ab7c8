"""The preprocessed arrays on disk: what preprocess writes, and train and predict read."""

import hashlib
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from src.runtime import paths
from src.runtime.errors import InputError
from src.runtime.formatting import listed
from src.runtime.read_json import read_json

PARTS = (paths.TRAIN, paths.VALID, paths.TEST)
REMEDY = (
    "run `dvc repro preprocess`, or `dvc repro --force preprocess` if that finds nothing to do "
    "(without DVC: `python -m src.fetch` and `python -m src.preprocess`)."
)


@dataclass(frozen=True)
class Dataset:
    """Which data this is: `digest` is the SHA-256 of all its arrays."""

    name: str
    digest: str
    counts: dict[str, int]


def describe() -> Dataset:
    """Return the description that preprocess wrote.

    Raises:
        InputError: it is missing or damaged.
    """
    found = read_json(paths.DATASET, {"name": str, "digest": str, "counts": dict}, REMEDY)
    return Dataset(found["name"], found["digest"], found["counts"])


def load(path: Path) -> dict[str, np.ndarray]:
    """Return the arrays of one part: `images`, uint8 (N, 28, 28), and `labels`, uint8 (N,).

    The test part has no labels.

    Raises:
        InputError: the file is missing or damaged.
    """
    if not path.is_file():
        raise InputError(f"{path} does not exist: {REMEDY}")
    try:
        with np.load(path) as arrays:
            return dict(arrays)
    except (ValueError, EOFError, zipfile.BadZipFile) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{path} cannot be read ({reason}): {REMEDY}") from error


def load_all() -> dict[Path, dict[str, np.ndarray]]:
    """Return the arrays of every part by its path, as `load` does, once it is certain that they
    belong together: a preprocessing that was killed leaves some files of before.

    Raises:
        InputError: a file is missing or damaged, or is not one of those that dataset.json tells of.
    """
    parts = {path: load(path) for path in PARTS}
    if digest(parts) != describe().digest:
        names = listed([path.name for path in PARTS])
        raise InputError(
            f"{names} in {paths.PROCESSED} are not the arrays that {paths.DATASET.name} describes "
            f"(their SHA-256 differs): {REMEDY}"
        )
    return parts


def digest(parts: Mapping[Path, Mapping[str, np.ndarray]]) -> str:
    """Return the SHA-256, in hexadecimal, of all arrays of all parts in their order."""
    found = hashlib.sha256()
    for path in PARTS:
        for array in parts[path].values():
            found.update(np.ascontiguousarray(array).data)
    return found.hexdigest()

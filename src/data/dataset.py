"""The preprocessed arrays on disk: what preprocess writes, and train and predict read."""

import json
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from src.runtime import paths
from src.runtime.errors import InputError


@dataclass(frozen=True)
class Dataset:
    """Which data this is: `digest` is the SHA-256 of all its arrays."""

    name: str
    digest: str
    counts: dict[str, int]


def _missing(path: Path) -> InputError:
    return InputError(
        f"{path} does not exist, but this step needs it: run `dvc repro preprocess` (or "
        "`python -m src.fetch` and `python -m src.preprocess`) first."
    )


def describe() -> Dataset:
    """Return the description that preprocess wrote.

    Raises:
        InputError: it is missing or damaged.
    """
    if not paths.DATASET.is_file():
        raise _missing(paths.DATASET)
    try:
        return Dataset(**json.loads(paths.DATASET.read_text()))
    except (ValueError, TypeError) as error:
        raise _damaged(paths.DATASET, error) from error


def load(path: Path) -> dict[str, np.ndarray]:
    """Return the arrays of one part: `images`, uint8 (N, 28, 28), and, but for the test part,
    `labels`, uint8 (N,).

    Raises:
        InputError: the file is missing or damaged.
    """
    if not path.is_file():
        raise _missing(path)
    try:
        with np.load(path) as arrays:
            return dict(arrays)
    except (ValueError, EOFError, zipfile.BadZipFile) as error:
        raise _damaged(path, error) from error


def _damaged(path: Path, error: Exception) -> InputError:
    return InputError(
        f"{path} cannot be read ({' '.join(str(error).split())}); expected what preprocess wrote: "
        "run `dvc repro --force preprocess` to write it anew."
    )

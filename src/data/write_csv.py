"""The CSV files of Kaggle's Digit Recognizer: the names of their columns, and how they are written.

An image is a row of 784 pixels, line by line from the top left. `solution.csv`, the true labels of
test.csv, is this project's own: Kaggle keeps them secret. Where they are not known, the file has
only its header, because DVC wants every output of a stage to exist; `submission` writes it so, and
`read_csv.solution` reads it so.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import csv

from src.data.digits import SIDE

LABEL = "label"
PIXELS = tuple(f"pixel{number}" for number in range(SIDE * SIDE))
SUBMISSION = ("ImageId", "Label")


def images(path: Path, images: np.ndarray, labels: np.ndarray | None = None) -> None:
    """Write train.csv, or without labels test.csv.

    Args:
        path: of the CSV.
        images: uint8 (N, 28, 28).
        labels: uint8 (N,), or None.
    """
    # Arrow takes columns; each row of the transposed copy is one, without another copy.
    pixels = np.ascontiguousarray(images.reshape(len(images), -1).T)
    columns = {} if labels is None else {LABEL: labels}
    _write(path, columns | dict(zip(PIXELS, pixels, strict=True)))


def submission(path: Path, labels: np.ndarray | None) -> None:
    """Write ImageId (from 1) and Label; only the header if the labels are not known.

    Args:
        path: of the CSV.
        labels: integers (N,), or None.
    """
    labels = np.empty(0, np.uint8) if labels is None else labels
    _write(path, dict(zip(SUBMISSION, (np.arange(1, len(labels) + 1), labels), strict=True)))


def _write(path: Path, columns: Mapping[str, np.ndarray]) -> None:
    table = pa.table({name: _arrow(column) for name, column in columns.items()})
    with path.open("wb") as file:
        # Arrow before version 22 would put the names in quotes, which Kaggle's files don't have.
        file.write(",".join(columns).encode() + b"\n")
        csv.write_csv(table, file, csv.WriteOptions(include_header=False, quoting_style="none"))


def _arrow(column: np.ndarray) -> pa.Array:
    # pa.array would do the same, but imports pandas for it.
    values = pa.py_buffer(np.ascontiguousarray(column))
    return pa.Array.from_buffers(pa.from_numpy_dtype(column.dtype), len(column), [None, values])

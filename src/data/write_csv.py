"""Write the CSV files of Kaggle's Digit Recognizer: an image is a row of 784 pixels, line by line
from the top left. `solution.csv`, the true labels of test.csv, is this project's own.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import csv

from src.data.digits import SIDE

LABEL = "label"
PIXELS = tuple(f"pixel{number}" for number in range(SIDE * SIDE))
SUBMISSION = ("ImageId", "Label")

# Each byte as text, filled up with zero bytes, for a cell inside a row and for the last one.
CELLS = np.array([f"{number}," for number in range(256)], "S4")
LAST_CELLS = np.array([f"{number}\n" for number in range(256)], "S4")
ROWS = 1000  # at a time, so that the cells stay in the processor's cache


def images(path: Path, images: np.ndarray, labels: np.ndarray | None = None) -> None:
    """Write images, uint8 (N, 28, 28), as test.csv, or with labels, uint8 (N,), as train.csv."""
    names = PIXELS if labels is None else (LABEL, *PIXELS)
    rows = images.reshape(len(images), -1)
    if labels is not None:
        rows = np.column_stack([labels, rows])
    with path.open("wb") as file:
        file.write(_header(names))
        # A table lookup takes a third of the time that Arrow's writer does.
        for start in range(0, len(rows), ROWS):
            part = rows[start : start + ROWS]
            cells = CELLS[part]
            cells[:, -1] = LAST_CELLS[part[:, -1]]
            file.write(cells.tobytes().translate(None, b"\0"))


def submission(path: Path, labels: np.ndarray | None) -> None:
    """Write ImageId (from 1) and Label, integers (N,); only the header if they are not known,
    because DVC wants every output to exist.
    """
    labels = np.empty(0, np.uint8) if labels is None else labels
    columns = np.arange(1, len(labels) + 1), labels
    table = pa.table(dict(zip(SUBMISSION, map(_arrow, columns), strict=True)))
    with path.open("wb") as file:
        # Arrow before version 22 would put the names in quotes, which Kaggle's files don't have.
        file.write(_header(SUBMISSION))
        csv.write_csv(table, file, csv.WriteOptions(include_header=False, quoting_style="none"))


def _header(names: Sequence[str]) -> bytes:
    return ",".join(names).encode() + b"\n"


def _arrow(column: np.ndarray) -> pa.Array:
    # pa.array would do the same, but imports pandas for it.
    values = pa.py_buffer(np.ascontiguousarray(column))
    return pa.Array.from_buffers(pa.from_numpy_dtype(column.dtype), len(column), [None, values])

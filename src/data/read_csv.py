"""Read and check the CSV files. Messages count data rows from 1, without the header.

Arrow reads each cell as the small integer it has to be, in an eighth of the memory of pandas'
int64; with all checks it takes 0.67 of the time of pandas.read_csv (0.63 to 0.89 in 7 interleaved
rounds, 2 cores of an AMD EPYC). Even importing pandas would take longer than all checks.
"""

import csv
from collections import Counter
from contextlib import suppress
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import csv as arrow

from src.core.errors import InputError, one_line
from src.core.formatting import listed
from src.data.digits import CLASSES, SIDE
from src.data.write_csv import LABEL, PIXELS, SUBMISSION

FIX = "Fix the file where it came from, then fetch it again (python -m src.fetch)."
MAGIC = {b"PK\3\4": "a zip archive", b"\x1f\x8b": "a gzip file"}  # the first bytes
BLOCKS = arrow.ReadOptions(block_size=1 << 23)  # bytes; a fifth faster than the default, 1 MB
IMAGE_ID, SUBMITTED = SUBMISSION
Columns = tuple[str, ...]
NARROWER = (IMAGE_ID, LABEL, SUBMITTED)  # columns with a narrower range than a byte's


def train(
    path: Path, rows: int | None = None, name: Path | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Return train.csv's images, uint8 (N, 28, 28), and labels, uint8 (N,). Raise InputError, which
    calls a copy by its original's `name`, if a column, a cell or the number of `rows` is not right.
    """
    table = _read(path, (LABEL, *PIXELS), rows, name)
    return _images(table), _column(table, LABEL)


def test(path: Path, rows: int | None = None, name: Path | None = None) -> np.ndarray:  # noqa: PT028
    """Return test.csv's images, uint8 (N, 28, 28); see `train`."""
    return _images(_read(path, PIXELS, rows, name))


def submission(
    path: Path, rows: int | None = None, name: Path | None = None, fix: str = FIX
) -> np.ndarray:
    """Return the labels, uint8 (N,), of ImageId (1 ... N) and Label; `fix` ends a refusal."""
    return _column(_read(path, SUBMISSION, rows, name, fix), SUBMITTED)


def solution(path: Path, rows: int | None = None, name: Path | None = None) -> np.ndarray | None:
    """Return the true labels of test.csv, uint8 (N,), or None if there is only a header."""
    table = _read(path, SUBMISSION, rows, name, least=0)
    return _column(table, SUBMITTED) if len(table) else None


def _images(table: pa.Table) -> np.ndarray:
    images = np.empty((table.num_rows, SIDE * SIDE), np.uint8)
    start = 0
    for batch in table.select(PIXELS).to_batches():
        # NumPy turns columns into rows, in a fifth of the time that Arrow would take.
        pixels = batch.to_tensor(row_major=False).to_numpy()
        images[start : start + len(pixels)] = pixels
        start += len(pixels)
    return images.reshape(-1, SIDE, SIDE)


def _column(table: pa.Table, name: str) -> np.ndarray:
    # Arrow's own to_numpy would import pandas.
    return np.concatenate([np.from_dlpack(chunk) for chunk in table[name].chunks])


def _refuse_unreadable(path: Path, name: Path, columns: Columns, fix: str) -> None:
    if not path.is_file():
        raise InputError(f"{name} is missing: run fetch first (dvc repro, or python -m src.fetch).")
    with path.open("rb") as file:
        first = file.read(4)
    if not first:
        raise InputError(f"{name} is empty: expected {_text(columns)}. {fix}")
    for magic, kind in MAGIC.items():
        if first.startswith(magic):
            remedy = "unpack it where it came from, then fetch it again (python -m src.fetch)."
            raise InputError(f"{name} is {kind}, not a CSV file: {remedy}")


def _read(
    path: Path,
    columns: Columns,
    rows: int | None,
    name: Path | None,
    fix: str = FIX,
    least: int = 1,
) -> pa.Table:
    name = name or path
    _refuse_unreadable(path, name, columns, fix)
    types = {column: pa.int64() if column == IMAGE_ID else pa.uint8() for column in columns}
    # No cell counts as null, so that an empty one is refused like any other text.
    convert = arrow.ConvertOptions(column_types=types, null_values=[])
    try:
        table = arrow.read_csv(path, BLOCKS, convert_options=convert)
        if tuple(table.column_names) != columns or not _is_in_range(table):
            raise ValueError("a column or a cell is wrong")
    except ValueError as error:  # Arrow's own, and Python's for a header that is not text
        raise InputError(f"{name}{_fault(path, columns, str(error))} {fix}") from error
    if len(table) < least or (len(table) and rows not in (None, len(table))):
        expected = "at least 1" if rows is None else f"{rows:,}"
        raise InputError(
            f"{name} has {len(table):,} data rows, {expected} expected (fetch.layout in "
            f"params.yaml and test.csv say how many). {fix}"
        )
    return table


def _is_in_range(table: pa.Table) -> bool:
    columns = {name: _column(table, name) for name in NARROWER if name in table.column_names}
    ids = columns.pop(IMAGE_ID, np.arange(1, len(table) + 1))
    in_order = np.array_equal(ids, np.arange(1, len(table) + 1))
    return in_order and all((labels < CLASSES).all() for labels in columns.values())


def _fault(path: Path, columns: Columns, reason: str) -> str:
    """Return the rest of a sentence about the header or the first wrong cell."""
    opened = path.open(newline="", encoding="utf-8-sig", errors="replace")
    with suppress(csv.Error), opened as file:  # such as an endless line
        lines = csv.reader(file)
        header = next(filter(None, lines), [])
        if about := _about_columns(header, columns):
            return about
        for row, cells in enumerate(filter(None, lines), 1):
            if len(cells) != len(header):
                expected = f"{len(header)} expected, as in the header."
                return f", data row {row}: {len(cells)} cells, {expected}"
            for name, cell in zip(header, cells, strict=True):
                if wanted := _expected(name, row, cell.strip()):
                    found = repr(cell[:40]) if cell.strip() else "an empty cell"
                    return f", column {name}, data row {row}: found {found}, expected {wanted}."
    return f" cannot be read as a table ({one_line(reason, 120)}): expected {_text(columns)}."


def _expected(column: str, row: int, cell: str) -> str | None:
    """Return a description of what a cell should hold, or None if it does."""
    number = (cell.lstrip("0") or "0") if cell.isascii() and cell.isdecimal() else ""
    if column == IMAGE_ID:
        return None if number == str(row) else f"{row} (it counts from 1)"
    largest = CLASSES - 1 if column in NARROWER else 255
    if number and len(number) <= 3 and int(number) <= largest:
        return None
    return f"a {'digit' if column in NARROWER else 'whole number'} from 0 to {largest}"


def _about_columns(found: list[str], expected: Columns) -> str:
    """Return the rest of a sentence about the header, if it is wrong."""
    if tuple(found) == expected:
        return ""
    counts, known = Counter(found), set(expected)
    missing = [name for name in expected if not counts[name]]
    extra = [name for name in found if name not in known]
    wanted = f"expected {_text(expected)}."
    if twice := next((name for name in expected if counts[name] > 1), None):
        places = listed([str(place) for place, name in enumerate(found, 1) if name == twice], 3)
        also = f", and no column {missing[0]!r}" if missing else ""
        return f" has {twice!r} as columns {places}{also}: {wanted}"
    if extra == [LABEL] and not missing:
        return f" has a column {LABEL!r}, but test images come without labels: {wanted}"
    if missing:
        more = f" (and {len(missing) - 1} more)" if len(missing) > 1 else ""
        instead = f", but an unexpected {extra[0][:40]!r}" if extra else ""
        return f" has no column {missing[0]!r}{more}{instead}: {wanted}"
    if extra:
        return f" has an unexpected column {extra[0][:40]!r}: {wanted}"
    first = next(place for place, name in enumerate(found) if name != expected[place])
    moved = expected[first]
    return f" has {moved!r} as column {found.index(moved) + 1}, not {first + 1}: {wanted}"


def _text(columns: Columns) -> str:
    return ",".join(columns if len(columns) < 4 else (*columns[:2], "...", columns[-1]))

import shutil

import numpy as np
import pytest

from src.data import mirrors, read_csv
from tests.support.refusal import refusal


@pytest.fixture
def folder(small_mnist, tmp_path):
    return shutil.copytree(small_mnist, tmp_path / "csv")


def set_cell(path, row, column, text):
    """Change one cell; `row` 0 is the header."""
    lines = path.read_text().split("\n")
    cells = lines[row].split(",")
    cells[column] = text
    lines[row] = ",".join(cells)
    path.write_text("\n".join(lines))


READERS = {
    "train.csv": read_csv.train,
    "test.csv": read_csv.test,
    "sample_submission.csv": read_csv.submission,
    "solution.csv": read_csv.solution,
}


def refused(path, rows=None):
    """Return the sentence that a reader refuses the file with."""
    text = refusal(READERS[path.name], path, rows)
    assert text.startswith(str(path))
    assert len(text) < 400
    return text.removeprefix(str(path))


def assert_are_the_samples(folder, sample):
    images, labels = read_csv.train(folder / "train.csv", 600)
    assert images.dtype == labels.dtype == np.uint8
    assert images.flags.c_contiguous
    assert np.array_equal(images, sample[mirrors.TRAIN_IMAGES])
    assert np.array_equal(labels, sample[mirrors.TRAIN_LABELS])
    test_images = read_csv.test(folder / "test.csv", 200)
    assert np.array_equal(test_images, sample[mirrors.TEST_IMAGES])
    solution = read_csv.solution(folder / "solution.csv", 200)
    assert np.array_equal(solution, sample[mirrors.TEST_LABELS])
    assert not read_csv.submission(folder / "sample_submission.csv", 200).any()


def test_good_files_give_their_arrays(folder, sample):
    assert_are_the_samples(folder, sample)


@pytest.mark.parametrize(
    ("name", "cell", "said"),
    [
        ("train.csv", (3, 5, "256"), "pixel4, data row 3: found '256', expected a whole number"),
        ("train.csv", (1, 1, "-1"), "pixel0, data row 1: found '-1', expected a whole number"),
        ("train.csv", (2, 784, "1.5"), "pixel783, data row 2: found '1.5', expected a whole"),
        ("train.csv", (600, 9, "cat"), "pixel8, data row 600: found 'cat', expected a whole"),
        ("train.csv", (7, 5, ""), "pixel4, data row 7: found an empty cell, expected a whole"),
        ("train.csv", (7, 5, "NaN"), "pixel4, data row 7: found 'NaN', expected a whole"),
        ("train.csv", (4, 0, "10"), "label, data row 4: found '10', expected a digit from 0 to 9"),
        ("train.csv", (4, 0, ""), "label, data row 4: found an empty cell, expected a digit"),
        ("test.csv", (200, 0, "999"), "pixel0, data row 200: found '999', expected a whole"),
        ("sample_submission.csv", (3, 0, "7"), "ImageId, data row 3: found '7', expected 3"),
        ("sample_submission.csv", (1, 0, "0"), "ImageId, data row 1: found '0', expected 1"),
        ("sample_submission.csv", (2, 0, "x"), "ImageId, data row 2: found 'x', expected 2"),
        ("solution.csv", (5, 1, "12"), "Label, data row 5: found '12', expected a digit"),
        ("solution.csv", (5, 1, "ten"), "Label, data row 5: found 'ten', expected a digit"),
        ("solution.csv", (4, 0, "9" * 20), f"ImageId, data row 4: found '{'9' * 20}', expected 4"),
        ("solution.csv", (4, 1, "9" * 5000), "Label, data row 4: found '9999"),
        ("solution.csv", (4, 1, "٣"), "Label, data row 4: found '٣', expected a digit"),
    ],
)
def test_a_bad_cell_is_named_with_its_column_and_row(folder, name, cell, said):
    set_cell(folder / name, *cell)
    text = refused(folder / name)
    assert text.startswith(f", column {said}")
    assert text.endswith("then fetch it again (python -m src.fetch).")


TRAIN = f"expected label,pixel0,...,pixel783. {read_csv.FIX}"
TEST = f"expected pixel0,pixel1,...,pixel783. {read_csv.FIX}"
LABELS = f"expected ImageId,Label. {read_csv.FIX}"


@pytest.mark.parametrize(
    ("name", "old", "new", "said"),
    [
        ("train.csv", "label,pixel0", "pixel0,label", f"'label' as column 2, not 1: {TRAIN}"),
        ("train.csv", "pixel0,pixel1", "pixel1,pixel0", f"'pixel0' as column 3, not 2: {TRAIN}"),
        ("train.csv", "label,", "", f"no column 'label': {TRAIN}"),
        ("train.csv", "label", "digit", "no column 'label', but an unexpected 'digit': expected "),
        ("test.csv", "pixel0", "label,pixel0", "a column 'label', but test images come without"),
        ("test.csv", "pixel700", "pixel5", "'pixel5' as columns 6 and 701, and no column 'pixel7"),
        ("test.csv", "\n", ",pixel5\n", f"'pixel5' as columns 6 and 785: {TEST}"),
        *((name, "\n", ",extra\n", "an unexpected column 'extra': expected ") for name in READERS),
    ],
)
def test_a_wrong_header_is_named_with_the_right_one(folder, name, old, new, said):
    path = folder / name
    path.write_text(path.read_text().replace(old, new, 1))
    assert refused(path).startswith(f" has {said}")


@pytest.mark.parametrize("name", READERS)
def test_a_file_with_too_few_rows_none_nothing_or_missing_is_refused(folder, name):
    path, rows = folder / name, 600 if name == "train.csv" else 200
    said = f" has {rows} data rows, 42,000 expected (fetch.layout"
    assert refused(path, 42_000).startswith(said)
    if name != "solution.csv":  # where a header alone is fine
        path.write_text(path.read_text().split("\n")[0] + "\n")
        assert refused(path).startswith(" has 0 data rows, at least 1 expected")
    path.write_bytes(b"")
    expected = {"train.csv": TRAIN, "test.csv": TEST}.get(name, LABELS)
    assert refused(path) == f" is empty: {expected}"
    path.unlink()
    assert refused(path).startswith(" is missing: run fetch first")


def test_a_byte_order_mark_is_fine(folder, sample):
    path = folder / "train.csv"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert np.array_equal(read_csv.train(path, 600)[0], sample[mirrors.TRAIN_IMAGES])
    set_cell(path, 3, 5, "256")
    assert refused(path).startswith(", column pixel4, data row 3")


def test_a_file_cut_off_in_the_middle_of_a_row_is_refused_with_that_row(folder):
    path = folder / "train.csv"
    lines = path.read_text().split("\n")
    path.write_text("\n".join([*lines[:300], "5,0,0"]))
    said = ", data row 300: 3 cells, 785 expected, as in the header."
    assert refused(path).startswith(said)


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize(
    ("magic", "kind"), [(b"PK\3\4\x14\0", "a zip archive"), (b"\x1f\x8b\x08\0", "a gzip file")]
)
def test_a_packed_file_with_a_csvs_name_is_named(folder, name, magic, kind):
    (folder / name).write_bytes(magic + (folder / name).read_bytes())
    assert refused(folder / name) == (
        f" is {kind}, not a CSV file: unpack it where it came from, then fetch it again "
        "(python -m src.fetch)."
    )


@pytest.mark.parametrize(
    "spread",
    [
        lambda text: text.replace("\n", "\r"),
        lambda text: text.rstrip("\n").replace("\n", "\r\n"),
        lambda text: f"\n{text}".replace("\n", "\n\n"),
    ],
)
def test_other_line_ends_and_blank_lines_are_fine(folder, sample, spread):
    for name in READERS:
        (folder / name).write_bytes(spread((folder / name).read_text()).encode())
    assert_are_the_samples(folder, sample)


PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"
HTML = b"<html>\n<p>Not found"


@pytest.mark.parametrize("content", [PNG, HTML, b"\xff\xfe\0\x01" * 999, b"\n\n\n", b"7" * 200_000])
@pytest.mark.parametrize("name", READERS)
def test_what_is_not_a_table_is_refused(folder, name, content):
    (folder / name).write_bytes(content)
    refused(folder / name)

import json

import numpy as np
import pytest

from src.core import paths
from src.core.errors import InputError
from src.data import dataset
from tests.support.contents import contents

FACTS = {"name": "mnist-kaggle", "digest": "0f" * 32, "counts": {"train": 2, "valid": 1, "test": 2}}
IMAGES = np.arange(2 * 28 * 28, dtype=np.uint8).reshape(2, 28, 28)


@pytest.fixture
def processed(project):
    paths.PROCESSED.mkdir(parents=True)
    paths.DATASET.write_text(json.dumps(FACTS))
    np.savez(paths.TRAIN, images=IMAGES, labels=np.array([3, 4], np.uint8))
    np.savez(paths.TEST, images=IMAGES)
    return project


def test_the_description_is_what_preprocess_wrote(processed):
    assert dataset.load_description() == dataset.Dataset(**FACTS)


def test_a_part_is_loaded_by_the_names_of_its_arrays(processed):
    train, test = dataset.load(paths.TRAIN), dataset.load(paths.TEST)
    np.testing.assert_array_equal(train["images"], IMAGES)
    assert train["labels"].tolist() == [3, 4]
    assert train["labels"].dtype == np.uint8
    assert list(test) == ["images"]


def test_a_missing_file_is_named_with_the_command_that_writes_it(project):
    for call, path in (
        (dataset.load_description, paths.DATASET),
        (lambda: dataset.load(paths.VALID), paths.VALID),
    ):
        with pytest.raises(InputError) as caught:
            call()
        assert str(caught.value).startswith(f"{path} does not exist")
        assert "dvc repro preprocess" in str(caught.value)


@pytest.mark.parametrize("content", ["", '{"name": "mnist"}'])
def test_a_damaged_description_is_named_with_the_command_that_writes_it_again(processed, content):
    paths.DATASET.write_text(content)
    with pytest.raises(
        InputError, match=r"dataset.json cannot be read \(.*--force prepr"
    ) as caught:
        dataset.load_description()
    assert "\n" not in str(caught.value)


def cut(content):
    return content[: len(content) // 2]


def flip(content):
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


@pytest.mark.parametrize("harm", [cut, flip])
def test_a_damaged_part_is_named_with_the_command_that_writes_it_again(processed, harm):
    paths.TRAIN.write_bytes(harm(paths.TRAIN.read_bytes()))
    with pytest.raises(InputError, match=r"train.npz cannot be read \(.*--force preproc") as caught:
        dataset.load(paths.TRAIN)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "counts",
    [
        {"train": 2, "valid": 1},
        {"train": 2, "valid": True, "test": 2},
        {"train": 2, "valid": 1.0, "test": 2},
        {"train": 2, "valid": 0, "test": 2},
        {"train": 2, "valid": 1, "test": 2, "more": 3},
    ],
)
def test_wrong_counts_are_refused(processed, counts):
    paths.DATASET.write_text(json.dumps(FACTS | {"counts": counts}))
    before = contents(processed)
    with pytest.raises(InputError) as caught:
        dataset.load_description()
    assert str(caught.value) == (
        f"data/processed/dataset.json has the counts {counts}, expected the number of images in "
        f"train, valid and test: {dataset.REMEDY}"
    )
    assert contents(processed) == before


LABELS = np.array([3, 4], np.uint8)


@pytest.mark.parametrize(
    ("arrays", "reason"),
    [
        ({}, "it holds nothing"),
        (
            {"images": IMAGES, "labels": LABELS, "more": LABELS},
            "it holds images.npy, labels.npy, more.npy",
        ),
        (
            {"images": IMAGES.astype(int), "labels": LABELS},
            "images are int64 (2, 28, 28), not uint8 (N, 28, 28) with N > 0",
        ),
        (
            {"images": IMAGES.reshape(2, 784), "labels": LABELS},
            "images are uint8 (2, 784), not uint8 (N, 28, 28) with N > 0",
        ),
        (
            {"images": IMAGES[:0], "labels": LABELS[:0]},
            "images are uint8 (0, 28, 28), not uint8 (N, 28, 28) with N > 0",
        ),
        (
            {"images": IMAGES, "labels": LABELS[:1]},
            "labels are uint8 (1,), not uint8 (2,) like the images",
        ),
        (
            {"images": IMAGES, "labels": LABELS.astype(float)},
            "labels are float64 (2,), not uint8 (2,) like the images",
        ),
        ({"images": IMAGES, "labels": LABELS * 20}, "a label is 80, not a digit from 0 to 9"),
        (
            {"images": np.array([{}, None]), "labels": LABELS},
            "Object arrays cannot be loaded when allow_pickle=False",
        ),
    ],
)
def test_other_arrays_than_preprocess_writes_are_refused(processed, arrays, reason):
    np.savez(paths.TRAIN, **arrays)
    before = contents(processed)
    with pytest.raises(InputError) as caught:
        dataset.load(paths.TRAIN)
    assert str(caught.value) == f"{paths.TRAIN} cannot be read ({reason}): {dataset.REMEDY}"
    assert contents(processed) == before


def test_a_header_with_an_absurd_or_another_shape_is_damage(processed):
    for shape in (b"(9" + b"0" * 18 + b", 28, 28)", b"(1, 28, 28)"):
        content = paths.TEST.read_bytes()
        right = b"(2, 28, 28), }" + b" " * 30
        assert right in content
        paths.TEST.write_bytes(content.replace(right, (shape + b", }").ljust(len(right))))
        with pytest.raises(InputError, match=r"test.npz cannot be read \("):
            dataset.load(paths.TEST)
        paths.TEST.write_bytes(content)


@pytest.fixture
def whole(processed):
    """Three parts that belong together."""
    np.savez(paths.VALID, images=IMAGES[:1], labels=np.array([5], np.uint8))
    digest = dataset.digest({path: dataset.load(path) for path in dataset.PARTS})
    paths.DATASET.write_text(json.dumps(FACTS | {"digest": digest}))
    return processed


def test_parts_that_belong_together_are_loaded_together(whole):
    parts = dataset.load_all()
    assert list(parts) == [paths.TRAIN, paths.VALID, paths.TEST]
    assert parts[paths.VALID]["labels"].tolist() == [5]


@pytest.mark.parametrize("path", dataset.PARTS)
def test_a_part_of_another_preprocessing_is_refused(whole, path):
    arrays = dict(dataset.load(path))
    np.savez(path, **arrays | {"images": arrays["images"][::-1] + 1})
    with pytest.raises(
        InputError, match=r"are not the arrays that dataset.json describes"
    ) as caught:
        dataset.load_all()
    assert "\n" not in str(caught.value)
    assert "dvc repro --force preprocess" in str(caught.value)


def test_counts_of_other_arrays_are_refused(whole):
    facts = json.loads(paths.DATASET.read_text())
    facts["counts"]["valid"] += 1
    paths.DATASET.write_text(json.dumps(facts))
    before = contents(whole)
    with pytest.raises(InputError) as caught:
        dataset.load_all()
    assert str(caught.value) == (
        "train.npz, valid.npz and test.npz in data/processed are not the arrays that dataset.json "
        f"describes (their SHA-256 or their counts differ): {dataset.REMEDY}"
    )
    assert contents(whole) == before

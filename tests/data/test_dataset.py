import json

import numpy as np
import pytest

from src.core import paths
from src.data import dataset
from src.data.dataset import REMEDY
from tests.support.refusal import refusal

FACTS = {"name": "mnist-kaggle", "digest": "0f" * 32, "counts": {"train": 2, "valid": 1, "test": 2}}
IMAGES = np.arange(2 * 28 * 28, dtype=np.uint8).reshape(2, 28, 28)
LABELS = np.array([3, 4], np.uint8)


@pytest.fixture
def processed(project):
    """A project whose three parts belong together."""
    paths.PROCESSED.mkdir(parents=True)
    np.savez(paths.TRAIN, images=IMAGES, labels=LABELS)
    np.savez(paths.VALID, images=IMAGES[:1], labels=np.array([5], np.uint8))
    np.savez(paths.TEST, images=IMAGES)
    describe(digest=dataset.digest({path: dataset.load(path) for path in dataset.PARTS}))
    return project


def describe(**changes):
    """Write dataset.json with changed facts; return them."""
    facts = FACTS | changes
    paths.DATASET.write_text(json.dumps(facts))
    return facts


def test_the_description_is_what_preprocess_wrote(processed):
    facts = describe(name="kaggle-any")
    assert dataset.load_description() == dataset.Dataset(**facts)
    assert dataset.load_description().fetch_seed is None  # of a file from before it was recorded
    for seed in (7, None):
        assert dataset.Dataset(**describe(fetch_seed=seed)) == dataset.load_description()


def test_parts_that_belong_together_are_loaded_together(processed):
    parts = dataset.load_all()
    assert list(parts) == [paths.TRAIN, paths.VALID, paths.TEST]
    assert parts[paths.VALID]["labels"].tolist() == [5]
    assert np.array_equal(parts[paths.TRAIN]["images"], IMAGES)
    assert parts[paths.TRAIN]["labels"].dtype == np.uint8
    assert list(parts[paths.TEST]) == ["images"]


def test_a_missing_file_is_named_with_the_command_that_writes_it(project):
    assert refusal(dataset.load_description) == f"{paths.DATASET} does not exist: {REMEDY}"
    assert refusal(dataset.load, paths.VALID) == f"{paths.VALID} does not exist: {REMEDY}"


@pytest.mark.parametrize(
    "content", ["", '{"name": "mnist"}', json.dumps(FACTS | {"fetch_seed": "7"})]
)
def test_a_damaged_description_is_named_with_the_command_that_writes_it_again(processed, content):
    paths.DATASET.write_text(content)
    said = refusal(dataset.load_description)
    assert said.startswith(f"{paths.DATASET} cannot be read (")
    assert said.endswith(REMEDY)


def cut(content):
    return content[: len(content) // 2]


def absurd(content):
    right = b"(2, 28, 28), }" + b" " * 30
    return content.replace(right, (b"(9" + b"0" * 18 + b", 28, 28), }").ljust(len(right)))


@pytest.mark.parametrize("harm", [cut, absurd])
def test_a_damaged_part_is_named_with_the_command_that_writes_it_again(processed, harm):
    content = paths.TRAIN.read_bytes()
    assert content != harm(content)
    paths.TRAIN.write_bytes(harm(content))
    said = refusal(dataset.load, paths.TRAIN)
    assert said.startswith(f"{paths.TRAIN} cannot be read (")
    assert said.endswith(REMEDY)


@pytest.mark.parametrize(
    "change", [{"test": None}, {"valid": True}, {"valid": 1.0}, {"valid": 0}, {"more": 3}]
)
def test_wrong_counts_are_refused(processed, change):
    counts = {key: n for key, n in (FACTS["counts"] | change).items() if n is not None}
    describe(counts=counts)
    assert refusal(dataset.load_description, unchanged=processed) == (
        f"data/processed/dataset.json has the counts {counts}, expected the number of images in "
        f"train, valid and test: {REMEDY}"
    )


BOTH = {"images": IMAGES, "labels": LABELS}
NO_IMAGES = "not uint8 (N, 28, 28) with N > 0"


@pytest.mark.parametrize(
    ("arrays", "reason"),
    [
        ({}, "it holds nothing"),
        (BOTH | {"more": LABELS}, "it holds images.npy, labels.npy, more.npy"),
        (BOTH | {"images": IMAGES.astype(int)}, f"images are int64 (2, 28, 28), {NO_IMAGES}"),
        (BOTH | {"images": IMAGES.reshape(2, 784)}, f"images are uint8 (2, 784), {NO_IMAGES}"),
        (BOTH | {"images": IMAGES[:0]}, f"images are uint8 (0, 28, 28), {NO_IMAGES}"),
        (BOTH | {"labels": LABELS[:1]}, "labels are uint8 (1,), not uint8 (2,) like the images"),
        (
            BOTH | {"labels": LABELS.astype(float)},
            "labels are float64 (2,), not uint8 (2,) like the images",
        ),
        (BOTH | {"labels": LABELS * 20}, "a label is 80, not a digit from 0 to 9"),
        (
            BOTH | {"images": np.array([{}, None])},
            "Object arrays cannot be loaded when allow_pickle=False",
        ),
    ],
)
def test_other_arrays_than_preprocess_writes_are_refused(processed, arrays, reason):
    np.savez(paths.TRAIN, **arrays)
    said = refusal(dataset.load, paths.TRAIN, unchanged=processed)
    assert said == f"{paths.TRAIN} cannot be read ({reason}): {REMEDY}"


APART = (
    "train.npz, valid.npz and test.npz in data/processed are not the arrays that dataset.json "
    f"describes (their SHA-256 or their counts differ): {REMEDY}"
)


@pytest.mark.parametrize("path", dataset.PARTS)
def test_a_part_of_another_preprocessing_is_refused(processed, path):
    arrays = dict(dataset.load(path))
    np.savez(path, **arrays | {"images": arrays["images"][::-1] + 1})
    assert refusal(dataset.load_all, unchanged=processed) == APART


def test_counts_of_other_arrays_are_refused(processed):
    facts = json.loads(paths.DATASET.read_text())
    facts["counts"]["valid"] += 1
    describe(**facts)
    assert refusal(dataset.load_all, unchanged=processed) == APART

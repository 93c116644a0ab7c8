import json

import numpy as np
import pytest

from src.data import dataset
from src.runtime import paths
from src.runtime.errors import InputError

FACTS = {"name": "mnist-kaggle", "digest": "0f" * 32, "counts": {"train": 2, "valid": 1}}
IMAGES = np.arange(2 * 28 * 28, dtype=np.uint8).reshape(2, 28, 28)


@pytest.fixture
def processed(project):
    paths.PROCESSED.mkdir(parents=True)
    paths.DATASET.write_text(json.dumps(FACTS))
    np.savez(paths.TRAIN, images=IMAGES, labels=np.array([3, 4], np.uint8))
    np.savez(paths.TEST, images=IMAGES)
    return project


def test_the_description_is_what_preprocess_wrote(processed):
    assert dataset.describe() == dataset.Dataset(**FACTS)


def test_a_part_is_loaded_by_the_names_of_its_arrays(processed):
    train, test = dataset.load(paths.TRAIN), dataset.load(paths.TEST)
    np.testing.assert_array_equal(train["images"], IMAGES)
    assert train["labels"].tolist() == [3, 4]
    assert train["labels"].dtype == np.uint8
    assert list(test) == ["images"]


def test_what_is_missing_is_named_with_the_command_that_makes_it(project):
    for call, path in (
        (dataset.describe, paths.DATASET),
        (lambda: dataset.load(paths.VALID), paths.VALID),
    ):
        with pytest.raises(InputError) as caught:
            call()
        assert str(caught.value).startswith(f"{path} does not exist")
        assert "dvc repro preprocess" in str(caught.value)


@pytest.mark.parametrize("content", ["", "{", "[]", "3", '{"name": "mnist"}', '{"a": 1}'])
def test_a_damaged_description_is_named_with_the_command_that_makes_it_again(processed, content):
    paths.DATASET.write_text(content)
    with pytest.raises(
        InputError, match=r"dataset.json cannot be read \(.*--force prepr"
    ) as caught:
        dataset.describe()
    assert "\n" not in str(caught.value)


def cut(content):
    return content[: len(content) // 2]


def flip(content):
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


@pytest.mark.parametrize("harm", [cut, flip, lambda _: b"", lambda _: b"no archive"])
def test_a_damaged_part_is_named_with_the_command_that_makes_it_again(processed, harm):
    paths.TRAIN.write_bytes(harm(paths.TRAIN.read_bytes()))
    with pytest.raises(InputError, match=r"train.npz cannot be read \(.*--force preproc") as caught:
        dataset.load(paths.TRAIN)
    assert "\n" not in str(caught.value)


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


def test_a_part_with_too_few_images_is_refused(whole):
    arrays = dict(dataset.load(paths.TRAIN))
    np.savez(paths.TRAIN, **arrays | {"images": arrays["images"][:1]})
    with pytest.raises(InputError, match="are not the arrays"):
        dataset.load_all()

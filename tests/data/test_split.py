import math

import numpy as np
import pytest

from src.core.errors import InputError
from src.data import split
from src.data.dataset import Dataset


@pytest.mark.parametrize("images", range(4, 60))
def test_both_parts_have_images_of_every_class(images):
    labels = np.arange(images, dtype=np.uint8) % 4
    labels[:2] = 9  # rare
    for fraction in (0.01, 0.1, 1 / 3, 0.5, 0.7, 0.99):
        try:
            train, valid = split.by_fraction(labels, fraction, 1)
        except InputError:
            continue
        assert sorted([*train, *valid]) == list(range(images))
        assert len(valid) == math.ceil(fraction * images)
        assert set(labels[train]) == set(labels[valid]) == set(labels)


@pytest.mark.parametrize("fraction", [0.013, 0.1, 1 / 3, 0.9])
def test_a_class_that_is_common_is_off_its_share_by_less_than_an_image(fraction):
    labels = np.random.RandomState(1).choice(10, 5000).astype(np.uint8)
    valid = split.by_fraction(labels, fraction, 1)[1]
    shares = np.bincount(labels) * len(valid) / len(labels)
    assert len(valid) == math.ceil(fraction * 5000)
    assert np.abs(np.bincount(labels[valid]) - shares).max() < 1


def test_the_parts_are_in_random_order():
    labels = np.repeat(np.arange(10, dtype=np.uint8), 100)
    for part in split.by_fraction(labels, 0.2, 1):
        assert set(labels[part[:50]]) == set(range(10))


def parts(seed):
    """Return 40 training and 12 validation images, each with its number in its first pixel."""
    labels = np.arange(52, dtype=np.uint8) % 4
    images = np.zeros((52, 28, 28), np.uint8)
    images[:, 0, 0] = range(52)
    both = {"images": images, "labels": labels}
    first = {name: array[:40] for name, array in both.items()}
    return split.anew(first, {name: array[40:] for name, array in both.items()}, seed)


def test_a_new_split_has_the_same_images_and_labels_and_as_many_in_each_part():
    train, valid = parts(3)
    assert (len(train["labels"]), len(valid["labels"])) == (40, 12)
    numbers = [*train["images"][:, 0, 0], *valid["images"][:, 0, 0]]
    assert sorted(numbers) == list(range(52))
    for part in (train, valid):
        assert np.array_equal(part["images"][:, 0, 0] % 4, part["labels"])
    assert np.bincount(valid["labels"]).tolist() == [3, 3, 3, 3]


def test_a_new_split_and_its_digest_depend_on_the_seed():
    assert np.array_equal(parts(3)[1]["images"], parts(3)[1]["images"])
    assert not np.array_equal(parts(3)[1]["images"], parts(4)[1]["images"])
    data = Dataset("mnist-kaggle", "0f" * 32, {"train": 3})
    digests = {data.split_anew(seed).digest for seed in (None, 1, 2)}
    digests |= {data.draw_anew(seed).digest for seed in (1, 2)}
    assert len(digests) == 5
    assert data.split_anew(None) == data.draw_anew(None) == data
    assert data.split_anew(2).counts == data.draw_anew(2).counts == data.counts


def whole(seed, labels=None):
    """Return 40 training, 12 validation and 20 test images, each with its number in its first
    pixel, drawn anew.
    """
    labels = np.arange(72, dtype=np.uint8) % 4 if labels is None else labels
    images = np.zeros((72, 28, 28), np.uint8)
    images[:, 0, 0] = range(72)
    bounds = [slice(40), slice(40, 52), slice(52, 72)]
    old = [{"images": images[part], "labels": labels[part]} for part in bounds]
    return split.all_anew(*old, seed)


def test_a_new_draw_loses_no_image_and_has_none_twice_and_keeps_the_parts_sizes():
    drawn = whole(3)
    assert [len(part["labels"]) for part in drawn] == [40, 12, 20]
    numbers = [number for part in drawn for number in part["images"][:, 0, 0]]
    assert sorted(numbers) == list(range(72))
    for part in drawn:
        assert np.array_equal(part["images"][:, 0, 0] % 4, part["labels"])
    train, valid, _ = drawn
    shares = np.bincount([*train["labels"], *valid["labels"]]) * 12 / 52
    assert np.abs(np.bincount(valid["labels"]) - shares).max() < 1


def test_a_new_draws_test_images_are_the_end_of_the_permutation_that_fetch_draws():
    _, _, test = whole(3)
    expected = np.random.RandomState(3).permutation(72)[52:]
    assert test["images"][:, 0, 0].tolist() == expected.tolist()


def test_a_new_draw_is_the_same_to_the_last_byte_for_the_same_seed_alone():
    first, again, other = (
        [array.tobytes() for part in whole(seed) for array in part.values()] for seed in (3, 3, 4)
    )
    assert first == again
    assert not set(first) & set(other)


def test_a_draw_that_leaves_a_class_without_training_or_validation_images_is_refused():
    labels = np.arange(72, dtype=np.uint8) % 4
    labels[60] = 9  # one image alone
    with pytest.raises(InputError, match=r"^data_seed=3 draws [01] of the images of class 9 .*2 e"):
        whole(3, labels)

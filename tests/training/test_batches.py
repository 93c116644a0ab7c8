from itertools import combinations

import numpy as np
import pytest

from src.training import augmentation, batches

COUNT = 103
WARP = augmentation.affine(rotation=10.0, zoom=0.1, shift=0.1)


def numbered(count):
    """Return images that show their own number in two pixels, and their numbers modulo 10."""
    numbers = np.arange(count)
    images = np.zeros((count, 28, 28), np.uint8)
    images[:, 0, 0], images[:, 0, 1] = numbers % 256, numbers // 256
    return images, (numbers % 10).astype(np.uint8)


def batches_of(images, labels, **given):
    """Return batches, and a pair of arrays for each."""
    settings = {"batch_size": 10, "epochs": 3, "seed": 1, "augment": None, **given}
    made = batches.training_batches(images, labels, **settings)
    return made, [(x.numpy(), y.numpy()) for x, y in made.dataset]


def drawn(count=COUNT, **settings):
    """Return the batches, the numbers of the images of each, and each one's labels."""
    made, pairs = batches_of(*numbered(count), **settings)
    numbers = [x[:, 0, 0] + 256 * x[:, 0, 1].astype(int) for x, _ in pairs]
    return made, numbers, [y for _, y in pairs]


def by_epoch(count=COUNT, **settings):
    made, numbers, _ = drawn(count, **settings)
    return np.concatenate(numbers).reshape(-1, made.steps_per_epoch * made.batch_size)


def test_an_epoch_takes_no_image_twice_and_leaves_out_only_an_incomplete_batch():
    epochs = by_epoch(epochs=4)
    assert epochs.shape == (4, 100)
    for numbers in epochs:
        assert len(set(numbers)) == 100
    assert set(epochs.ravel()) == set(range(COUNT))  # the others come in another epoch
    assert sorted(by_epoch(100, epochs=1)[0]) == list(range(100))


def test_the_order_is_mixed_and_differs_between_epochs_and_seeds():
    first, second = by_epoch(epochs=2)
    other = by_epoch(epochs=1, seed=2)[0]
    for one, another in combinations([np.arange(100), first, second, other], 2):
        assert (one == another).sum() < 10
    # A permutation without bias puts about half of the pairs of neighbours in descending order.
    assert 30 < (np.diff(first) < 0).sum() < 70


def test_images_keep_their_labels_as_one_hot_rows():
    _, numbers, labels = drawn(epochs=1)
    for places, rows in zip(numbers, labels, strict=True):
        assert rows.dtype == np.float32
        np.testing.assert_array_equal(rows, np.eye(10)[places % 10])


def test_a_batch_larger_than_the_set_takes_the_whole_set():
    made, numbers, _ = drawn(7, batch_size=1000, epochs=2)
    assert (made.batch_size, made.steps_per_epoch) == (7, 1)
    assert [sorted(places) for places in numbers] == [list(range(7))] * 2


def test_the_warps_differ_between_the_steps_and_between_the_seeds():
    image = np.zeros((20, 28, 28), np.uint8)
    image[:, 8:20, 12:16] = 255
    labels = np.zeros(20, np.uint8)
    found = [batches_of(image, labels, epochs=2, seed=seed, augment=WARP)[1] for seed in (1, 2)]
    for (one, _), (other, _) in combinations([*found[0], *found[1]], 2):
        assert (one != other).any(axis=(1, 2)).all()


@pytest.mark.parametrize("labelled", [False, True])
def test_evaluation_gives_every_image_in_order_in_batches_of_a_thousand(labelled):
    images, labels = numbered(2005)
    given = list(batches.evaluation_batches(images, labels if labelled else None))
    parts = given if not labelled else [x for x, _ in given]
    assert [len(part) for part in parts] == [1000, 1000, 5]
    np.testing.assert_array_equal(np.concatenate(parts), images)
    if labelled:
        np.testing.assert_array_equal(np.concatenate([y for _, y in given]), np.eye(10)[labels])


def test_batches_are_drawn_without_autotuning():
    """The end of an iterator would wait for the tuner's next five-second round."""
    images, labels = numbered(20)
    made, _ = batches_of(images, labels, epochs=1)
    for dataset in (made.dataset, batches.evaluation_batches(images)):
        assert dataset.options().autotune.enabled is False

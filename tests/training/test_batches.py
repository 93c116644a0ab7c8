import numpy as np
import pytest

from src.data import mirrors
from src.training import augmentation, batches

COUNT = 103


def numbered(count):
    """Return images that show their own number in two pixels, and their numbers modulo 10."""
    numbers = np.arange(count)
    images = np.zeros((count, 28, 28), np.uint8)
    images[:, 0, 0], images[:, 0, 1] = numbers % 256, numbers // 256
    return images, (numbers % 10).astype(np.uint8)


def drawn(count=COUNT, *, batch_size=10, epochs=3, seed=1, augment=None, first_epoch=0):
    """Return the numbers of the images of each batch, and each batch's labels."""
    images, labels = numbered(count)
    made = batches.training_batches(
        images,
        labels,
        batch_size=batch_size,
        epochs=epochs,
        seed=seed,
        augment=augment,
        first_epoch=first_epoch,
    )
    pairs = [(x.numpy().astype(int), y.numpy()) for x, y in made.dataset]
    return made, [x[:, 0, 0] + 256 * x[:, 0, 1] for x, _ in pairs], [y for _, y in pairs]


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
    in_order = np.arange(100)
    for one, another in (
        (first, in_order),
        (first, second),
        (first, other),
        (second, other),
    ):
        assert (one == another).sum() < 10
    # A permutation without bias puts about half of the pairs of neighbours in descending order.
    assert 30 < (np.diff(first) < 0).sum() < 70


@pytest.mark.parametrize("done", [0, 2])
def test_the_same_seed_draws_the_same_batches_in_a_resumed_training_too(done, sample):
    images, labels = sample[mirrors.TRAIN_IMAGES][:45], sample[mirrors.TRAIN_LABELS][:45]
    warp = augmentation.affine(rotation=10.0, zoom=0.1, shift=0.1)

    def pairs(first_epoch):
        made = batches.training_batches(
            images,
            labels,
            batch_size=10,
            epochs=3,
            seed=5,
            augment=warp,
            first_epoch=first_epoch,
        )
        assert made.steps_per_epoch == 4
        return [(x.numpy(), y.numpy()) for x, y in made.dataset]

    whole, rest = pairs(0), pairs(done)
    assert len(whole) == 12
    for (x, y), (resumed_x, resumed_y) in zip(whole[4 * done :], rest, strict=True):
        np.testing.assert_array_equal(x, resumed_x)
        np.testing.assert_array_equal(y, resumed_y)


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

    def warped(seed):
        made = batches.training_batches(
            image,
            labels,
            batch_size=10,
            epochs=2,
            seed=seed,
            augment=augmentation.affine(rotation=10.0, zoom=0.1, shift=0.1),
        )
        return [x.numpy() for x, _ in made.dataset]

    steps = [*warped(1), *warped(2)]
    for number, one in enumerate(steps):
        for other in steps[number + 1 :]:
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
    made = batches.training_batches(images, labels, batch_size=10, epochs=1, seed=1, augment=None)
    for dataset in (made.dataset, batches.evaluation_batches(images)):
        assert dataset.options().autotune.enabled is False

"""Batches of the preprocessed arrays, for training and evaluation."""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from src.data.digits import CLASSES
from src.training.augmentation import Augment

EVALUATION_BATCH = 1000
OPTIONS = tf.data.Options()
OPTIONS.deterministic = True
# With autotuning, the end of an iterator can wait for the tuner's next five-second round.
OPTIONS.autotune.enabled = False


class TrainingBatches(NamedTuple):
    """Shuffled, augmented batches of all epochs: `dataset` yields `steps_per_epoch` for each."""

    dataset: tf.data.Dataset
    steps_per_epoch: int
    batch_size: int


def training_batches(
    images: np.ndarray,
    labels: np.ndarray,
    *,
    batch_size: int,
    epochs: int,
    seed: int,
    augment: Augment | None,
    first_epoch: int = 0,
) -> TrainingBatches:
    """Return the batches of a training's `epochs`, without the first `first_epoch`, which are done:
    images, uint8 (batch, 28, 28), and one-hot labels, float32 (batch, 10), of `images`,
    uint8 (N, 28, 28), and `labels`, uint8 (N,). A `batch_size` above N becomes N.

    A batch depends only on the seed and the number of its step, so a resumed training gets the
    batches that it would have had. Each epoch is a new permutation without an incomplete batch.
    """
    count, batch_size = len(images), min(batch_size, len(images))
    steps_per_epoch = count // batch_size
    # The whole set is one constant, from which a step gathers its images by number.
    all_images, all_labels = tf.constant(images), tf.constant(labels)

    @tf.autograph.experimental.do_not_convert  # finding nothing to convert takes a while
    def batch(step: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        epoch, step_in_epoch = step // steps_per_epoch, step % steps_per_epoch
        places = step_in_epoch * batch_size + tf.range(batch_size, dtype=tf.int64)
        order_seed = tf.stack([tf.constant(seed, tf.int64), epoch])
        order_seed = tf.cast(order_seed, tf.int32)
        chosen = tf.random.experimental.index_shuffle(places, order_seed, max_index=count - 1)
        x, y = tf.gather(all_images, chosen), tf.gather(all_labels, chosen)
        if augment is not None:
            x = augment(x, tf.stack([tf.constant(seed, tf.int32), tf.cast(step, tf.int32)]))
        return x, tf.one_hot(y, CLASSES)

    steps = tf.data.Dataset.range(first_epoch * steps_per_epoch, epochs * steps_per_epoch)
    dataset = steps.map(batch, num_parallel_calls=2).prefetch(4).with_options(OPTIONS)
    return TrainingBatches(dataset, steps_per_epoch, batch_size)


def evaluation_batches(images: np.ndarray, labels: np.ndarray | None = None) -> tf.data.Dataset:
    """Return batches of uint8 images in order, with one-hot labels if there are any."""
    x = tf.constant(images)
    parts = x if labels is None else (x, tf.one_hot(labels, CLASSES))
    dataset = tf.data.Dataset.from_tensor_slices(parts)
    return dataset.batch(EVALUATION_BATCH).prefetch(2).with_options(OPTIONS)

"""The devices of this machine that a training computes on."""

from functools import cache

import tensorflow as tf

from src.runtime.errors import InputError
from src.training.batches import EVALUATION_BATCH


def mirrored(strategy: str, batch_size: int) -> tf.distribute.Strategy | None:
    """Return what spreads each batch over all devices; None where the training needs one alone.

    Every device holds the weights and computes its share of a batch; their gradients are summed.
    Devices are TensorFlow's logical ones: the GPUs, or without any, the CPU.

    Args:
        strategy: `none` or `mirrored`.
        batch_size: images per step, over all devices.

    Raises:
        InputError: a batch cannot be divided into equal shares, which would weigh some of its
            images more.
    """
    if strategy == "none":
        return None
    devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
    if len(devices) == 1:
        return None
    if batch_size % len(devices):
        raise InputError(
            f"batch_size={batch_size} cannot be shared equally by the {len(devices)} devices of "
            f"strategy=mirrored: use a multiple of {len(devices)}."
        )
    return _over(tuple(device.name for device in devices))


@cache
def _over(names: tuple[str, ...]) -> tf.distribute.Strategy:
    """Return the process's strategy over devices: a model that is used again knows no other."""
    return tf.distribute.MirroredStrategy(list(names))


def evaluation_batch(strategy: tf.distribute.Strategy | None, images: int) -> int:
    """Return how many images a batch of an evaluation has, at the most `EVALUATION_BATCH`.

    Keras wants equal shares of the first batch, and an image for every device in the last.

    Args:
        strategy: of several devices, or None.
        images: how many there are.

    Raises:
        InputError: they are too few for so many devices.
    """
    number = strategy.num_replicas_in_sync if strategy else 1
    for size in range(EVALUATION_BATCH // number * number, 0, -number):
        if number == 1 or (size <= images and images % size not in range(1, number)):
            return size
    raise InputError(
        f"{images} validation images are too few for the {number} devices of strategy=mirrored: "
        "use strategy=none."
    )

"""Conversion of a drawing to an image in the form of MNIST's."""

import numpy as np
import tensorflow as tf

from src.data.digits import SIDE

BOX = 20  # pixels: a digit's longer side


def as_mnist(drawing: np.ndarray) -> np.ndarray | None:
    """Return a drawing, uint8 (height, width) with 0 for bare paper, prepared like MNIST's images,
    uint8 (28, 28) with a darkest ink of 255, or None if nothing is drawn: scaled smoothly to fit
    20×20 pixels, with its center of mass in the center (http://yann.lecun.com/exdb/mnist/).
    """
    rows, columns = (np.flatnonzero(drawing.any(axis=axis)) for axis in (1, 0))
    if not len(rows):
        return None
    ink = drawing[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].astype(np.float32)
    scale = BOX / max(ink.shape)
    size = [max(1, round(length * scale)) for length in ink.shape]
    small = tf.image.resize(ink[..., np.newaxis], size, antialias=True).numpy()[..., 0]
    small = np.clip(small * (255 / small.max()), 0, 255)
    return np.round(_centered(small)).astype(np.uint8)


def _centered(small: np.ndarray) -> np.ndarray:
    """Return an image of at most 20×20 inside one of 28×28, centered by its mass."""
    image = np.zeros((3 * SIDE, 3 * SIDE), np.float32)  # with room for digits far off center
    middle = (len(image) - 1) / 2
    top, left = (
        round(middle - float(np.average(np.arange(length), weights=small.sum(axis=1 - axis))))
        for axis, length in enumerate(small.shape)
    )
    image[top : top + small.shape[0], left : left + small.shape[1]] = small
    return image[SIDE : 2 * SIDE, SIDE : 2 * SIDE]

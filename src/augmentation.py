"""Random affine warps: one interpolation per image for rotation, zoom and shift together."""

from collections.abc import Callable

import tensorflow as tf

Augment = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]


def affine(*, rotation: float, zoom: float, shift: float) -> Augment | None:
    """Return a function that warps a batch, or None where nothing would change.

    The returned function takes images, uint8 (batch, height, width), and a seed, int32 (2,); it
    returns images of the same shape and dtype. The same seed draws the same warps. Pixels from
    outside repeat the border's, as `fill_mode="nearest"` of Keras's ImageDataGenerator does.

    Args:
        rotation: the largest angle, in degrees, either way.
        zoom: the largest change of scale, for width and height apart.
        shift: the largest shift, as a part of the width and of the height.
    """
    if not (rotation or zoom or shift):
        return None
    radians = rotation * 3.141592653589793 / 180

    def augment(images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        batch, height, width = images.shape[0], images.shape[1], images.shape[2]
        draws = tf.random.stateless_uniform((5, batch), seed, -1.0, 1.0)
        angle = draws[0] * radians
        zoom_x, zoom_y = 1 + zoom * draws[1], 1 + zoom * draws[2]
        # Output pixel (x, y) is read at A·(x, y) + b, with A = rotation · zoom about the centre.
        cos, sin = tf.cos(angle), tf.sin(angle)
        a, b, c, d = zoom_x * cos, -zoom_y * sin, zoom_x * sin, zoom_y * cos
        centre_x, centre_y = (width - 1) / 2, (height - 1) / 2
        x = centre_x - a * centre_x - b * centre_y + draws[3] * shift * width
        y = centre_y - c * centre_x - d * centre_y + draws[4] * shift * height
        zero = tf.zeros_like(a)
        warped = tf.raw_ops.ImageProjectiveTransformV3(
            images=tf.cast(images[..., tf.newaxis], tf.float32),
            transforms=tf.stack([a, b, x, c, d, y, zero, zero], axis=1),
            output_shape=(height, width),
            interpolation="BILINEAR",
            fill_mode="NEAREST",
            fill_value=0.0,
        )
        return tf.cast(tf.round(warped[..., 0]), tf.uint8)

    return augment

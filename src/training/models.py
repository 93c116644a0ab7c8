"""The networks: from raw pixels, uint8 (batch, 28, 28), to ten class scores, float32 (batch, 10).
`activation` returns a new layer, so that one with weights learns them in each place.
"""

from collections.abc import Callable, Sequence

import keras
from keras import layers

from src.core.errors import InputError
from src.data.digits import CLASSES, SIDE
from src.training.normalization import BatchNormalization

Activation = Callable[[], keras.layers.Layer]
Ints = Sequence[int]


def _pixels() -> tuple[keras.KerasTensor, keras.KerasTensor]:
    """Return the input, and the same scaled to [0, 1] with a channel axis."""
    inputs = keras.Input((SIDE, SIDE), dtype="uint8", name="image")
    x = layers.Reshape((SIDE, SIDE, 1), name="channel")(inputs)
    return inputs, layers.Rescaling(1 / 255, name="scale")(x)


def _head(x: keras.KerasTensor, head: str) -> keras.KerasTensor:
    """Return the class scores, float32 (batch, 10); the loss divides a sigmoid's by their sum."""
    if head not in ("softmax", "sigmoid"):
        raise InputError(f"model.head={head} is unknown: choose softmax or sigmoid.")
    return layers.Dense(CLASSES, activation=head, dtype="float32", name="scores")(x)


def notebook(
    activation: Activation,
    *,
    filters: Ints = (32, 64),
    units: int = 256,
    dropout: Sequence[float] = (0.25, 0.25, 0.5),
    head: str = "sigmoid",
) -> keras.Model:
    """Return the CNN of the 2017 notebook: 32.3 M multiply-adds per image, 887,530 weights."""
    inputs, x = _pixels()
    for count, kernel, rate in zip(filters, (5, 3), dropout[:-1], strict=True):
        for _ in range(2):
            x = layers.Conv2D(count, kernel, padding="same")(x)
            x = activation()(x)
        x = layers.MaxPooling2D()(x)
        x = layers.Dropout(rate)(x)
    x = layers.Flatten()(x)
    x = layers.Dense(units)(x)
    x = activation()(x)
    x = layers.Dropout(dropout[-1])(x)
    return keras.Model(inputs, _head(x, head), name="notebook")


def compact(
    activation: Activation,
    *,
    border: int = 2,
    filters: Sequence[Ints] = ((16,), (32, 64), (64, 128, 128)),
    first_kernel: int = 5,
    dropout: float = 0.0,
    head: str = "softmax",
) -> keras.Model:
    """Return a small batch-normalized CNN of 3×3 convolutions, after a first larger one.

    `border` pixels are cropped on all sides, and only the first convolution of each later block
    pads: MNIST's digits have a margin, and smaller maps are less work. All blocks but the last end
    with pooling, before the normalization and the activation, which are limited by memory on a CPU.
    Once the last block's map is as small as the kernel, the convolution is a dense layer.
    """
    inputs, x = _pixels()
    x = layers.Cropping2D(border, name="crop")(x)
    kernel = first_kernel
    for place, block in enumerate(filters):
        last = place == len(filters) - 1
        for number, count in enumerate(block):
            pads = place > 0 and number == 0
            if not pads and x.shape[1] <= kernel:
                x = layers.Flatten()(x)
                x = layers.Dense(count, use_bias=False)(x)
                x = layers.Reshape((1, 1, count))(x)
            else:
                padding = "same" if pads else "valid"
                x = layers.Conv2D(count, kernel, padding=padding, use_bias=False)(x)
            if number == len(block) - 1 and not last:
                x = layers.MaxPooling2D()(x)
            x = BatchNormalization(momentum=0.9)(x)
            x = activation()(x)
            kernel = 3
    x = layers.Flatten()(x)
    x = layers.Dropout(dropout)(x)
    return keras.Model(inputs, _head(x, head), name="compact")


def lenet5(
    activation: Activation,
    *,
    filters: Ints = (6, 16),
    units: Ints = (120, 84),
    head: str = "softmax",
) -> keras.Model:
    """Return LeNet-5 in its modern form: average pooling, dense connections, softmax.
    Reference: LeCun et al., "Gradient-Based Learning Applied to Document Recognition", 1998.
    """
    inputs, x = _pixels()
    for count, padding in zip(filters, ("same", "valid"), strict=True):
        x = layers.Conv2D(count, 5, padding=padding)(x)
        x = activation()(x)
        x = layers.AveragePooling2D(2)(x)
    x = layers.Flatten()(x)
    for count in units:
        x = layers.Dense(count)(x)
        x = activation()(x)
    return keras.Model(inputs, _head(x, head), name="lenet5")


def mlp(
    activation: Activation, *, units: Ints = (512, 256), dropout: float = 0.2, head: str = "softmax"
) -> keras.Model:
    """Return a multilayer perceptron with a hidden layer for each of `units`."""
    inputs, x = _pixels()
    x = layers.Flatten()(x)
    for count in units:
        x = layers.Dense(count)(x)
        x = activation()(x)
        x = layers.Dropout(dropout)(x)
    return keras.Model(inputs, _head(x, head), name="mlp")

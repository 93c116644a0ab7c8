"""Activation layers that Keras lacks, or computes in more passes over memory than it must.

Swish, x · sigmoid(x), costs more than ReLU mainly because a CPU walks over the tensor several
times. Here XLA compiles the activation alone (the convolutions stay out: XLA is slow at them on a
CPU) into one pass forward and one pass back, by formulas that keep only the input for the way back.
"""

from collections.abc import Callable

import keras
import tensorflow as tf


@tf.function(jit_compile=True)
def _swish_forward(x: tf.Tensor) -> tf.Tensor:
    return x * tf.sigmoid(x)


@tf.function(jit_compile=True)
def _swish_backward(x: tf.Tensor, dy: tf.Tensor) -> tf.Tensor:
    sigmoid = tf.sigmoid(x)
    return dy * sigmoid * (1 + x * (1 - sigmoid))


@tf.custom_gradient
def swish(x: tf.Tensor) -> tuple[tf.Tensor, Callable]:
    """Return x · sigmoid(x), of the shape and dtype of `x`, in one pass.

    Reference: Ramachandran, Zoph, Le, "Searching for Activation Functions", arXiv:1710.05941.
    """
    return _swish_forward(x), lambda dy: _swish_backward(x, dy)


@tf.function(jit_compile=True)
def _swish_beta_forward(x: tf.Tensor, beta: tf.Tensor) -> tf.Tensor:
    return 2 * x * tf.sigmoid(beta * x)


@tf.function(jit_compile=True)
def _swish_beta_backward(
    x: tf.Tensor, beta: tf.Tensor, dy: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    sigmoid = tf.sigmoid(beta * x)
    slope = 2 * x * sigmoid * (1 - sigmoid)  # d f / d (βx)
    dx = dy * (2 * sigmoid + beta * slope)
    # A sum of millions of terms: in float32, whatever the compute dtype.
    dbeta = tf.reduce_sum(tf.cast(dy * x * slope, tf.float32))
    return dx, tf.cast(dbeta, beta.dtype)


@tf.custom_gradient
def swish_beta(x: tf.Tensor, beta: tf.Tensor) -> tuple[tf.Tensor, Callable]:
    """Return 2x · sigmoid(βx), of the shape and dtype of `x`; `beta` is a scalar of that dtype.

    Reference: the factor 2 makes it the identity at β = 0; β as in arXiv:1710.05941.
    """
    return _swish_beta_forward(x, beta), lambda dy: _swish_beta_backward(x, beta, dy)


def _fuse() -> bool:
    """Fused kernels are measured on CPUs; on a GPU Keras's own run, which are fused there too."""
    return not tf.config.list_physical_devices("GPU")


@keras.saving.register_keras_serializable(package="src")
class Swish(keras.layers.Layer):
    """x · sigmoid(x), fused while training."""

    def call(self, x: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Return the activation of `x` (any shape, floating), in its shape and dtype."""
        # Outside training batches come in all sizes, and XLA would compile for each.
        return swish(x) if training and _fuse() else tf.nn.silu(x)


@keras.saving.register_keras_serializable(package="src")
class SwishBeta(keras.layers.Layer):
    """2x · sigmoid(βx), with one β per layer.

    Args:
        beta: β, or where it starts.
        trainable: learn β; otherwise it stays at `beta`.
    """

    def __init__(self, beta: float = 1.0, trainable: bool = True, **kwargs):
        super().__init__(trainable=trainable, **kwargs)
        self.initial_beta = beta

    def build(self, input_shape: tuple) -> None:
        """Create β, a float32 scalar."""
        self.beta = self.add_weight(
            name="beta", shape=(), initializer=keras.initializers.Constant(self.initial_beta)
        )

    def call(self, x: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Return the activation of `x` (any shape, floating), in its shape and dtype."""
        beta = tf.cast(self.beta, x.dtype)
        if training and _fuse():
            return swish_beta(x, beta)
        return 2 * x * tf.sigmoid(beta * x)

    def get_config(self) -> dict:
        """Return what rebuilds the layer."""
        return {**super().get_config(), "beta": self.initial_beta}


@keras.saving.register_keras_serializable(package="src")
class ESwish(keras.layers.Layer):
    """βx · sigmoid(x), with a fixed β.

    Args:
        beta: β; 1 gives Swish, and its paper found 1 to 2 good.

    Reference: Alcaide, "E-swish: Adjusting Activations to Different Network Depths",
    arXiv:1801.07145.
    """

    def __init__(self, beta: float = 1.25, **kwargs):
        super().__init__(**kwargs)
        self.beta = beta

    def call(self, x: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Return the activation of `x` (any shape, floating), in its shape and dtype."""
        y = swish(x) if training and _fuse() else tf.nn.silu(x)
        return tf.cast(self.beta, x.dtype) * y

    def get_config(self) -> dict:
        """Return what rebuilds the layer."""
        return {**super().get_config(), "beta": self.beta}


def learned_betas(model: keras.Model) -> dict[str, float]:
    """Return the learned β of every activation layer of `model` that has one, by layer name."""
    return {
        layer.name: float(layer.beta)
        for layer in model.layers
        if isinstance(layer, SwishBeta) and layer.trainable
    }

"""Activation layers that Keras lacks, or computes in more passes over memory than necessary.

XLA compiles each alone (it is slow at convolutions on a CPU) into a forward and a backward pass in
float32, by formulas that need only the input for the backward pass.
"""

from collections.abc import Callable
from functools import partial
from math import pi, sqrt

import keras
import tensorflow as tf

Function = Callable[..., tf.Tensor]


def _wide(x: tf.Tensor) -> tf.Tensor:
    return tf.cast(x, tf.float32) if x.dtype.size < 4 else x


def _narrow(x: tf.Tensor, dtype: tf.DType) -> tf.Tensor:
    """Return `x` in a dtype, as `tf.cast` does, but rounded to bfloat16 (to nearest, ties to even)
    by integer arithmetic: XLA's own handles NaNs separately and fills only half of each vector,
    which doubles the time of a pass. NaNs from bfloat16 stay NaNs: their lower bits are zeros.
    """
    if dtype != tf.bfloat16 or x.dtype != tf.float32:
        return tf.cast(x, dtype)
    bits = tf.bitcast(x, tf.uint32)
    one, sixteen, below_half = (tf.constant(number, tf.uint32) for number in (1, 16, 0x7FFF))
    odd = tf.bitwise.bitwise_and(tf.bitwise.right_shift(bits, sixteen), one)
    rounded = tf.bitwise.right_shift(bits + below_half + odd, sixteen)
    return tf.bitcast(tf.cast(rounded, tf.uint16), tf.bfloat16)


def _one_pass(function: Function, slope: Function) -> Function:
    """Return an activation of floating tensors, in one forward and one backward pass, from a
    function and its derivative, which take x, float32, and settings, Python numbers.
    """

    @tf.function(jit_compile=True, autograph=False)
    def forward(x: tf.Tensor, *settings: float) -> tf.Tensor:
        return _narrow(function(_wide(x), *settings), x.dtype)

    @tf.function(jit_compile=True, autograph=False)
    def backward(x: tf.Tensor, dy: tf.Tensor, *settings: float) -> tf.Tensor:
        return _narrow(_wide(dy) * slope(_wide(x), *settings), x.dtype)

    def activation(x: tf.Tensor, *settings: float) -> tf.Tensor:
        @tf.custom_gradient
        def fused(x: tf.Tensor) -> tuple[tf.Tensor, Callable]:
            return forward(x, *settings), lambda dy: backward(x, dy, *settings)

        # Flat outside of XLA, which loops over dimensions: 16 channels are too few for its vectors.
        return tf.reshape(fused(tf.reshape(x, [-1])), tf.shape(x))

    return activation


def _swish_slope(x: tf.Tensor, scale: float = 1.0) -> tf.Tensor:
    sigmoid = tf.sigmoid(x)
    return scale * sigmoid * (1 + x * (1 - sigmoid))


def _gelu_slope(x: tf.Tensor) -> tf.Tensor:
    return (1 + tf.math.erf(x / sqrt(2))) / 2 + x * tf.exp(-x * x / 2) / sqrt(2 * pi)


def _mish_parts(x: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Return e = exp(x), n = e · (e + 2) and n + 2: tanh(softplus(x)) = n / (n + 2)."""
    e = tf.exp(tf.minimum(x, 20.0))  # above 20 the quotient is 1 in float32, and e² may overflow
    n = e * (e + 2)
    return e, n, n + 2


def _mish(x: tf.Tensor) -> tf.Tensor:
    _, n, m = _mish_parts(x)
    return x * (n / m)


def _mish_slope(x: tf.Tensor) -> tf.Tensor:
    e, n, m = _mish_parts(x)
    return n / m + x * (4 * e * (e + 1) / (m * m))


swish = _one_pass(lambda x, scale=1.0: scale * x * tf.sigmoid(x), _swish_slope)
gelu = _one_pass(lambda x: x * (1 + tf.math.erf(x / sqrt(2))) / 2, _gelu_slope)
hard_swish = _one_pass(
    lambda x: x * tf.clip_by_value(x / 6 + 0.5, 0, 1),
    lambda x: tf.where(x < -3, 0.0, tf.where(x > 3, 1.0, x / 3 + 0.5)),
)
mish = _one_pass(_mish, _mish_slope)


@tf.function(jit_compile=True, autograph=False)
def _swish_beta_forward(x: tf.Tensor, beta: tf.Tensor) -> tf.Tensor:
    wide = _wide(x)
    return _narrow(2 * wide * tf.sigmoid(beta * wide), x.dtype)


@tf.function(jit_compile=True, autograph=False)
def _swish_beta_backward(x: tf.Tensor, beta: tf.Tensor, dy: tf.Tensor) -> list[tf.Tensor]:
    """Return the gradient of `x`, and the terms whose sum is that of `beta`."""
    wide, dy = _wide(x), _wide(dy)
    sigmoid = tf.sigmoid(beta * wide)
    slope = 2 * wide * sigmoid * (1 - sigmoid)  # d f / d (βx)
    return [_narrow(dy * (2 * sigmoid + beta * slope), x.dtype), dy * wide * slope]


def swish_beta(x: tf.Tensor, beta: tf.Tensor) -> tf.Tensor:
    """Return 2x · sigmoid(βx), of the shape and dtype of `x`; `beta` is a float32 scalar, as in
    arXiv:1710.05941. The factor 2 makes it the identity at β = 0.
    """

    @tf.custom_gradient
    def fused(x: tf.Tensor, beta: tf.Tensor) -> tuple[tf.Tensor, Callable]:
        def gradient(dy: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            dx, terms = _swish_beta_backward(x, beta, dy)
            return dx, tf.reduce_sum(terms)  # XLA would add one element at a time, on one core

        return _swish_beta_forward(x, beta), gradient

    return tf.reshape(fused(tf.reshape(x, [-1]), beta), tf.shape(x))


class _Fused(keras.layers.Layer):
    """An activation that is fused in training, but not on a GPU, where Keras's own are fused."""

    _fused: Function
    _plain: Function

    def call(self, x: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Return the activation of `x` (any shape, floating), in its shape and dtype."""
        # Outside of training, batches have many sizes, and XLA would compile for each.
        fuse = training and not tf.config.list_physical_devices("GPU")
        return self._fused(x) if fuse else self._plain(x)


registered = keras.saving.register_keras_serializable(package="src")


@registered
class Swish(_Fused):
    """x · sigmoid(x), of Ramachandran, Zoph and Le, arXiv:1710.05941."""

    _fused, _plain = staticmethod(swish), staticmethod(tf.nn.silu)


@registered
class Gelu(_Fused):
    """x · Φ(x), with Φ itself, not its approximation, of Hendrycks and Gimpel, arXiv:1606.08415."""

    _fused = staticmethod(gelu)
    _plain = staticmethod(partial(keras.activations.gelu, approximate=False))


@registered
class HardSwish(_Fused):
    """x · relu6(x + 3) / 6, of Howard et al., "Searching for MobileNetV3", arXiv:1905.02244."""

    _fused, _plain = staticmethod(hard_swish), staticmethod(keras.activations.hard_swish)


@registered
class Mish(_Fused):
    """x · tanh(softplus(x)), of Misra, arXiv:1908.08681."""

    _fused, _plain = staticmethod(mish), staticmethod(keras.activations.mish)


@registered
class SwishBeta(_Fused):
    """2x · sigmoid(βx), with one β per layer: `beta`, or learned from there if `trainable`."""

    def __init__(self, beta: float = 1.0, trainable: bool = True, **kwargs):
        super().__init__(trainable=trainable, **kwargs)
        self.initial_beta = beta

    def build(self, input_shape: tuple) -> None:
        """Create β, a float32 scalar even in mixed precision, because bfloat16 has no 1.003."""
        start = keras.initializers.Constant(self.initial_beta)
        self.beta = self.add_weight(name="beta", shape=(), initializer=start, autocast=False)

    def _fused(self, x: tf.Tensor) -> tf.Tensor:
        return swish_beta(x, tf.convert_to_tensor(self.beta))

    def _plain(self, x: tf.Tensor) -> tf.Tensor:
        wide = _wide(x)
        return tf.cast(2 * wide * tf.sigmoid(tf.convert_to_tensor(self.beta) * wide), x.dtype)

    def get_config(self) -> dict:
        """Return the arguments of the layer."""
        return {**super().get_config(), "beta": self.initial_beta}


@registered
class ESwish(_Fused):
    """βx · sigmoid(x), of Alcaide, arXiv:1801.07145, where β of 1 to 2 is good; 1 is Swish."""

    def __init__(self, beta: float = 1.25, **kwargs):
        super().__init__(**kwargs)
        self.beta = beta

    def _fused(self, x: tf.Tensor) -> tf.Tensor:
        return swish(x, self.beta)

    def _plain(self, x: tf.Tensor) -> tf.Tensor:
        return tf.cast(self.beta, x.dtype) * tf.nn.silu(x)

    def get_config(self) -> dict:
        """Return the arguments of the layer."""
        return {**super().get_config(), "beta": self.beta}


def learned_betas(model: keras.Model) -> dict[str, float]:
    """Return the learned β of every activation layer of `model` that has one, by layer name."""
    return {
        layer.name: float(keras.ops.convert_to_numpy(layer.beta))
        for layer in model.layers
        if isinstance(layer, SwishBeta) and layer.trainable
    }

"""Batch normalization in one kernel: Keras computes it in a dozen passes over memory.

`python -m benchmarks.ablation` shows what that is worth.
"""

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="src")
class BatchNormalization(keras.layers.BatchNormalization):
    """`keras.layers.BatchNormalization` of the last axis, fused while training.

    The same statistics, weights and arguments, but for one detail of the kernel's: the moving
    variance is of the unbiased estimate, n / (n - 1) times that of Keras.

    Where several devices share a batch, Keras's own computes the statistics of the whole of it.
    """

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Make the weights, and note whether devices share the batches."""
        self.synchronized = tf.distribute.get_strategy().num_replicas_in_sync > 1
        super().build(input_shape)

    def call(self, x: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Return `x`, floating (batch, height, width, channels), normalized, in its dtype."""
        if not training or self.synchronized:
            return super().call(x, training=training)
        nothing = tf.zeros(0)  # the statistics are those of the batch
        y, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
            x=x,
            scale=self.gamma,
            offset=self.beta,
            mean=nothing,
            variance=nothing,
            epsilon=self.epsilon,
            is_training=True,
        )
        for moving, found in ((self.moving_mean, mean), (self.moving_variance, variance)):
            moving.assign(self.momentum * moving + (1 - self.momentum) * found)
        return y

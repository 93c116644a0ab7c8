"""Batch normalization in one kernel; Keras takes a dozen passes (`benchmarks.ablation`)."""

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="src")
class BatchNormalization(keras.layers.BatchNormalization):
    """`keras.layers.BatchNormalization` of the last axis, fused while training. The moving variance
    is of the unbiased estimate, n / (n - 1) times that of Keras; all else is the same.
    """

    def call(self, x: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Return `x`, floating (batch, height, width, channels), normalized, in its dtype."""
        if not training:
            return super().call(x, training=training)
        given = {"scale": self.gamma, "offset": self.beta, "epsilon": self.epsilon}
        given |= dict.fromkeys(("mean", "variance"), tf.zeros(0))  # computed from the batch
        y, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(x=x, is_training=True, **given)
        for moving, found in ((self.moving_mean, mean), (self.moving_variance, variance)):
            moving.assign(self.momentum * moving + (1 - self.momentum) * found)
        return y

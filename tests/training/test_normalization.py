import keras
import numpy as np
import pytest
import tensorflow as tf

from src.training.normalization import BatchNormalization

SHAPE = (6, 4, 5, 3)


@pytest.fixture
def x():
    return np.random.default_rng(1).normal(2.0, 3.0, SHAPE).astype(np.float32)


@pytest.fixture
def pair():
    """Ours and Keras's, with the same weights."""
    layers = [kind(momentum=0.75) for kind in (BatchNormalization, keras.layers.BatchNormalization)]
    weights = np.random.default_rng(2).uniform(0.5, 2.0, (4, 3))
    for layer in layers:
        layer.build((None, *SHAPE[1:]))
        layer.set_weights(weights)
    return layers


def test_training_normalizes_as_keras_does_with_the_same_gradients(pair, x):
    found = []
    for layer in pair:
        inputs = tf.constant(x)
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            y = layer(inputs, training=True)
            loss = tf.reduce_sum(y**3)
        found.append([y, *tape.gradient(loss, [inputs, *layer.trainable_variables])])
    for ours, theirs in zip(*found, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=2e-3, atol=2e-3)


def test_the_moving_statistics_follow_the_batch(pair, x):
    ours, theirs = pair
    before = ours.get_weights()
    for layer in pair:
        layer(x, training=True)
    np.testing.assert_allclose(ours.moving_mean, theirs.moving_mean, rtol=1e-5)
    unbiased = x.var(axis=(0, 1, 2), ddof=1)
    expected = 0.75 * before[3] + 0.25 * unbiased
    np.testing.assert_allclose(ours.moving_variance, expected, rtol=1e-5)


def test_outside_training_it_is_keras_s_own_and_keeps_its_statistics(pair, x):
    ours, theirs = pair
    before = ours.get_weights()
    np.testing.assert_array_equal(ours(x), theirs(x))
    for old, new in zip(before, ours.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_in_bfloat16_the_statistics_stay_float32(x):
    layer = BatchNormalization(dtype="mixed_bfloat16")
    y = layer(tf.cast(x, tf.bfloat16), training=True)
    assert y.dtype == tf.bfloat16
    assert layer.moving_variance.dtype == "float32"
    normalized = tf.cast(y, tf.float32).numpy()
    np.testing.assert_allclose(normalized.mean(axis=(0, 1, 2)), 0, atol=0.01)
    np.testing.assert_allclose(normalized.std(axis=(0, 1, 2)), 1, atol=0.01)

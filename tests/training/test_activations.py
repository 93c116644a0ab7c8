from functools import partial

import keras
import numpy as np
import pytest
import tensorflow as tf

from src.data import mirrors
from src.training import activations, fit
from tests.support.recipes import TINY, configure, names

POINTS = np.linspace(-12, 12, 35).reshape(5, 7)


def sigmoid(x):
    return 1 / (1 + tf.exp(-x))


BETA = 0.753  # not a number of bfloat16
# Layer and plain formula, as f(x, β).
FORMULAS = {
    "swish": (activations.Swish, lambda x, beta: x * sigmoid(x)),
    "e_swish": (partial(activations.ESwish, 1.75), lambda x, beta: 1.75 * x * sigmoid(x)),
    "swish_beta": (partial(activations.SwishBeta, BETA), lambda x, beta: 2 * x * sigmoid(beta * x)),
    "gelu": (activations.Gelu, lambda x, beta: x * (1 + tf.math.erf(x / np.sqrt(2))) / 2),
    "hard_swish": (activations.HardSwish, lambda x, beta: x * tf.nn.relu6(x + 3) / 6),
    "mish": (activations.Mish, lambda x, beta: x * tf.tanh(tf.math.softplus(x))),
}
# Of the dtype: the policy that computes in it, and the error, relative and absolute, that it may
# bring. The fused forms round to bfloat16 once, by 2**-8 at the most.
PRECISIONS = {"float32": ("float32", 3e-6, 3e-6), "bfloat16": ("mixed_bfloat16", 2**-8, 1e-9)}


def precision(name, dtype):
    policy, relative, absolute = PRECISIONS[dtype]
    if name == "gelu":  # float32's 1 + erf(x) is off by 2**-23 where it should vanish
        absolute = 3e-6
    return policy, relative, absolute


each_formula = pytest.mark.parametrize("name", FORMULAS)
each_precision = pytest.mark.parametrize("dtype", PRECISIONS)


@each_formula
@each_precision
@pytest.mark.parametrize("learning", [False, True], ids=["inference", "training"])
def test_a_layer_computes_its_formula_in_the_policys_dtype(name, dtype, learning):
    policy, relative, absolute = precision(name, dtype)
    if not learning and dtype == "bfloat16":
        relative, absolute = 5 * relative, 2e-5  # the plain forms round more than once
    make, formula = FORMULAS[name]
    x = tf.cast(POINTS, dtype)
    y = make(dtype=policy)(x, training=learning)
    assert y.dtype == dtype
    expected = formula(tf.cast(x, "float64"), tf.constant(BETA, "float64"))
    np.testing.assert_allclose(tf.cast(y, "float64"), expected, rtol=relative, atol=absolute)


@each_formula
@each_precision
def test_the_gradients_of_the_fused_forms_are_those_of_the_plain_formula(name, dtype):
    policy, relative, absolute = precision(name, dtype)
    make, formula = FORMULAS[name]
    x = tf.cast(POINTS, dtype)
    # Positive, so that the sum which is β's gradient has no terms that cancel out.
    upstream = tf.cast(np.random.RandomState(1).uniform(0.5, 1.5, POINTS.shape), dtype)

    layer = make(dtype=policy)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = layer(x, training=True)
    found = tape.gradient(y, [x, *layer.trainable_variables], upstream)

    exact, beta = tf.cast(x, "float64"), tf.constant(BETA, "float64")
    with tf.GradientTape() as tape:
        tape.watch([exact, beta])
        plain = formula(exact, beta)
    expected = tape.gradient(plain, [exact, beta], tf.cast(upstream, "float64"))

    assert found[0].dtype == dtype
    assert len(found) == (2 if name == "swish_beta" else 1)
    for one, other in zip(found, expected, strict=False):
        one = tf.cast(one, "float64")  # the gradients multiply more than the values:
        np.testing.assert_allclose(one, other, rtol=2 * relative, atol=2 * absolute)


@each_formula
def test_for_large_x_the_fused_forms_are_finite_and_approach_their_limits(name):
    x = tf.Variable([-200.0, -30.0, 30.0, 200.0])
    with tf.GradientTape() as tape:
        y = FORMULAS[name][0]()(tf.convert_to_tensor(x), training=True)
    slope = tape.gradient(y, x)
    limit = {"e_swish": 1.75, "swish_beta": 2.0}.get(name, 1.0)
    off = 3e-5 if name == "gelu" else 1e-6  # float32's 1 + erf(-200) is 2**-23
    np.testing.assert_allclose(y, [0, 0, 30 * limit, 200 * limit], rtol=1e-6, atol=off)
    np.testing.assert_allclose(slope, [0, 0, limit, limit], rtol=1e-6, atol=1e-6)


def beta_gradient(x):
    layer = activations.SwishBeta(1.0, dtype="mixed_bfloat16")
    with tf.GradientTape() as tape:
        y = layer(x, training=True)
    return float(tape.gradient(y, layer.beta))


@pytest.mark.parametrize(("x", "pixels"), [(1.0, 300_000), (3.0, 1), (6.0, 1), (12.0, 1)])
def test_the_gradient_of_beta_is_exact_in_bfloat16_over_many_pixels_and_near_1(x, pixels):
    sigmoid = 1 / (1 + np.exp(-x))
    expected = pixels * 2 * x**2 * sigmoid * (1 - sigmoid)  # at β = 1
    found = beta_gradient(tf.fill((pixels,), tf.cast(x, "bfloat16")))
    assert found == pytest.approx(expected, rel=1e-5 if pixels > 1 else 1e-6 * np.exp(x))


def test_to_bfloat16_every_number_is_rounded_as_tensorflow_rounds_it():
    top = np.arange(0, 1 << 16, dtype=np.uint32)  # all that bfloat16 has, and what is near it:
    bits = (top[:, np.newaxis] << 16) + np.uint32([0, 1, 0x7FFF, 0x8000, 0x8001, 0xFFFF])
    special = (top & 0x7F80) == 0x7F80  # infinite, or no number
    bits[special, 1:] = bits[special, :1]
    numbers = tf.constant(bits.view(np.float32))
    found, expected = activations._narrow(numbers, tf.bfloat16), tf.cast(numbers, tf.bfloat16)
    found, expected = (tf.cast(rounded, tf.float32).numpy() for rounded in (found, expected))
    np.testing.assert_array_equal(found, expected)
    assert np.isnan(found).sum() == 6 * (special.sum() - 2)


def small_model(*overrides):
    cfg = configure(*TINY, "model.units=[8,8]", "schedule=constant", *overrides)
    fit.prepare(cfg)
    model, _ = fit.compile_model(cfg, total_steps=1)
    model.run_eagerly = True  # for a step or two, compiling costs more than it saves
    return model


def step(model, sample):
    images, labels = sample[mirrors.TRAIN_IMAGES][:32], sample[mirrors.TRAIN_LABELS][:32]
    return float(model.train_on_batch(images, keras.utils.to_categorical(labels, 10))[0])


@pytest.mark.parametrize("choice", names("activation"))
def test_every_activation_builds_learns_and_is_loaded_as_it_was_saved(
    choice, project, sample, tmp_path
):
    model = small_model(f"activation={choice}")
    before = model.get_weights()
    assert np.isfinite(step(model, sample))
    assert all((old != new).any() for old, new in zip(before, model.get_weights(), strict=True))

    model.save(tmp_path / "model.keras")
    loaded = fit.load(tmp_path / "model.keras")
    images = sample[mirrors.TEST_IMAGES][:8]
    np.testing.assert_array_equal(loaded(images), model(images))
    assert [type(layer) for layer in loaded.layers] == [type(layer) for layer in model.layers]


@pytest.mark.parametrize("make", [activations.SwishBeta, activations.ESwish])
def test_a_layers_settings_survive_its_configuration(make):
    layer = make(0.5, name="mine", trainable=False)
    rebuilt = make.from_config(layer.get_config())
    x = tf.constant(POINTS, "float32")
    np.testing.assert_array_equal(rebuilt(x), layer(x))
    assert (rebuilt.name, rebuilt.trainable) == ("mine", False)


@pytest.mark.parametrize("learned", [True, False])
def test_each_place_learns_its_own_beta_unless_it_is_fixed(project, sample, learned):
    model = small_model("activation=swish_beta", f"activation.trainable={learned}".lower())
    step(model, sample)
    layers = [layer for layer in model.layers if isinstance(layer, activations.SwishBeta)]
    betas = {layer.name: float(layer.beta) for layer in layers}
    assert set(betas) == {"swish_beta", "swish_beta_1"}
    assert activations.learned_betas(model) == (betas if learned else {})
    assert len({1.0, *betas.values()}) == (3 if learned else 1)
    assert activations.learned_betas(small_model("activation=e_swish")) == {}

import time

import numpy as np
import pytest
import tensorflow as tf
from scipy.special import expit, ndtr
from scipy.stats import norm

from src.reporting import activation_profile
from src.training import activations
from tests.support.simulated_runs import LAYERS

X = np.linspace(-5, 5, 200)  # without 0, where ReLU has no slope
HARD_SLOPE = np.select([X < -3, X > 3], [0, 1], (2 * X + 3) / 6)


def swish(x, beta=1.0, scale=1.0):
    """Return the values, the slopes, and the derivatives by β of scale · x · sigmoid(β · x)."""
    sigmoid = expit(beta * x)
    steep = sigmoid * (1 - sigmoid)
    return scale * x * sigmoid, scale * (sigmoid + beta * x * steep), scale * x * x * steep


@pytest.mark.parametrize(
    ("settings", "value", "slope"),
    [
        (LAYERS["relu"], np.maximum(X, 0), X > 0),
        (LAYERS["swish"], *swish(X)[:2]),
        (LAYERS["gelu"], X * ndtr(X), ndtr(X) + X * norm.pdf(X)),
        (LAYERS["hard_swish"], X * np.clip(X + 3, 0, 6) / 6, HARD_SLOPE),
        *(
            ({**LAYERS["swish_beta"], "beta": beta}, *swish(X, float(beta), 2)[:2])
            for beta in ("1.0", "1.7", "-0.4", "5e-05")
        ),
    ],
)
def test_a_curve_is_the_function_and_its_derivative(settings, value, slope):
    found = activation_profile.curve(settings, X)
    assert np.array_equal(found.x, X)
    np.testing.assert_allclose(found.value, value, atol=3e-6)
    np.testing.assert_allclose(found.slope, slope, atol=3e-6)


def test_a_layer_is_built_from_the_params_in_mlflow_even_of_version_1_0():
    params = {**LAYERS["swish_beta"], "beta": "1e-05", "trainable": "False"}
    layer = activation_profile.layer(params, "mixed_bfloat16")
    assert isinstance(layer, activations.SwishBeta)
    assert (layer.initial_beta, layer.trainable) == (1e-05, False)
    assert layer.compute_dtype == "bfloat16"
    leaky = {"_target_": "keras.layers.LeakyReLU", "negative_slope": "0.3", "name": "a name"}
    layer = activation_profile.layer(leaky)
    assert (layer.negative_slope, layer.name, layer.compute_dtype) == (0.3, "a name", "float32")
    layer = activation_profile.layer({"_target_": "src.activations.Swish"})
    assert isinstance(layer, activations.Swish)


def test_the_profile_of_a_study_has_its_learned_functions_and_its_costs(
    five_runs, five, monkeypatch
):
    asked = []
    monkeypatch.setattr(activation_profile, "costs", lambda *given: asked.append(given))
    found = activation_profile.profile(five_runs, five)
    assert list(found.curves) == five.levels
    assert found.start == {"Swish-β": 1.0}
    ends = [np.median(values[:, -1]) for values in five.betas["Swish-β"].values()]
    for drawn, beta in zip(found.learned["Swish-β"], (min(ends), max(ends)), strict=True):
        settings = {**LAYERS["swish_beta"], "beta": str(beta)}
        assert np.array_equal(drawn.value, activation_profile.curve(settings, drawn.x).value)
    [(layers, dtype)] = asked
    assert (list(layers), dtype) == (five.levels, "float32")


@pytest.mark.parametrize("dtype", ["float32", "mixed_bfloat16"])
def test_each_layer_costs_time_forward_and_more_back(dtype, monkeypatch):
    # The processor's time: a busy machine would make the clock's too uneven for three rounds.
    monkeypatch.setattr(activation_profile.time, "perf_counter_ns", time.process_time_ns)
    layers = {name: LAYERS[name] for name in ("relu", "swish_beta")}
    found = activation_profile.costs(layers, dtype, rounds=3)
    assert list(found) == ["relu", "swish_beta"]
    for cost in found.values():
        assert cost.forward.shape == cost.backward.shape == (3,)
        assert (cost.forward > 0).all()
        assert np.median(cost.backward) > 0


def test_the_measurements_are_interleaved_after_a_first_time_that_does_not_count(monkeypatch):
    measured = []

    def nanoseconds(step):
        measured.append(step)
        return 100 if len(measured) <= 4 else len(measured) ** 2

    monkeypatch.setattr(activation_profile, "_nanoseconds", nanoseconds)
    layers = {name: LAYERS[name] for name in ("relu", "gelu")}
    found = activation_profile.costs(layers, "float32", rounds=2)
    assert len(set(measured)) == 4
    assert measured == measured[:4] * 3
    for name, first, second in (("relu", 5, 9), ("gelu", 7, 11)):
        assert found[name].forward.tolist() == [first**2, second**2]
        assert found[name].backward.tolist() == [2 * first + 1, 2 * second + 1]


def test_a_cost_is_of_one_call_per_element(monkeypatch):
    calls = []
    monkeypatch.setattr(activation_profile.time, "perf_counter_ns", lambda: 2**20 * len(calls))
    assert activation_profile._nanoseconds(lambda: calls.append(1)) == pytest.approx(1)
    assert len(calls) == activation_profile.CALLS


def test_the_gradient_that_is_timed_is_also_that_of_what_the_layer_learns():
    x = tf.constant([[-1.0, 2.0]])
    layer = activation_profile.layer(LAYERS["swish_beta"])
    forward, both = activation_profile._steps(layer, x)
    y, (dx, dbeta) = both()
    value, slope, by_beta = swish(x.numpy(), scale=2)
    np.testing.assert_allclose(forward(), value, rtol=1e-5)
    np.testing.assert_allclose(y, forward(), rtol=1e-6)
    np.testing.assert_allclose(dx, x * slope, rtol=1e-5)
    np.testing.assert_allclose(dbeta, np.sum(x * by_beta), rtol=1e-5)

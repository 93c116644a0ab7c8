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


def slopes(x):
    return expit(x), expit(x) * (1 - expit(x))


def swish_beta(beta):
    sigmoid, steep = slopes(beta * X)
    return 2 * X * sigmoid, 2 * sigmoid + 2 * beta * X * steep


SIGMOID, STEEP = slopes(X)


@pytest.mark.parametrize(
    ("settings", "value", "slope"),
    [
        (LAYERS["relu"], np.maximum(X, 0), X > 0),
        (LAYERS["swish"], X * SIGMOID, SIGMOID + X * STEEP),
        (LAYERS["gelu"], X * ndtr(X), ndtr(X) + X * norm.pdf(X)),
        (
            LAYERS["hard_swish"],
            X * np.clip(X + 3, 0, 6) / 6,
            np.select([X < -3, X > 3], [0, 1], (2 * X + 3) / 6),
        ),
        *(
            ({**LAYERS["swish_beta"], "beta": beta}, *swish_beta(float(beta)))
            for beta in ("1.0", "1.7", "-0.4", "5e-05")
        ),
    ],
)
def test_a_curve_is_the_function_and_its_derivative(settings, value, slope):
    found = activation_profile.curve(settings, X)
    assert np.array_equal(found.x, X)
    np.testing.assert_allclose(found.value, value, atol=3e-6)
    np.testing.assert_allclose(found.slope, slope, atol=3e-6)


def test_a_layer_is_built_from_the_params_in_mlflow():
    text = {key: str(value) for key, value in {"beta": 1e-05, "trainable": False}.items()}
    layer = activation_profile.layer({**LAYERS["swish_beta"], **text}, "mixed_bfloat16")
    assert isinstance(layer, activations.SwishBeta)
    assert (layer.initial_beta, layer.trainable) == (1e-05, False)
    assert layer.compute_dtype == "bfloat16"
    leaky = {"_target_": "keras.layers.LeakyReLU", "negative_slope": "0.3", "name": "a name"}
    layer = activation_profile.layer(leaky)
    assert (layer.negative_slope, layer.name, layer.compute_dtype) == (0.3, "a name", "float32")


@pytest.mark.parametrize("word", ["swish", "swish_beta"])
def test_the_layers_of_a_run_of_version_1_0_are_found(word):
    now = LAYERS[word]
    before = {**now, "_target_": now["_target_"].replace("src.training.", "src.")}
    assert before["_target_"].startswith("src.activations.")
    assert type(activation_profile.layer(before)) is type(activation_profile.layer(now))


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


# What they cost


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
    assert found["relu"].forward.tolist() == [5**2, 9**2]
    assert found["relu"].backward.tolist() == [6**2 - 5**2, 10**2 - 9**2]
    assert found["gelu"].forward.tolist() == [7**2, 11**2]
    assert found["gelu"].backward.tolist() == [8**2 - 7**2, 12**2 - 11**2]


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
    sigmoid, steep = slopes(x.numpy())
    np.testing.assert_allclose(forward(), 2 * x * sigmoid, rtol=1e-5)
    np.testing.assert_allclose(y, forward(), rtol=1e-6)
    np.testing.assert_allclose(dx, x * (2 * sigmoid + 2 * x * steep), rtol=1e-5)
    np.testing.assert_allclose(dbeta, np.sum(x * 2 * x * x * steep), rtol=1e-5)

"""The function, derivative and cost of each activation, with the layers and kernels of the runs."""

import ast
import time
from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from hydra.utils import instantiate

from src.analysis.findings import Findings
from src.analysis.run_set import RunSet
from src.reporting.activation_exhibits import Cost, Curve, Profile, final_betas

X = np.linspace(-5, 5, 201)  # where the functions are evaluated
SHAPE = (128, 16, 16, 32)  # 2**20 elements: more than a core's cache holds, as in training
CALLS = 8  # in each measurement
MOVED = ("src.activations.", "src.training.activations.")  # the module in version 1.0, and today


def profile(runs: RunSet, found: Findings) -> Profile:
    """Return the curves and the costs of the activations of a set of runs."""
    settings = {name: runs.settings(name) for name in found.levels}
    learned = {}
    for name, layers in found.betas.items():
        ends = final_betas(layers)
        both = ({**settings[name], "beta": str(beta)} for beta in (min(ends), max(ends)))
        learned[name] = [curve(one, X) for one in both]
    return Profile(
        curves={name: curve(one, X) for name, one in settings.items()},
        learned=learned,
        start={name: float(settings[name]["beta"]) for name in found.betas},
        costs=costs(settings, runs.recipe["precision"]),
    )


def layer(settings: Mapping[str, str], dtype: str = "float32") -> keras.layers.Layer:
    """Return a layer by a run's params under `activation.`, as text, and a Keras dtype policy."""
    values = {key: _value(text) for key, text in settings.items()}
    return instantiate({**values, "_target_": values["_target_"].replace(*MOVED)}, dtype=dtype)


def _value(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):  # a word
        return text


def curve(settings: Mapping[str, str], x: np.ndarray) -> Curve:
    """Return the values of a layer (see `layer`) at `x`, float (points,), and its exact slopes."""
    function = layer(settings)
    points = tf.constant(x, tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(points)
        value = function(points, training=True)
    return Curve(x, value.numpy(), tape.gradient(value, points).numpy())


def costs(layers: Mapping[str, Mapping[str, str]], dtype: str, rounds: int = 15) -> dict[str, Cost]:
    """Return the cost on this machine of each layer, given its settings (see `layer`), from
    interleaved rounds (A B A B ...) after one that compiles, with the dtype policy of the runs.
    """
    compute_dtype = keras.DTypePolicy(dtype).compute_dtype
    x = tf.cast(tf.random.stateless_normal(SHAPE, seed=(1, 2)), compute_dtype)
    steps = {name: _steps(layer(settings, dtype), x) for name, settings in layers.items()}
    pairs = list(steps.values())
    taken = [[list(map(_nanoseconds, pair)) for pair in pairs] for _ in range(rounds + 1)]
    forward, both = np.array(taken[1:]).T  # each (layers, rounds); the first round compiles
    found = zip(steps, forward, both - forward, strict=True)
    return {name: Cost(ahead, back) for name, ahead, back in found}


def _steps(function: keras.layers.Layer, x: tf.Tensor) -> tuple[Callable, Callable]:
    """Return the forward pass, and forward plus backward, each compiled into a graph."""
    function(x[:1])  # builds its weights
    learned = function.trainable_variables

    @tf.function
    def forward() -> tf.Tensor:
        return function(x, training=True)

    @tf.function
    def both() -> Any:
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = function(x, training=True)
        return y, tape.gradient(y, [x, *learned], output_gradients=x)

    return forward, both


def _nanoseconds(step: Callable) -> float:
    """Return the time of a call per element."""
    began = time.perf_counter_ns()
    for _ in range(CALLS):
        step()
    tf.test.experimental.sync_devices()  # a GPU may still be computing
    return (time.perf_counter_ns() - began) / CALLS / np.prod(SHAPE)

"""Measures each activation by itself: its function, its derivative, and its cost.

The measurements are of the layers that the runs used, with the same kernels.
"""

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

X = np.linspace(-5, 5, 1001)  # where the functions are evaluated
SHAPE = (128, 16, 16, 32)  # 2**20 elements: more than a core's cache holds, as in training
CALLS = 8  # in each measurement
# The module of the layers in runs of version 1.0, and today.
MOVED = ("src.activations.", "src.training.activations.")


def profile(runs: RunSet, found: Findings) -> Profile:
    """Return the curves and the costs of the activations of a set of runs."""
    settings = {name: runs.settings(name) for name in found.levels}
    learned = {}
    for name, layers in found.betas.items():
        ends = final_betas(layers)
        learned[name] = [
            curve({**settings[name], "beta": str(beta)}, X) for beta in (min(ends), max(ends))
        ]
    return Profile(
        curves={name: curve(one, X) for name, one in settings.items()},
        learned=learned,
        start={name: float(settings[name]["beta"]) for name in found.betas},
        costs=costs(settings, runs.recipe["precision"]),
    )


def layer(settings: Mapping[str, str], dtype: str = "float32") -> keras.layers.Layer:
    """Return the layer of a run.

    Args:
        settings: a run's params under `activation.`, as text.
        dtype: Keras's dtype policy.
    """
    values = {key: _value(text) for key, text in settings.items()}
    values["_target_"] = values["_target_"].replace(*MOVED)
    return instantiate(values, dtype=dtype)


def _value(text: str) -> Any:
    """Return the value of a param, which MLflow keeps as text."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):  # a word
        return text


def curve(settings: Mapping[str, str], x: np.ndarray) -> Curve:
    """Return the layer's values at `x`, and its slopes by automatic differentiation.

    Args:
        settings: as for `layer`.
        x: float (points,).
    """
    function = layer(settings)
    points = tf.constant(x, tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(points)
        value = function(points, training=True)
    return Curve(x, value.numpy(), tape.gradient(value, points).numpy())


def costs(layers: Mapping[str, Mapping[str, str]], dtype: str, rounds: int = 15) -> dict[str, Cost]:
    """Return the cost of each layer on this machine, from interleaved rounds (A B A B ...).

    Args:
        layers: the settings of each layer (see `layer`), by name.
        dtype: Keras's dtype policy of the runs.
        rounds: of measurements, after a first one that compiles.
    """
    compute_dtype = keras.DTypePolicy(dtype).compute_dtype
    x = tf.cast(tf.random.stateless_normal(SHAPE, seed=(1, 2)), compute_dtype)
    steps = {name: _steps(layer(settings, dtype), x) for name, settings in layers.items()}
    for forward, both in steps.values():
        _nanoseconds(forward), _nanoseconds(both)
    taken = [
        [(_nanoseconds(forward), _nanoseconds(both)) for forward, both in steps.values()]
        for _ in range(rounds)
    ]
    forward, both = np.moveaxis(np.array(taken), 2, 0)  # each (rounds, layers)
    return {
        name: Cost(forward[:, place], both[:, place] - forward[:, place])
        for place, name in enumerate(steps)
    }


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

"""What a training step consists of: each layer's passes and the update, as functions that do them
alone, and the floating-point operations that they take.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import keras
import tensorflow as tf

Part = Callable[[], Any]


def multiply_adds(layer: keras.Layer) -> int:
    """Return a built layer's multiply-adds for one image, forward; those with padding's zeros
    count, and a layer without a kernel has none.
    """
    if not hasattr(layer, "kernel"):
        return 0
    return math.prod(layer.kernel.shape) * math.prod(layer.output.shape[1:-1])


def operations(layers: Sequence[keras.Layer]) -> list[int]:
    """Return each layer's floating-point operations for one image in a training step.

    A multiply-add is two. A step does a layer's multiply-adds forward, again for the gradient of
    its weights, and again for that of its input; this last is not needed where no weights stand
    before.

    Args:
        layers: of a built network, in order.
    """
    counts = [multiply_adds(layer) for layer in layers]
    return [2 * count * (3 if any(counts[:place]) else 2) for place, count in enumerate(counts)]


def passes(layers: Sequence[keras.Layer], network: keras.Model, batch_size: int) -> Part:
    """Return a function that takes layers' forward passes and gradients, each layer's for itself.

    Args:
        layers: of the network; they get random input of the shapes and types that they have in it.
        network: where no weights stand before a layer, its input gets no gradient.
        batch_size: images.
    """
    counts = [multiply_adds(layer) for layer in network.layers]
    work = []
    for layer in layers:
        given, wanted = (
            tf.cast(tf.random.uniform((batch_size, *tensor.shape[1:])), tensor.dtype)
            for tensor in (layer.input, layer.output)
        )
        place = network.layers.index(layer)
        sources = [given] if any(counts[:place]) else []
        sources += [weight.value for weight in layer.trainable_weights]
        work.append((layer, given, sources, wanted))

    def function() -> list[Any]:
        results = []
        for layer, given, sources, wanted in work:
            with tf.GradientTape() as tape:
                tape.watch(sources)
                results.append(layer(given, training=True))
            if sources:
                gradients = tape.gradient(results[-1], sources, output_gradients=wanted)
                results.append(gradients)
        return results

    return tf.function(function)


def update(model: keras.Model) -> Part:
    """Return a function that makes the optimizer's update of all weights."""
    weights = model.trainable_variables
    model.optimizer.build(weights)
    gradients = [tf.random.normal(weight.shape, stddev=1e-3) for weight in weights]
    return tf.function(lambda: model.optimizer.apply(gradients))


def parts(model: keras.Model, batch_size: int) -> dict[str, Part]:
    """Return all of a step but its input and its loss: each layer with a kernel, the others by
    kind, and the update.

    Args:
        model: compiled.
        batch_size: images.
    """
    groups: dict[str, list[keras.Layer]] = {}
    for layer in model.layers[1:]:  # the first is the input
        groups.setdefault(name(layer), []).append(layer)
    found = {kind: passes(layers, model, batch_size) for kind, layers in groups.items()}
    return found | {type(model.optimizer).__name__: update(model)}


def name(layer: keras.Layer) -> str:
    """Return a layer's kind, with its kernel's shape where it has one."""
    kind = type(layer).__name__
    if not hasattr(layer, "kernel"):
        return kind
    *size, inputs, outputs = layer.kernel.shape
    return " ".join([kind, *(["×".join(map(str, size))] if size else []), f"{inputs}→{outputs}"])

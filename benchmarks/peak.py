"""The share of this machine's measured peak that the notebook CNN's training step attains, and
where the rest of the time goes.

python -m benchmarks.peak
python -m benchmarks.peak --precision mixed_bfloat16 --batch-size 256

The peak is TensorFlow's own matrix product of the same type at its best size, interleaved with the
step. Only the multiply-adds of convolutions and dense layers count as work: forward, and for both
gradients. Where the rest goes is shown by each layer measured alone: how far its own products stay
below the peak, and how long it takes if it has none.
"""

import math
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from statistics import median
from typing import TYPE_CHECKING, Any

from benchmarks import harness, probes, processes
from src.config import compose
from src.core import errors, heavy_imports, metric_names, paths
from src.data import dataset

if TYPE_CHECKING:  # TensorFlow is imported once the arguments are read
    import keras

PRODUCTS = {"float32": "float32", "mixed_bfloat16": "bfloat16"}  # their type, by precision
SIZES = (512, 1024, 2048, 4096)  # of the square matrices
BUDGET = 0.5  # seconds of repetitions for one measurement
GOAL = {"float32": harness.at_least(0.75)}

PEAK, STEP, BATCH = "matrix product", "training step", "next batch"


def milliseconds(function: Callable[[], Any], choose: Callable = median) -> float:
    """Return the time of one call, from as many as fit into the budget, and three at least."""
    times: list[float] = []
    while len(times) < 3 or sum(times) < 1000 * BUDGET:
        began = time.perf_counter()
        function()
        times.append(1000 * (time.perf_counter() - began))
    return choose(times)


def peak(dtype: str) -> Callable[[], float]:
    """Return a measurement of the best GFLOP/s among products of square matrices."""
    import tensorflow as tf

    product = tf.function(tf.matmul)
    pairs = {n: [tf.cast(tf.random.normal((n, n)), dtype) for _ in range(2)] for n in SIZES}
    for pair in pairs.values():
        product(*pair)  # traces
    return lambda: max(
        2 * n**3 / 1e6 / milliseconds(partial(product, *pair), choose=min)
        for n, pair in pairs.items()
    )


def multiply_adds(layer: "keras.Layer") -> int:
    """Return a built layer's multiply-adds for one image, forward: those with the zeros of a
    padding count, and a layer without a kernel has none.
    """
    if not hasattr(layer, "kernel"):
        return 0
    return math.prod(layer.kernel.shape) * math.prod(layer.output.shape[1:-1])


def operations(layers: Sequence["keras.Layer"]) -> list[int]:
    """Return each layer's floating-point operations for one image in a training step.

    A multiply-add is two. A step takes a layer's multiply-adds forward, again for the gradient of
    its weights, and again for that of its input, which is not needed where no layer before it has
    weights.

    Args:
        layers: of a built network, in order.
    """
    counts = [multiply_adds(layer) for layer in layers]
    return [2 * count * (3 if any(counts[:place]) else 2) for place, count in enumerate(counts)]


def rates(
    layers: Sequence["keras.Layer"], batch_size: int, results: Mapping[str, Sequence[float]]
) -> dict[str, list[float]]:
    """Return the GFLOP/s of the step, and of each layer that multiplies, for each round.

    Args:
        layers: of the network, in order.
        batch_size: images per step.
        results: the milliseconds of the step, and of the layers by `layer_name`.
    """
    totals = Counter({STEP: 0})
    for layer, count in zip(layers, operations(layers), strict=True):
        if count:
            totals.update({STEP: count, layer_name(layer): count})
    return {
        name: [count * batch_size / 1e6 / taken for taken in results[name]]
        for name, count in totals.items()
    }


def layer_name(layer: "keras.Layer") -> str:
    """Return a layer's kind, with its kernel's shape where it has one."""
    kind = type(layer).__name__
    if not hasattr(layer, "kernel"):
        return kind
    *size, inputs, outputs = layer.kernel.shape
    return " ".join([kind, *(["×".join(map(str, size))] if size else []), f"{inputs}→{outputs}"])


def passes(
    layers: Sequence["keras.Layer"], network: "keras.Model", batch_size: int
) -> Callable[[], Any]:
    """Return a function that computes layers' outputs and gradients, each layer's by itself.

    Args:
        layers: of the network; they get random input of the shapes and types that they have in it.
        network: where no layer before one has weights, its input gets no gradient.
        batch_size: images.
    """
    import tensorflow as tf

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


def update(model: "keras.Model") -> Callable[[], Any]:
    """Return a function that makes the optimizer's update of all weights."""
    import tensorflow as tf

    weights = model.trainable_variables
    model.optimizer.build(weights)
    gradients = [tf.random.normal(weight.shape, stddev=1e-3) for weight in weights]
    return tf.function(lambda: model.optimizer.apply(gradients))


def parts_of(model: "keras.Model", batch_size: int) -> dict[str, Callable[[], Any]]:
    """Return the parts of a step but its input and its loss, as functions that do them alone: each
    layer with a kernel, the other layers by kind, and the update.

    Args:
        model: compiled.
        batch_size: images.
    """
    groups: dict[str, list[keras.Layer]] = {}
    for layer in model.layers[1:]:  # the first is the input
        groups.setdefault(layer_name(layer), []).append(layer)
    found = {name: passes(layers, model, batch_size) for name, layers in groups.items()}
    return found | {type(model.optimizer).__name__: update(model)}


def shares(step: Sequence[float], parts: Mapping[str, Sequence[float]]) -> list[harness.Row]:
    """Return the rows that show where a step's time goes, and the rest of it.

    Args:
        step: milliseconds of the whole step, one value per round.
        parts: the same of each part, taken alone; those below a hundredth share a row.
    """
    rows = [harness.Row(STEP, step)]
    small = []
    for name, taken in parts.items():
        row = harness.Row(name, taken, step)
        if median(row.ratios) < 0.01:
            small.append(taken)
        else:
            rows.append(row)
    if small:
        sums = [sum(taken) for taken in zip(*small, strict=True)]
        rows.append(harness.Row(f"{len(small)} more", sums, step))
    rest = [whole - sum(taken) for whole, *taken in zip(step, *parts.values(), strict=True)]
    return [*rows, harness.Row("the rest", rest, step)]


def main() -> None:
    """Measure, and print the tables."""
    parser = harness.parser("peak", __doc__, rounds=5)
    parser.add_argument(
        "--precision", choices=PRODUCTS, default="float32", help="of the step and the product"
    )
    parser.add_argument(
        "--activation", choices=("relu", "swish"), default="relu", help="of the network"
    )
    parser.add_argument("--batch-size", type=int, default=86, help="images per step")
    parser.add_argument("--steps", type=int, default=100, help="timed in a row")
    given = parser.parse_args()
    overrides = (
        *probes.NOTEBOOK,
        f"precision={given.precision}",
        f"activation={given.activation}",
        f"batch_size={given.batch_size}",
    )

    conditions = harness.conditions("tensorflow", "keras")
    cfg = compose.compose(*overrides)
    images, labels = dataset.load(paths.TRAIN).values()
    heavy_imports.load(mlflow=False)
    from src.training import batches, fit

    fit.prepare(cfg)
    model, _ = fit.compile_model(cfg, total_steps=1)
    drawn = batches.training_batches(
        images, labels, batch_size=cfg.batch_size, epochs=1000, seed=1, augment=None
    )
    parts = parts_of(model, cfg.batch_size) | {BATCH: partial(next, iter(drawn.dataset))}
    for part in parts.values():
        part()  # traces

    def step() -> float:
        words = ("-m", "benchmarks.probes", "step", "--steps", str(given.steps), *overrides)
        return 1000 * cfg.batch_size / processes.answer(*words)[metric_names.IMAGES_PER_SECOND]

    measurements: dict[str, Callable[[], float]] = {
        PEAK: peak(PRODUCTS[given.precision]),
        STEP: step,
        **{name: partial(milliseconds, part) for name, part in parts.items()},
    }
    results = harness.interleave(measurements, given.rounds)

    whole, *layers = rates(model.layers, cfg.batch_size, results).items()
    harness.show(
        f"GFLOP/s in {given.precision} at batch {cfg.batch_size}, and the share of the peak",
        conditions,
        [
            harness.Row(f"{PEAK}, the best of {SIZES}", results[PEAK]),
            harness.Row(*whole, results[PEAK], GOAL.get(given.precision)),
            *(harness.Row(name, values, results[PEAK]) for name, values in layers),
        ],
    )
    harness.show(
        "Milliseconds, and the share of the training step",
        "",
        shares(results[STEP], {name: results[name] for name in parts}),
    )


if __name__ == "__main__":
    errors.run(main)

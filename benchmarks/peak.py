"""What share of the machine's measured peak the notebook CNN's training step attains, and what
eats the rest.

python -m benchmarks.peak
python -m benchmarks.peak --precision mixed_bfloat16 --batch-size 256

The peak is TensorFlow's own matrix product of the same type at its best size, taken in turn with
the step. Of the step only the multiply-adds of convolutions and dense layers count as work, forward
and for both gradients. Where the rest goes is told by each layer alone (`benchmarks.step_parts`):
how far its own products stay below the peak, and how long it takes if it has none.
"""

import argparse
import logging
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from statistics import median
from typing import Any

from benchmarks import turns
from benchmarks.training_step import NOTEBOOK
from src.config import compose
from src.data import dataset
from src.runtime import errors, metric_names, paths, quiet

PRODUCTS = {"float32": "float32", "mixed_bfloat16": "bfloat16"}  # their type, by precision
SIZES = (512, 1024, 2048, 4096)  # of the square matrices
BUDGET = 0.5  # seconds of repetitions for one measurement
GOAL = {"float32": turns.at_least(0.75)}

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


def shares(step: Sequence[float], parts: Mapping[str, Sequence[float]]) -> list[turns.Row]:
    """Return the rows that tell where a step's time goes, and what no part accounts for.

    Args:
        step: milliseconds of the whole, a value for each round.
        parts: the same of each part, taken alone; those below a hundredth share a row.
    """
    rows = [turns.Row(STEP, step)]
    small = []
    for name, taken in parts.items():
        row = turns.Row(name, taken, step)
        if median(row.ratios) < 0.01:
            small.append(taken)
        else:
            rows.append(row)
    if small:
        rows.append(
            turns.Row(
                f"{len(small)} more", [sum(taken) for taken in zip(*small, strict=True)], step
            )
        )
    rest = [whole - sum(taken) for whole, *taken in zip(step, *parts.values(), strict=True)]
    return [*rows, turns.Row("the rest", rest, step)]


def rates(
    layers: Sequence[Any], batch_size: int, results: Mapping[str, Sequence[float]]
) -> dict[str, list[float]]:
    """Return the GFLOP/s of the step, and of each layer that multiplies, for each round.

    Args:
        layers: of the network, in order.
        batch_size: images per step.
        results: the milliseconds of the step and of the layers, by `step_parts.name`.
    """
    from benchmarks import step_parts

    operations = Counter({STEP: 0})
    for layer, count in zip(layers, step_parts.operations(layers), strict=True):
        if count:
            operations.update({STEP: count, step_parts.name(layer): count})
    return {
        name: [count * batch_size / 1e6 / taken for taken in results[name]]
        for name, count in operations.items()
    }


def main() -> None:
    """Measure, and print the tables."""
    parser = argparse.ArgumentParser(description="Share of the measured peak, and the rest.")
    parser.add_argument("--precision", choices=PRODUCTS, default="float32")
    parser.add_argument("--activation", choices=("relu", "swish"), default="relu")
    parser.add_argument("--batch-size", type=int, default=86)
    parser.add_argument("--steps", type=int, default=100, help="of training, timed in a row")
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    chosen = (f"precision={given.precision}", f"activation={given.activation}")
    overrides = (*NOTEBOOK, *chosen, f"batch_size={given.batch_size}")

    conditions = turns.conditions("tensorflow", "keras")
    cfg = compose.compose(*overrides)
    with quiet.stderr():
        from benchmarks import step_parts
        from src.training import batches, fit
    logging.getLogger("tensorflow").setLevel(logging.ERROR)  # it counts the parts' tracings
    fit.prepare(cfg)
    model, _ = fit.compile_model(cfg, total_steps=1)
    drawn = batches.training_batches(
        **dataset.load(paths.TRAIN), batch_size=cfg.batch_size, epochs=1000, seed=1, augment=None
    )
    parts = step_parts.parts(model, cfg.batch_size) | {BATCH: partial(next, iter(drawn.dataset))}
    for part in parts.values():
        part()  # traces

    def step() -> float:
        words = ("-m", "benchmarks.training_step", "--steps", str(given.steps), *overrides)
        return 1000 * cfg.batch_size / turns.answer(*words)[metric_names.IMAGES_PER_SECOND]

    results = turns.take(
        {
            PEAK: peak(PRODUCTS[given.precision]),
            STEP: step,
            **{name: partial(milliseconds, part) for name, part in parts.items()},
        },
        given.rounds,
    )

    whole, *layers = rates(model.layers, cfg.batch_size, results).items()
    turns.show(
        f"GFLOP/s in {given.precision} at batch {cfg.batch_size}, and the share of the peak",
        conditions,
        [
            turns.Row(f"{PEAK}, the best of {SIZES}", results[PEAK]),
            turns.Row(*whole, results[PEAK], GOAL.get(given.precision)),
            *(turns.Row(name, values, results[PEAK]) for name, values in layers),
        ],
    )
    turns.show(
        "Milliseconds, and the share of the training step",
        "",
        shares(results[STEP], {name: results[name] for name in parts}),
    )


if __name__ == "__main__":
    errors.run(main)

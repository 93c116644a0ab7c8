"""What an activation adds to an epoch: training steps of one network with each, as ratios to ReLU.

python -m benchmarks.activation_cost
python -m benchmarks.activation_cost --model notebook --precision float32

The networks live in one process and take their batches from one pipeline, some steps at a time in
turn; each round begins with another one. All epochs of a recipe have the same steps, so the ratio
of the steps is that of the epochs.
"""

import argparse
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from hydra.utils import instantiate

from benchmarks import turns
from src.config import compose, schema
from src.data import dataset
from src.runtime import errors, heavy_imports, paths

REFERENCE = "relu"
GOALS = {"swish": turns.at_most(1.03), "swish_beta": turns.at_most(1.06)}
RECIPES = {"compact": "default", "notebook": "notebook"}  # by model; files of conf/experiment
PRECISIONS = ("float32", "mixed_bfloat16")


def batches_of(cfg: schema.Config) -> Iterator[Any]:
    """Return the batches of a training that never ends."""
    from src.training import batches

    drawn = batches.training_batches(
        **dataset.load(paths.TRAIN),
        batch_size=cfg.batch_size,
        epochs=10**6,
        seed=cfg.seed,
        augment=instantiate(cfg.augmentation),
    )
    return iter(drawn.dataset)


def training_steps(cfg: schema.Config, drawn: Iterator[Any], count: int) -> Callable[[], float]:
    """Return a measurement: the milliseconds of a training step, the mean of the next `count`.

    Args:
        cfg: what is trained, after `training.prepare`.
        drawn: its batches.
        count: of steps.
    """
    from src.training import fit

    model, _ = fit.compile_model(cfg, total_steps=10**6)
    model.make_train_function()
    model.train_function(drawn)  # compiles

    def milliseconds() -> float:
        began = time.perf_counter()
        for _ in range(count):
            model.train_function(drawn)
        return 1000 * (time.perf_counter() - began) / count

    return milliseconds


def compare(
    overrides: Sequence[str], activations: Sequence[str], steps: int, rounds: int
) -> Mapping[str, list[float]]:
    """Return the milliseconds of a training step, a value per round, by activation.

    Args:
        overrides: of the configuration.
        activations: files of conf/activation.
        steps: that each takes in a row.
        rounds: how many times each has its turn.
    """
    configurations = [compose.compose(*overrides, f"activation={name}") for name in activations]
    heavy_imports.load()
    from src.training import fit

    fit.prepare(configurations[0])
    drawn = batches_of(configurations[0])
    measurements = {
        name: training_steps(cfg, drawn, steps)
        for name, cfg in zip(activations, configurations, strict=True)
    }
    for measure in measurements.values():
        measure()  # the first steps still allocate
    return turns.take(measurements, rounds, rotate=True)


def main() -> None:
    """Measure, and print a table for each model and precision."""
    parser = argparse.ArgumentParser(description="The price of an activation, against ReLU.")
    parser.add_argument("--models", nargs="+", choices=RECIPES, default=list(RECIPES))
    parser.add_argument("--precisions", nargs="+", choices=PRECISIONS, default=PRECISIONS)
    parser.add_argument("--activations", nargs="+", default=list(GOALS), help="besides relu")
    parser.add_argument("--overrides", nargs="+", default=[], help="such as batch_size=256")
    parser.add_argument("--steps", type=int, default=20, help="in a row")
    parser.add_argument("--rounds", type=int, default=30)
    given = parser.parse_args()

    conditions = turns.conditions("tensorflow", "keras")
    for model in given.models:
        for precision in given.precisions:
            recipe = (f"experiment={RECIPES[model]}", f"precision={precision}", *given.overrides)
            times = compare(recipe, [REFERENCE, *given.activations], given.steps, given.rounds)
            turns.show(
                f"Milliseconds of a training step: {model}, {precision}",
                conditions,
                [
                    turns.Row(REFERENCE, times[REFERENCE]),
                    *(
                        turns.Row(name, times[name], times[REFERENCE], GOALS.get(name))
                        for name in given.activations
                    ),
                ],
            )
            conditions = ""  # once


if __name__ == "__main__":
    errors.run(main)

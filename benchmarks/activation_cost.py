"""The cost of an activation per epoch: training steps of one network with each, against ReLU.

python -m benchmarks.activation_cost
python -m benchmarks.activation_cost --models notebook --precisions float32

The networks live in one process and take their batches from one pipeline, a few steps at a time,
interleaved; each round begins with another one. All epochs of a recipe have the same steps, so the
ratio of the steps is that of the epochs.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from hydra.utils import instantiate

from benchmarks import harness
from src.config import compose, schema
from src.core import errors, heavy_imports, paths
from src.data import dataset

REFERENCE = "relu"
GOALS = {"swish": harness.at_most(1.03)} | dict.fromkeys(
    ("swish_beta", "gelu", "hard_swish"), harness.at_most(1.06)
)
RECIPES = {"compact": "default", "notebook": "notebook"}  # by model; files of conf/experiment
PRECISIONS = ("float32", "mixed_bfloat16")


def batches_of(cfg: schema.Config) -> Iterator[Any]:
    """Return the batches of a training that never ends."""
    from src.training import batches

    images, labels = dataset.load(paths.TRAIN).values()
    drawn = batches.training_batches(
        images,
        labels,
        batch_size=cfg.batch_size,
        epochs=10**6,
        seed=cfg.seed,
        augment=instantiate(cfg.augmentation),
    )
    return iter(drawn.dataset)


def training_steps(cfg: schema.Config, drawn: Iterator[Any], count: int) -> Callable[[], float]:
    """Return a measurement: the milliseconds of a training step, the mean of the next `count`.

    Args:
        cfg: of the training, after `fit.prepare`.
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
    """Return the milliseconds of a training step, one value per round, by activation.

    Args:
        overrides: of the configuration.
        activations: files of conf/activation.
        steps: that each takes in a row.
        rounds: how often each is measured.

    Raises:
        InputError: an override or an activation is wrong.
    """
    configurations = [compose.compose(*overrides, f"activation={name}") for name in activations]
    heavy_imports.load(mlflow=False)
    from src.training import fit

    fit.prepare(configurations[0])
    drawn = batches_of(configurations[0])
    measurements = {
        name: training_steps(cfg, drawn, steps)
        for name, cfg in zip(activations, configurations, strict=True)
    }
    for measure in measurements.values():
        measure()  # the first steps still allocate
    return harness.interleave(measurements, rounds, rotate=True)


def main() -> None:
    """Measure, and print a table for each model and precision."""
    parser = harness.parser("activation_cost", __doc__, rounds=30)
    models, precisions = list(RECIPES), list(PRECISIONS)
    parser.add_argument("--models", nargs="+", choices=models, default=models, help="networks")
    parser.add_argument(
        "--precisions", nargs="+", choices=precisions, default=precisions, help="of each network"
    )
    parser.add_argument(
        "--activations", nargs="+", default=list(GOALS), help=f"compared with {REFERENCE}"
    )
    parser.add_argument("--overrides", nargs="+", default=[], help="such as batch_size=256")
    parser.add_argument("--steps", type=int, default=20, help="timed in a row")
    given = parser.parse_args()

    conditions = harness.conditions("tensorflow", "keras")
    for model in given.models:
        for precision in given.precisions:
            recipe = (f"experiment={RECIPES[model]}", f"precision={precision}", *given.overrides)
            times = compare(recipe, [REFERENCE, *given.activations], given.steps, given.rounds)
            harness.show(
                f"Milliseconds of a training step: {model}, {precision}",
                conditions,
                [
                    harness.Row(REFERENCE, times[REFERENCE]),
                    *(
                        harness.Row(name, times[name], times[REFERENCE], GOALS.get(name))
                        for name in given.activations
                    ),
                ],
            )
            conditions = ""  # once


if __name__ == "__main__":
    errors.run(main)

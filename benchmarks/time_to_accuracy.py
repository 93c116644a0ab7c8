"""Seconds of training until the notebook's score, ours against a public recipe's.

python -m benchmarks.time_to_accuracy
python -m benchmarks.time_to_accuracy --reference fifteen_cnns --reference-epochs 30

Ours trains as `python -m src.train` does, once per seed; the reference in turn with it. Evaluation
counts on neither side. One epoch of the reference lasts as long as any other, so by default it
trains two, and the second one's time stands for all of its thirty; `--reference-epochs 30` trains
them all, and then its accuracy is known too.
"""

import argparse
from collections.abc import Mapping
from functools import partial
from statistics import mean, median
from typing import Any

from benchmarks import projects, turns
from src import errors, metrics
from src.errors import InputError
from src.sweep import spread

EPOCHS = 30  # of either reference

# Ratio of the seconds that is the goal, and the least mean accuracy (None: the reference's own).
GOALS = {"notebook_2017": (1 / 20, 0.99671), "fifteen_cnns": (1 / 4, None)}


def seconds(epochs: list[float]) -> float:
    """Return the reference's time for all epochs from those it trained.

    Args:
        epochs: the seconds of each; the first one compiles, so it does not stand for others.
    """
    return sum(epochs) if len(epochs) >= EPOCHS else EPOCHS * median(epochs[1:])


def reference(name: str, epochs: int, seed: int) -> Mapping[str, Any]:
    """Train a reference in a process of its own; return what it printed (`references.kaggle`)."""
    module = f"benchmarks.references.{name}"
    return turns.answer("-m", module, "--seed", str(seed), "--epochs", str(epochs))


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description="Time to accuracy, against a public recipe.")
    parser.add_argument("--reference", choices=GOALS, default="notebook_2017")
    parser.add_argument("--reference-epochs", type=int, default=2, help="all: 30")
    parser.add_argument("--experiment", default="default", help="ours: a file of conf/experiment")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--overrides", nargs="+", default=[], help="of ours, such as epochs=1")
    given = parser.parse_args()
    if given.reference_epochs < 2:
        raise InputError("--reference-epochs must be 2 or more: the first epoch compiles.")

    conditions = turns.conditions("tensorflow", "keras")
    recipe = f"experiment={given.experiment}"
    with projects.with_our_data() as folder:
        ours = (
            projects.train(folder, recipe, f"seed={seed}", *given.overrides) for seed in given.seeds
        )
        theirs = (reference(given.reference, given.reference_epochs, seed) for seed in given.seeds)
        results = turns.take(
            {recipe: partial(next, ours), given.reference: partial(next, theirs)},
            len(given.seeds),
            say=_say,
        )
    ours, theirs = results[recipe], results[given.reference]

    ratio, accuracy = GOALS[given.reference]
    their_seconds = [seconds(result[metrics.EPOCH_SECONDS]) for result in theirs]
    our_seconds = [training.seconds for training in ours]
    turns.show(
        "Seconds of training, evaluation excluded",
        conditions,
        [
            turns.Row(f"{given.reference}, {EPOCHS} epochs", their_seconds),
            turns.Row(
                " ".join([recipe, *given.overrides]),
                our_seconds,
                their_seconds,
                turns.at_most(ratio),
            ),
        ],
    )
    print(f"Test accuracy, mean ± standard deviation over seeds {', '.join(map(str, given.seeds))}")
    if given.reference_epochs >= EPOCHS:
        reached = [result[metrics.TEST_ACCURACY] for result in theirs]
        print(f"  {given.reference}: {spread(reached, '.5f')}")
        accuracy = accuracy or mean(reached)
    attained = [training.accuracy for training in ours]
    verdict = f", goal {turns.at_least(accuracy).verdict(mean(attained))}" if accuracy else ""
    print(f"  {recipe}: {spread(attained, '.5f')}{verdict}")


def _say(result: projects.Training | Mapping[str, Any]) -> str:
    if isinstance(result, projects.Training):
        return f"{result.seconds:.1f} s, accuracy {result.accuracy:.4f}"
    return f"{seconds(result[metrics.EPOCH_SECONDS]):.0f} s for {EPOCHS} epochs"


if __name__ == "__main__":
    errors.run(main)

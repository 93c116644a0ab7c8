"""Seconds of training to the notebook's score, ours against a public recipe's.

python -m benchmarks.time_to_accuracy
python -m benchmarks.time_to_accuracy --reference fifteen_cnns --reference-epochs 30

Ours trains as `python -m src.train` does, and the reference as its kernel does, interleaved, once
per seed. Evaluation counts on neither side. All epochs of the reference take equally long, so by
default it trains two of its thirty, and the second one's time stands for each; with
`--reference-epochs 30` it trains them all, and then its accuracy is known, too.
"""

import argparse
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import mean, median

from benchmarks import harness, processes
from benchmarks.processes import Training
from src.config import compose
from src.core import errors, metric_names
from src.core.errors import InputError
from src.experiments.table import spread

EPOCHS = 30  # of either kernel


@dataclass(frozen=True)
class Reference:
    """The other side of a comparison.

    Args:
        name: in the table.
        train: trains it on the data of a project folder, with a seed.
        packages: whose versions matter, besides TensorFlow and Keras.
        ratio: the goal for our seconds divided by its own.
        accuracy: the goal for our mean accuracy; None for its own, where that is known.
    """

    name: str
    train: Callable[[Path, int], Training]
    packages: tuple[str, ...]
    ratio: float
    accuracy: float | None


# The goals: our part of the seconds, and the mean accuracy (None: the reference's own). The
# notebook's score by its own recipe is in docs/speed.md; on the leaderboard it was 0.99671.
GOALS = {"notebook_2017": (1 / 40, 0.99579), "fifteen_cnns": (1 / 4, None)}


def seconds(epochs: Sequence[float]) -> float:
    """Return a kernel's seconds for all its epochs.

    Args:
        epochs: seconds of those that it trained; the first one compiles, so where they are not all,
            it does not stand for the others.
    """
    return sum(epochs) if len(epochs) >= EPOCHS else EPOCHS * median(epochs[1:])


def train_kernel(name: str, epochs: int, folder: Path, seed: int) -> Training:
    """Train a kernel in its own process; its accuracy counts only after all its epochs.

    Args:
        name: a key of `GOALS`.
        epochs: how many of its `EPOCHS`.
        folder: the project whose data it trains on.
        seed: of its weights and its batches.
    """
    words = ("benchmarks.references.kaggle_kernels", name, "--epochs", str(epochs))
    result = processes.answer("-m", *words, "--seed", str(seed), folder=folder)
    accuracy = result[metric_names.TEST_ACCURACY] if epochs >= EPOCHS else None
    return Training(seconds(result[metric_names.EPOCH_SECONDS]), accuracy)


def add_arguments(parser: argparse.ArgumentParser, *, experiment: str, seeds: list[int]) -> None:
    """Add the options of `compare`, with these defaults."""
    parser.add_argument("--seeds", type=int, nargs="+", default=seeds, help="of both sides")
    parser.add_argument("--experiment", default=experiment, help="ours: a file of conf/experiment")
    parser.add_argument("--overrides", nargs="+", default=[], help="of ours, such as epochs=1")


def compare(
    title: str,
    given: argparse.Namespace,
    reference: Reference,
    project: AbstractContextManager[Path],
) -> None:
    """Train both sides with every seed, and print the table.

    Args:
        title: of the table.
        given: the options of `add_arguments`.
        reference: the other side.
        project: creates the folder that both train in.

    Raises:
        InputError: an override is wrong, or a package is missing.
    """
    words = (f"experiment={given.experiment}", *given.overrides)
    recipe = " ".join(words)
    compose.compose(*words)  # mistakes, before anything is trained
    conditions = harness.conditions("tensorflow", "keras", *reference.packages)
    with project as folder:
        theirs = (reference.train(folder, seed) for seed in given.seeds)
        ours = (processes.train(folder, *words, f"seed={seed}") for seed in given.seeds)
        results = harness.interleave(
            {reference.name: partial(next, theirs), recipe: partial(next, ours)},
            len(given.seeds),
            describe=str,
        )
    taken = {side: [training.seconds for training in done] for side, done in results.items()}
    harness.show(
        title,
        conditions,
        [
            harness.Row(reference.name, taken[reference.name]),
            harness.Row(
                recipe, taken[recipe], taken[reference.name], harness.at_most(reference.ratio)
            ),
        ],
    )
    seeds = ", ".join(map(str, given.seeds))
    print(f"Test accuracy, mean ± standard deviation over the seeds {seeds}")
    attained = {
        side: [training.accuracy for training in done if training.accuracy is not None]
        for side, done in results.items()
    }
    goal = reference.accuracy
    if attained[reference.name]:
        print(f"  {reference.name}: {spread(attained[reference.name], '.5f')}")
        goal = goal or mean(attained[reference.name])
    verdict = "not known"
    if goal and attained[recipe]:
        verdict = harness.at_least(goal).verdict(mean(attained[recipe]))
    print(f"  {recipe}: {spread(attained[recipe], '.5f')}, goal {verdict}")


def main() -> None:
    """Measure, and print the table."""
    parser = harness.parser("time_to_accuracy", __doc__)
    add_arguments(parser, experiment="default", seeds=[1, 2, 3])
    parser.add_argument(
        "--reference", choices=GOALS, default="notebook_2017", help="a public Kaggle kernel"
    )
    parser.add_argument(
        "--reference-epochs", type=int, default=2, help=f"of its {EPOCHS}, at least 2"
    )
    given = parser.parse_args()
    if given.reference_epochs < 2:
        raise InputError("--reference-epochs must be 2 or more: the first epoch compiles.")
    ratio, accuracy = GOALS[given.reference]
    train = partial(train_kernel, given.reference, given.reference_epochs)
    compare(
        "Seconds of training, evaluation excluded",
        given,
        Reference(f"{given.reference}, {EPOCHS} epochs", train, (), ratio, accuracy),
        processes.project_with_our_data(),
    )


if __name__ == "__main__":
    errors.run(main)

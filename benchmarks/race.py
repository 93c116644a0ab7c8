"""A training of ours and a reference's, in turn, once per seed: their seconds and accuracies."""

import argparse
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from statistics import mean

from benchmarks import projects, turns
from benchmarks.projects import Training
from src.config import compose
from src.studies.sweep_table import spread


def arguments(
    description: str, *, experiment: str, seeds: Sequence[int]
) -> argparse.ArgumentParser:
    """Return the parser of what every race takes, with these defaults."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--seeds", type=int, nargs="+", default=seeds)
    parser.add_argument("--experiment", default=experiment, help="ours: a file of conf/experiment")
    parser.add_argument("--overrides", nargs="+", default=[], help="of ours, such as epochs=1")
    return parser


def run(
    title: str,
    conditions: str,
    given: argparse.Namespace,
    folder: Path,
    name: str,
    reference: Callable[[int], Training],
    *,
    ratio: float,
    accuracy: float | None,
) -> None:
    """Train both with every seed, and print the table.

    Args:
        title: what the table shows.
        conditions: what `turns.conditions` returned.
        given: what the parser of `arguments` returned.
        folder: the project that ours trains in.
        name: of the reference.
        reference: trains it with a seed.
        ratio: the goal for our seconds divided by the reference's.
        accuracy: the goal for our mean accuracy; None for the reference's own, where it is known.
    """
    words = (f"experiment={given.experiment}", *given.overrides)
    recipe = " ".join(words)
    compose.compose(*words)  # mistakes, before anything is trained
    ours = (projects.train(folder, *words, f"seed={seed}") for seed in given.seeds)
    theirs = (reference(seed) for seed in given.seeds)
    results = turns.take(
        {name: partial(next, theirs), recipe: partial(next, ours)}, len(given.seeds), say=str
    )
    seconds = {who: [training.seconds for training in done] for who, done in results.items()}
    turns.show(
        title,
        conditions,
        [
            turns.Row(name, seconds[name]),
            turns.Row(recipe, seconds[recipe], seconds[name], turns.at_most(ratio)),
        ],
    )
    seeds = ", ".join(map(str, given.seeds))
    print(f"Test accuracy, mean ± standard deviation over the seeds {seeds}")
    attained = {
        who: [training.accuracy for training in done if training.accuracy is not None]
        for who, done in results.items()
    }
    if attained[name]:
        print(f"  {name}: {spread(attained[name], '.5f')}")
        accuracy = accuracy or mean(attained[name])
    verdict = turns.at_least(accuracy).verdict(mean(attained[recipe])) if accuracy else "not known"
    print(f"  {recipe}: {spread(attained[recipe], '.5f')}, goal {verdict}")

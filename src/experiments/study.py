"""The contents of a study."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from src.experiments.factor import Factor

SEED, SPLIT = "seed", "split"  # what may differ between the runs of a level


@dataclass(frozen=True)
class Study:
    """A study: every level of its factor with every seed, all else alike.

    Attributes:
        question: what it answers, a sentence.
        factor: what it compares.
        levels: the overrides of each level, by its label.
        reference: the label of the level that the others are compared with.
        seeds: of the runs of each level; with `looks`, at most these.
        experiment: the recipe; None where the factor is the recipe.
        dataset: the source and the layout of its data, as in mnist-kaggle.
        smallest_effect: of accuracy, a fraction: what is less does not matter.
        compare: "reference", each level with that one, or "all", every pair.
        looks: after how many seeds it is looked at, ascending; empty without planned looks.
        vary: what differs between the runs of a level: the seed, and maybe the split.
        overrides: that all runs share.
        workers: runs at a time on this machine.
        tune: the search that tunes each level first; None without.
        tuned: what that found, by the levels' labels, in plain JSON values; None without.
        executor: what makes its runs; None leaves it to the environment.
        cpus: of each run on Ray.
        gpus: of each run on Ray.
    """

    question: str
    factor: Factor
    levels: Mapping[str, tuple[str, ...]]
    reference: str
    seeds: tuple[int, ...]
    experiment: str | None
    dataset: str
    smallest_effect: float
    compare: str = "reference"
    looks: tuple[int, ...] = ()
    vary: tuple[str, ...] = (SEED,)
    overrides: tuple[str, ...] = ()
    workers: int = 1
    tune: str | None = None
    tuned: Mapping[str, Any] | None = None
    executor: str | None = None
    cpus: int = 1
    gpus: float = 0.0

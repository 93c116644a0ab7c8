"""The seeds of a level as an ensemble: the accuracy of their averaged probabilities."""

from dataclasses import dataclass
from itertools import combinations
from math import comb

import numpy as np

MOST_SUBSETS = 200  # of one size; of more, so many are drawn


@dataclass(frozen=True)
class EnsembleCurve:
    """Held-out accuracy against the number of members that an ensemble has.

    The spread is that over subsets of these seeds, which share members, so it narrows by itself: it
    says how much the choice of members matters, and is not a confidence interval.
    """

    members: np.ndarray  # 1 to the number of seeds, integers (sizes,)
    mean: np.ndarray  # accuracy over the subsets of each size, a fraction, float (sizes,)
    low: np.ndarray  # of the worst subset, float (sizes,)
    high: np.ndarray  # of the best subset, float (sizes,)
    subsets: np.ndarray  # how many were scored, integers (sizes,)


def curve(probabilities: np.ndarray, labels: np.ndarray, seed: int = 0) -> EnsembleCurve:
    """Return the accuracy of ensembles of every size: all subsets, or `MOST_SUBSETS` drawn ones.

    Members vote with their probabilities, which are averaged: float (seeds, images, classes), rows
    sum to 1. Labels are integers (images,). The same seed draws the same subsets.
    """
    seeds = len(probabilities)
    random = np.random.default_rng(seed)
    # On most images every run puts the same class first, and so does every average of them: these
    # images need not be averaged.
    single = probabilities.argmax(axis=-1)
    contested = (single != single[0]).any(axis=0)
    settled = int((single[0] == labels)[~contested].sum())
    rows, truth = probabilities[:, contested].astype(np.float64), labels[contested]

    def accuracy(subset: tuple[int, ...]) -> float:
        votes = rows[list(subset)].sum(axis=0).argmax(axis=-1)
        return (settled + int((votes == truth).sum())) / len(labels)

    sizes = range(1, seeds + 1)
    scores = [list(map(accuracy, _subsets(seeds, size, random))) for size in sizes]
    measures = (np.mean, min, max, len)
    return EnsembleCurve(np.array(sizes), *(np.array(list(map(of, scores))) for of in measures))


def _subsets(seeds: int, size: int, random: np.random.Generator) -> list[tuple[int, ...]]:
    """Return all subsets of a size, or `MOST_SUBSETS` different ones."""
    if comb(seeds, size) <= MOST_SUBSETS:
        return list(combinations(range(seeds), size))
    drawn: dict[tuple[int, ...], None] = {}
    while len(drawn) < MOST_SUBSETS:
        drawn[tuple(sorted(random.choice(seeds, size, replace=False).tolist()))] = None
    return list(drawn)

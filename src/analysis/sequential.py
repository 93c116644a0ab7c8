"""A look at a growing study: which pairs are decided by now, so that it may stop.

A look at seeds 1 to n uses the level that alpha_spending.py allows it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from src.analysis import statistics
from src.analysis.statistics import ALPHA, EFFECT_OF_INTEREST


@dataclass(frozen=True)
class Look:
    """The pairs that a study judges, as names of levels, and those of them that are undecided."""

    pairs: tuple[tuple[str, str], ...]
    undecided: tuple[tuple[str, str], ...]

    @property
    def decided(self) -> bool:
        """Whether every pair is."""
        return not self.undecided


def look(
    correct: Mapping[str, np.ndarray],
    *,
    reference: str | None = None,
    compare: str = "all",
    smallest_effect: float = EFFECT_OF_INTEREST,
    looks: Sequence[int] = (),
) -> Look:
    """Return which pairs are decided by now: those whose verdict is not "undecided".

    With `compare="reference"`, the pairs are those with the reference; all else is as for
    `statistics.compare`.
    """
    pairs = tuple(
        pair for pair in combinations(correct, 2) if compare == "all" or reference in pair
    )
    smaller = []
    for first, second in pairs:
        difference = correct[first].astype(np.int8) - correct[second].astype(np.int8)
        tested, p = statistics.crossed_tests(difference, smallest_effect, looks, len(pairs))
        smaller.append(min(tested.p_value, p))
    p_values = statistics.adjusted(smaller, len(pairs))
    return Look(pairs, tuple(pair for pair, p in zip(pairs, p_values, strict=True) if p >= ALPHA))

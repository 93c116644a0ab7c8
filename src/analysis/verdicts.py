"""The verdict on a comparison: better, worse, equivalent or undecided.

All verdicts rest on the difference by crossed random effects (for new seeds and new images), and on
its simultaneous 95% confidence interval, the one that is printed and drawn:

- better or worse: the interval excludes 0;
- equivalent: it lies within ± the smallest effect that matters to the study. It may exclude 0 all
  the same: the difference is then real but does not matter;
- undecided: neither.

The intervals of all pairs that a study judges hold at once with a probability of at least 95%
(Bonferroni's), with planned looks at all of these together. p values are corrected alike: p is
below 0.05 exactly when the interval excludes 0. A verdict is always that of all seeds at hand.

The words for a verdict are in src/reporting/verdict_words.py.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations

import numpy as np
from scipy import stats

from src.analysis import alpha_spending, statistics
from src.analysis.statistics import ALPHA, POWER, Comparison, variance_of_mean

MOST_SEEDS = 10_000  # in all; a study that would need more needs more images instead


class Verdict(StrEnum):
    """On the first of a pair, compared with the second."""

    BETTER = "better"
    WORSE = "worse"
    EQUIVALENT = "equivalent"
    UNDECIDED = "undecided"

    @property
    def different(self) -> bool:
        """Whether it is better or worse."""
        return self in (Verdict.BETTER, Verdict.WORSE)


def verdict(comparison: Comparison) -> Verdict:
    """Return the verdict on a pair."""
    if comparison.equivalent:
        return Verdict.EQUIVALENT
    if not comparison.significant:
        return Verdict.UNDECIDED
    return Verdict.BETTER if comparison.difference.value > 0 else Verdict.WORSE


@dataclass(frozen=True)
class Look:
    """The pairs that a growing study judges, and those undecided by now: with none, it may stop."""

    pairs: tuple[tuple[str, str], ...]  # names of levels
    undecided: tuple[tuple[str, str], ...]


def look(
    correct: Mapping[str, np.ndarray],
    *,
    reference: str | None,
    compare: str,
    smallest_effect: float,
    looks: Sequence[int],
) -> Look:
    """Return which pairs are undecided by now. With `compare="reference"`, the pairs are those with
    the reference; all else is as for `statistics.compare`, whose verdicts these are.
    """
    every = combinations(correct, 2)
    pairs = tuple(pair for pair in every if compare == "all" or reference in pair)
    smaller = []
    for first, second in pairs:
        difference = correct[first].astype(np.int8) - correct[second].astype(np.int8)
        tested, p = statistics.crossed_tests(difference, smallest_effect, looks, len(pairs))
        smaller.append(min(tested.p_value, p))
    p_values = statistics.adjusted(smaller, len(pairs))
    return Look(pairs, tuple(pair for pair, p in zip(pairs, p_values, strict=True) if p >= ALPHA))


def more_seeds(comparison: Comparison) -> int | None:
    """Return how many more seeds would probably decide an undecided pair.

    It is the smallest number with which the interval excludes 0 or lies within ± the smallest
    effect with a probability of 80%, given what the seeds at hand show: the difference over the new
    seeds is predicted from theirs (predictive power with a flat prior), on the same images. The
    interval is the simultaneous one. None if the pair is decided, or if no number up to
    `MOST_SEEDS` in all is enough because the images are too few.

    Reference:
        Spiegelhalter, Freedman and Blackburn, "Monitoring clinical trials: conditional or
        predictive power?", Controlled Clinical Trials 7 (1986), 8–17.
    """
    if verdict(comparison) is not Verdict.UNDECIDED:
        return None
    more = np.arange(1, max(MOST_SEEDS - comparison.seeds, 1) + 1)
    enough = chance_to_decide(comparison, more) >= POWER
    return int(more[enough.argmax()]) if enough.any() else None


def chance_to_decide(comparison: Comparison, more: np.ndarray) -> np.ndarray:
    """Return the probability, float (n,), that so many more seeds, integers (n,), decide a pair."""
    difference, seeds = comparison.difference, comparison.seeds
    total = seeds + more
    variance, freedom = variance_of_mean(total, difference.seed_sd, difference.image_se)
    half = stats.t.ppf(1 - _level(comparison) / 2, freedom) * np.sqrt(variance)
    spread = np.sqrt(difference.seed_sd**2 * (1 / seeds - 1 / total)) + 1e-12

    def below(bound: np.ndarray) -> np.ndarray:
        return stats.t.cdf((bound - difference.value) / spread, seeds - 1)

    inside = comparison.smallest_effect - half
    outside = below(-half) + 1 - below(half)
    within = np.where(inside > 0, below(inside) - below(-inside), 0.0)
    both = np.where(inside > half, below(inside) - below(half) + below(-half) - below(-inside), 0.0)
    return outside + within - both


def images_needed(comparison: Comparison) -> float:
    """Return with how many times as many images seeds could decide whatever the difference is.

    The images' part of the interval may then be half of the smallest effect: an interval of that
    half-width either excludes 0 or lies within ± the smallest effect. Below 1, there are enough.
    """
    half = stats.norm.isf(_level(comparison) / 2) * comparison.difference.image_se
    return float((half / (comparison.smallest_effect / 2)) ** 2)


def _level(comparison: Comparison) -> float:
    """Return the level of the simultaneous interval at the last look."""
    level = ALPHA / comparison.pairs
    looks = comparison.looks
    return alpha_spending.level(level, looks[-1], looks) if looks else level

"""The verdict on a comparison: better, worse, equivalent or undecided.

All verdicts rest on the difference by crossed random effects (for new seeds and new images), and on
its simultaneous 95% confidence interval, the one that is printed and drawn:

- better or worse: the interval excludes 0;
- equivalent: it lies within ± the smallest effect that matters to the study. It may exclude 0 all
  the same: the difference is then real but does not matter;
- undecided: neither.

The intervals of all pairs that a study judges hold at once with a probability of at least 95%
(intervals.py), with planned looks at all of these together. p values are corrected alike: p is
below 0.05 exactly when the interval excludes 0. A verdict is always that of all seeds at hand.

The words for a verdict are in src/reporting/verdict_words.py.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from src.analysis import statistics
from src.analysis.statistics import ALPHA, Comparison


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
    guess: float,
    images_by_seed: bool = False,
) -> Look:
    """Return which pairs are undecided by now. With `compare="reference"`, the pairs are those with
    the reference; `guess` is the accuracy of the most frequent class, all else is as for
    `statistics.compare`, whose verdicts these are. Levels with failed runs are not judged. With
    `images_by_seed` each seed has its own images.
    """
    accuracy = {name: rows.mean(axis=1) for name, rows in correct.items()}
    values = accuracy if images_by_seed else correct
    learned = {name: values[name] for name in values if not failed(accuracy[name], guess).any()}
    only = None if compare == "all" else reference
    if len(learned) < 2 or (only is not None and only not in learned):
        return Look((), ())
    judged = statistics.judge(learned, reference=only, looks=looks)
    distance = np.abs(judged.family.mean)
    least = np.minimum(judged.p_values(distance), judged.p_values(smallest_effect - distance))
    undecided = [pair for pair, p in zip(judged.pairs, least, strict=True) if p >= ALPHA]
    return Look(judged.pairs, tuple(undecided))


def failed(accuracies: np.ndarray, guess: float) -> np.ndarray:
    """Return which runs of a level failed to learn, bool (runs,), by their accuracies, float
    (runs,): those not better than predicting the most frequent class every time, a `guess`, and
    those less than half as far above it as the best run.

    A mean over runs of two kinds describes neither, and with few seeds its interval does not hold.
    """
    accuracies = np.asarray(accuracies, np.float64)
    above = accuracies - guess
    return (above <= 0) | (above < above.max() / 2)

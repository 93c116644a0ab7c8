"""Tuning curves: the best validation accuracy of a search against its number of trials.

A search of n trials also shows the results of searches of fewer trials if its trials are
independent draws from one distribution: with random search alone. Samplers that learn and grids
choose each trial by the others, so only their best so far is reported.

The band is around the median: half of all searches of k trials find more than the median curve at
k. It is simultaneous and assumes no distribution: the whole true curve lies within it in at least
95% of searches. With few trials it ends early: n trials cannot exclude that much better settings
exist, and then the upper bound is 1.

Reference:
    Dodge and others, "Show your work: improved reporting of experimental results", EMNLP 2019.
    Lourie, Cho and He, "Show your work with confidence: confidence bands for tuning curves", NAACL
    2024.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy import optimize, special, stats

from src.analysis.statistics import ALPHA
from src.core.errors import InputError

INDEPENDENT = ("random",)  # samplers whose trials are independent draws


@dataclass(frozen=True)
class TuningCurve:
    """The best validation accuracy against the budget, float (trials,) each; of a sampler that
    learns, only the best so far.
    """

    budget: np.ndarray  # 1 to the number of trials, integers
    best_so_far: np.ndarray  # in the order of the trials
    median: np.ndarray | None  # the median best of so many trials
    low: np.ndarray | None  # lower bound of the median curve; 0 where the trials give none
    high: np.ndarray | None  # upper bound; 1 where the trials give none


def curve(scores: np.ndarray, sampler: str) -> TuningCurve:
    """Return the tuning curve of a search by a sampler of conf/search. `scores` are the validation
    accuracies of the trials in their order, float (trials,); NaN for a trial that failed, which
    counts as 0: its share of the budget is spent. Raise InputError if there is no trial.
    """
    scores = np.nan_to_num(np.asarray(scores, np.float64), nan=0.0)
    if scores.size == 0:
        raise InputError(
            "A tuning curve needs at least one trial that ended, found none: run the search first."
        )
    budget = np.arange(1, scores.size + 1)
    best = np.maximum.accumulate(scores)
    if sampler not in INDEPENDENT:
        return TuningCurve(budget, best, None, None, None)
    ranked = np.sort(scores)
    shares = budget / scores.size
    floors, ceilings = band(scores.size)
    quantiles = 0.5 ** (1 / budget)  # the median best of k trials is this quantile of one
    return TuningCurve(
        budget=budget,
        best_so_far=best,
        median=_quantiles(np.append(ranked, 1.0), np.append(shares, 1.0), quantiles),
        # Where the distribution may lie highest, its quantiles lie lowest, and vice versa.
        low=_quantiles(np.append(0.0, ranked), np.append(ceilings, 1.0), quantiles),
        high=_quantiles(np.append(ranked, 1.0), np.append(floors, 1.0), quantiles),
    )


@lru_cache(maxsize=64)
def band(trials: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the bounds of the cumulative distribution at each of the ranked trials.

    The i-th of n is at a quantile that follows the beta distribution (i, n + 1 − i). Equal-tailed
    intervals of all of them are widened until they hold at once with the probability 95%.
    The distribution is at least the i-th lower bound from the i-th trial on, and at most the i-th
    upper bound before it. Both are float (trials,).
    """

    def excess(logit: float) -> float:
        return coverage(*_intervals(trials, special.expit(logit))) - (1 - ALPHA)

    return _intervals(trials, special.expit(optimize.brentq(excess, -30, 5, xtol=1e-10)))


def coverage(low: np.ndarray, high: np.ndarray) -> float:
    """Return the probability that all ranked uniform numbers lie between their bounds, both
    ascending, float (n,).

    It goes through the bounds in ascending order, and keeps how probable each count of numbers
    below is, among those counts that violate no bound so far (as Noé and Steck do).
    """
    trials = len(low)
    chance, first, before = np.ones(1), 0, 0.0  # chance[i] is that of a count of first + i
    for place in np.unique(np.concatenate([low, high])):
        # All ranks bounded by `place` from above lie below it; none bounded from below does.
        least = int(np.searchsorted(high, place, "right"))
        most = int(np.searchsorted(low, place, "left"))
        was = first + np.arange(chance.size)[:, None]
        now = np.arange(least, most + 1)
        share = min((place - before) / (1 - before), 1.0)
        chance = chance @ stats.binom.pmf(now - was, trials - was, share)
        first, before = least, place
    return float(chance.sum())


def _intervals(trials: int, outside: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the equal-tailed intervals of the ranks, each of which misses with a probability."""
    rank = np.arange(1, trials + 1)
    ranks = stats.beta(rank, trials + 1 - rank)
    return ranks.ppf(outside / 2), ranks.isf(outside / 2)


def _quantiles(places: np.ndarray, shares: np.ndarray, quantiles: np.ndarray) -> np.ndarray:
    """Return the smallest place at which a step function reaches each quantile: `shares` of the
    distribution up to each of the `places`, both ascending.
    """
    return places[np.searchsorted(shares, quantiles - 1e-12)]

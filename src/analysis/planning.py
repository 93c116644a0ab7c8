"""Planning of a study: power, the effect it can detect, and how many more seeds a pair needs, all
for the study's own intervals, at their simultaneous level (intervals.py).

The variance over seeds is an estimate. Power takes it as given; the number of more seeds is a range
that follows from its uncertainty. `python -m benchmarks.planning` simulates how often these hold.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import optimize, stats

from src.analysis.intervals import Family, half

POWER = 0.8
MOST_SEEDS = 10_000  # in all; a study that would need more needs more images instead
SHARES = (np.arange(40) + 0.5) / 40  # quantiles that stand for the distribution of a variance
UNSURE = (0.2, 0.8)  # quantiles of the standard deviation over seeds, for the ends of a range
# Numbers of seeds at which functions of it are computed; a number in between is interpolated.
GRID = np.unique(np.rint(np.geomspace(2, MOST_SEEDS, 90)))


@dataclass(frozen=True)
class Spread:
    """The variability of one judged difference, for studies of any size."""

    family: Family
    level: float  # of all intervals together
    seed_variance: float
    image_variance: float
    freedom: float  # degrees of freedom of the variance over seeds

    def half_widths(self, seeds: np.ndarray, seed_variance: float | np.ndarray) -> np.ndarray:
        """Return half the width of the interval with so many seeds, float (n,), if the estimated
        variance over seeds is `seed_variance`, a number or float (n,) or (shares, n).
        """
        t, z, _ = self.family.planned(self.level, seeds)
        return half(t, z, seed_variance, self.image_variance, seeds)

    def power(self, seeds: np.ndarray, difference: float) -> np.ndarray:
        """Return the probability, float (n,), that the interval of a true difference excludes 0
        with so many seeds, float (n,).
        """
        t, z, freedom = self.family.planned(self.level, seeds)
        estimated = self.seed_variance * stats.chi2.ppf(SHARES[:, None], freedom) / freedom
        wide = half(t, z, estimated, self.image_variance, seeds)
        error = np.sqrt(self.seed_variance / seeds + self.image_variance) + 1e-15
        above = stats.norm.sf((wide - difference) / error)
        below = stats.norm.cdf((-wide - difference) / error)
        return (above + below).mean(axis=0)

    def detectable_effect(self, seeds: int) -> float:
        """Return the true difference, a fraction, that so many seeds detect with a power of 80%."""
        number = np.array([float(seeds)])
        top = 10 * float(self.half_widths(number, self.seed_variance)[0])
        if not top:
            return 0.0
        return float(
            optimize.brentq(lambda one: self.power(number, one)[0] - POWER, 0, top, rtol=1e-6)
        )

    def seeds_needed(self, difference: float) -> int | None:
        """Return how many seeds detect a true difference with a power of 80%; None if that takes
        more than `MOST_SEEDS`, as where the images are too few.
        """
        return _first(lambda seeds: self.power(seeds, difference), GRID)


def _first(chance: Callable[[np.ndarray], np.ndarray], grid: np.ndarray) -> int | None:
    """Return the smallest whole number from which on a rising function reaches `POWER`."""
    enough = np.flatnonzero(chance(grid) >= POWER)
    if not len(enough):
        return None
    high = int(grid[enough[0]])
    low = int(grid[enough[0] - 1]) + 1 if enough[0] else high
    between = np.arange(low, high + 1, dtype=float)
    if len(between) > 400:
        between = np.unique(np.rint(np.linspace(low, high, 400)))
    return int(between[np.argmax(chance(between) >= POWER)])


def more_seeds(spread: Spread, mean: float, seeds: int, effect: float) -> tuple[int, int] | None:
    """Return a range of how many more seeds show whether a difference reaches ± the `effect`: the
    interval then lies inside these bounds or beyond one of them, with a probability of 80%.

    The mean over the new seeds is predicted from those at hand (predictive power with a flat prior;
    the images stay the same). The ends are for a standard deviation over seeds at the `UNSURE`
    quantiles of its (fiducial) distribution. None if even `MOST_SEEDS` seeds are not enough: there
    are too few images, or the difference is too close to the effect.

    Reference:
        Spiegelhalter, Freedman and Blackburn, "Monitoring clinical trials: conditional or
        predictive power?", Controlled Clinical Trials 7 (1986), 8–17.
    """
    ends = []
    for share in UNSURE:
        variance = spread.seed_variance * spread.freedom / stats.chi2.isf(share, spread.freedom)

        def chance(more: np.ndarray, variance: float = variance) -> np.ndarray:
            total = seeds + more
            wide = spread.half_widths(total, variance)
            error = np.sqrt(variance * (1 / seeds - 1 / total)) + 1e-15

            def below(bound: np.ndarray) -> np.ndarray:
                return stats.norm.cdf((bound - mean) / error)

            inside = np.maximum(effect - wide, 0.0)
            return below(inside) - below(-inside) + below(-effect - wide) + 1 - below(effect + wide)

        ends.append(_first(chance, np.unique(np.concatenate([np.arange(1, 30), GRID]))))
    known = sorted(one for one in ends if one is not None)
    return (known[0], known[-1]) if len(known) == len(ends) else None


def images_needed(spread: Spread, images: int, effect: float) -> float:
    """Return how many images are enough for seeds to show whatever the difference is: the part of
    the interval that only images reduce is then half of the effect. At most `images` if these are
    enough.
    """
    _, z, _ = spread.family.planned(spread.level, np.array([float(MOST_SEEDS)]))
    return float(images * z[0] ** 2 * spread.image_variance / (effect / 2) ** 2)

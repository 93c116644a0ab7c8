"""Significance levels for a study that is looked at several times while it grows.

A test at 5% that is repeated at every look raises a false alarm in far more than 5% of studies. So
the 5% are spent over the planned looks, little at the early ones and nearly all at the last, by the
spending function of Lan and DeMets of the O'Brien–Fleming type. Each look has its nominal level: a
p value below it is significant, and the interval of 1 − level is a repeated confidence interval,
which holds the truth at all looks together with a probability of 95%. So whatever is read off these
intervals, a difference or an equivalence, is wrong in at most 5% of studies, wherever they stop.

`python -m benchmarks.planned_looks` chose this rule, by 4,000 simulated studies of each of several
true differences (in units of the smallest effect that matters), with looks at 5, 10, 20 and 30
seeds. What costs most on MNIST are studies left undecided, where runs differ little.

    rule                    false alarms   mean seeds where the difference is   decided where
                            over all       0      1      2                      it is 0
    5% at every look        13.6%          22.8   16.8    8.1                   86%
    O'Brien–Fleming type     5.0%          28.9   25.2   18.8                   78%
    Pocock type              5.1%          27.4   21.5   11.3                   63%
    anytime-valid            0.9%          29.7   26.5   15.9                   11%
    one look, at 30 seeds    5.0%          30     30     30                     80%

The information of a look is taken as its share of the largest number of seeds; where images
contribute to the standard error, early looks have more, and the levels err on the safe side. The
levels are those of normal statistics, applied to the p values of t tests.

Reference:
    Lan and DeMets, "Discrete sequential boundaries for clinical trials", Biometrika 70 (1983),
    659–663. Jennison and Turnbull, "Group sequential methods with applications to clinical trials",
    2000, chapters 4, 7 and 9.
"""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from scipy import optimize, special, stats

NODES, WEIGHTS = special.roots_legendre(200)
ALPHA = 0.05  # the level of all tests


def spent(alpha: float, share: float) -> float:
    """Return how much of `alpha` may be used up when this share of the information is there, half
    of it by each side of the test (as in R's gsDesign). From a share of 1 on, all of it is spent.
    """
    one_side = stats.norm.isf(alpha / 4) / min(share, 1.0) ** 0.5
    return float(4 * stats.norm.sf(one_side))


@lru_cache(maxsize=4096)
def levels(alpha: float, looks: tuple[int, ...], largest: int | None = None) -> tuple[float, ...]:
    """Return the nominal two-sided level of each look, given as numbers of seeds, ascending; the
    study can have the `largest`, or else the last of them. `alpha` is the probability of a false
    alarm at any look.
    """
    times = [look / (largest or looks[-1]) for look in looks]
    return tuple(levels_of([spent(alpha, time) for time in times], times))


def level(alpha: float, seeds: int, looks: Sequence[int]) -> float:
    """Return the nominal two-sided level of a study that has this many seeds now: between two
    planned looks they make one more look; beyond the last look, the level is the last one's. A
    study without `looks` is looked at once, at the level `alpha`.
    """
    if not looks:
        return alpha
    until = tuple(look for look in looks if look < seeds)
    now = min(seeds, looks[-1])
    return levels(alpha, until if until[-1:] == (now,) else (*until, now), looks[-1])[-1]


def overall_p_value(p_value: float, seeds: int, looks: Sequence[int], pairs: int = 1) -> float:
    """Return the p value of a look that makes up for the others.

    It is the smallest `alpha` at which `p_value` would be significant at this look: below 0.05 (or
    0.05 / `pairs`, the number of tests to correct for) exactly when `p_value` is below the level
    that the look has at that `alpha`.
    """
    if not looks or p_value >= 1:
        return min(p_value, 1.0)
    alphas, there = _levels_by_alpha(seeds, tuple(looks), pairs)
    return float(np.exp(np.interp(np.log(max(p_value, 1e-300)), np.log(there), np.log(alphas))))


@lru_cache(maxsize=64)
def _levels_by_alpha(
    seeds: int, looks: tuple[int, ...], pairs: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return values of `alpha` and the level that this look has by each, both ascending.

    Among the values are 5% and what the correction for so many pairs makes of it, so that a p value
    interpolated between them keeps its side of each.
    """
    alphas = np.union1d([ALPHA, ALPHA / pairs], special.expit(np.linspace(-27, 12, 120)))
    there = np.maximum.accumulate([level(alpha, seeds, looks) for alpha in alphas])
    return np.append(alphas, 1.0), np.append(np.maximum(there, 1e-300), 1.0)


def levels_of(spending: Sequence[float], times: Sequence[float]) -> list[float]:
    """Return the nominal two-sided level of each look, by any spending.

    The sum of the increments, a Brownian motion at the times of the looks, is followed by numerical
    integration over the studies that have not crossed a bound yet (Armitage, McPherson and Rowe,
    1969). `spending` is the probability of a false alarm at a look or an earlier one, `times` are
    the looks' shares of the information; both ascend.
    """
    found: list[float] = []
    already, before = 0.0, 0.0
    place, mass = np.zeros(1), np.ones(1)  # where studies still run, and how probable that is
    for total, time in zip(spending, times, strict=True):
        step = np.sqrt(time - before)
        bound = _bound(place, mass, step, time**0.5, total - already)
        found.append(float(2 * special.ndtr(-bound)))
        nodes = min(bound * time**0.5, 8.5) * NODES
        density = stats.norm.pdf(nodes[:, None], place, step)
        place, mass = nodes, nodes[-1] / NODES[-1] * WEIGHTS * (density @ mass)
        already, before = total, time
    return found


def _bound(place: np.ndarray, mass: np.ndarray, step: float, scale: float, allowed: float) -> float:
    """Return the bound that a normal statistic first exceeds with the probability `allowed`.

    At the look before, the sum of the running studies stood at each `place` with the probability
    `mass`; `step` is the standard deviation of the sum since then, `scale` that of the sum now.
    """

    def excess(bound: float) -> float:
        above = special.ndtr((place - bound * scale) / step)
        below = special.ndtr((-bound * scale - place) / step)
        return float(mass @ (above + below)) - allowed

    if excess(38.0) >= 0:  # where double precision ends: nothing is spent
        return 38.0
    return optimize.brentq(excess, 0.0, 38.0, xtol=1e-12) if excess(0.0) > 0 else 0.0

"""The statistics that compare levels of a factor over several seeds: intervals, tests.

An accuracy has two sources of variance: the seed of the run, and the images it is scored on. Each
function says over which of the two it generalizes. Most take `correct`, bool (seeds, images):
whether the run of a seed classifies an image correctly. Every level is scored on the same
images, and the rows of two levels that are compared belong to the same seeds. Accuracies and
differences are fractions. Fewer than two seeds raise InputError.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np
from scipy import stats

from src.analysis import alpha_spending, intervals
from src.analysis.alpha_spending import ALPHA as ALPHA  # all intervals are those of 1 − ALPHA
from src.analysis.intervals import Family
from src.analysis.planning import Spread
from src.core.errors import InputError
from src.core.formatting import count
from src.evaluation import wilson

EFFECT_OF_INTEREST = 0.0002  # 0.02 percentage points: the smallest effect, unless a study says so
MEANINGFUL = 0.75  # the probability of superiority from which on a difference matters


@dataclass(frozen=True)
class Estimate:
    """A mean (or a ratio) and its 95% confidence interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class CrossedEstimate(Estimate):
    """A mean over seeds and images, its 95% confidence interval, and the variance components."""

    p_value: float  # two-sided, that the mean is 0; < 0.05 exactly if the interval excludes 0
    seed_sd: float  # standard deviation of the seeds' means; more seeds average it out
    image_se: float  # the part of the standard error that only more images reduce; 0 if unseen


def mean_over_seeds(values: np.ndarray) -> Estimate:
    """Return the mean of one number per seed, float (seeds,), with Student's t interval: for new
    seeds, on the same images.
    """
    values = np.asarray(values, np.float64)
    check_seeds(len(values))
    mean = values.mean()
    half = stats.t.ppf(1 - ALPHA / 2, len(values) - 1) * stats.sem(values)
    return Estimate(float(mean), float(mean - half), float(mean + half))


def mean(values: np.ndarray) -> Estimate:
    """Return the mean of `correct`, bool (seeds, images), for new seeds and new images; or of one
    number per seed, float (seeds,).
    """
    if values.ndim == 1:
        return mean_over_seeds(values)
    found = crossed_effects_mean(values)
    return Estimate(found.value, max(found.low, 0.0), found.high)


def crossed_effects_mean(values: np.ndarray) -> CrossedEstimate:
    """Return the mean with an interval and a test of its own: for new seeds and new images.

    Seeds and images are crossed random effects: value = mean + seed effect + image effect +
    residual. `values` are (seeds, images), between -1 and 1: `correct`, or the difference of two.
    The interval is that of intervals.py for a single pair.
    """
    values = np.asarray(values, np.float64)
    check_seeds(len(values))
    single = intervals.family(intervals.from_correct(np.stack([values, np.zeros_like(values)])))
    return _estimates(single, ALPHA, single.p_values(np.abs(single.mean)))[0]


def _estimates(family: Family, level: float, p_values: np.ndarray) -> list[CrossedEstimate]:
    """Return each judged difference with its interval, all of which hold at once at a level."""
    sds = np.sqrt(family.every.seed_variance[family.judged])
    errors = np.sqrt(family.every.image_variance[family.judged])
    wide = family.half_widths(level)
    low, high = np.maximum(family.mean - wide, -1), np.minimum(family.mean + wide, 1)
    numbers = np.stack([family.mean, low, high, p_values, sds, errors]).T
    return [CrossedEstimate(*one) for one in numbers.tolist()]


def superiority(first: np.ndarray, second: np.ndarray) -> Estimate:
    """Return the probability that a run of the first beats a run of the second, with its interval.

    It is the share of all seeds × seeds matches that the first wins, where a draw counts as half:
    Mann and Whitney's statistic. It generalizes to new seeds on the same images. Bouthillier and
    others call a difference meaningful from `MEANINGFUL` on.

    The interval is Wilson's for as many independent matches as there are seeds: the share cannot
    vary more than theirs, whatever the distributions. In 1,000 simulated studies of each of 12
    kinds (a true probability of 0.5, 0.75 or 0.92, equal and unequal spreads, with and without a
    correlation of runs with equal seeds), it covered the truth in 96–100% with three, five and ten
    seeds; Brunner and Munzel's (t or logit) in 30–96% with three or five seeds and a probability of
    0.75 or more, because one that wins every match leaves it no variance.

    Both have one number per seed, (seeds,), for example accuracies.

    Reference:
        Bouthillier and others, "Accounting for variance in machine learning benchmarks", MLSys
        2021. Birnbaum and Klose, "Bounds for the variance of the Mann–Whitney statistic", Annals of
        Mathematical Statistics 28 (1957), 933–945.
    """
    first, second = np.asarray(first), np.asarray(second)
    seeds = min(len(first), len(second))
    check_seeds(seeds)
    share = float((1 + np.sign(first[:, None] - second)).mean() / 2)
    return Estimate(share, *wilson.of_share(share, seeds))


def permutation_test(first: np.ndarray, second: np.ndarray, *, is_paired: bool = True) -> float:
    """Return the p value of the permutation test, which swaps the two within each seed, or deals
    all runs anew to both if they are not paired.

    Both have one whole number per run, (runs,), for example the count of correct images. The test
    generalizes to new runs on the same images, and assumes no distribution. It is exact up to
    2**15 permutations, and samples with a fixed seed beyond. In pairs, its p value cannot be less
    than 2 / 2**seeds: 0.25 with three seeds, 0.06 with five, 0.002 with ten.
    """
    check_seeds(len(first))
    test = stats.permutation_test(
        (first, second),
        lambda x, y, axis: np.mean(x, axis=axis) - np.mean(y, axis=axis),
        permutation_type="samples" if is_paired else "independent",
        vectorized=True,
        n_resamples=2**15,
        rng=0,
    )
    return float(test.pvalue)


def mcnemar_test(first: np.ndarray, second: np.ndarray) -> float:
    """Return the p value of McNemar's exact test on two classifiers of the same images, each given
    as whether it is correct, bool (images,).

    It generalizes to new images for these two classifiers or majority votes: a small p value says
    that the two differ, as two seeds of one level may, not that their levels are the cause.
    """
    only_first, only_second = int(np.sum(first & ~second)), int(np.sum(~first & second))
    if only_first + only_second == 0:
        return 1.0  # they agree on every image
    return float(stats.binomtest(only_first, only_first + only_second).pvalue)


def majority(correct: np.ndarray) -> np.ndarray:
    """Return the majority vote, bool (images,): correct where at least half of the seeds are."""
    return np.mean(correct, axis=0) >= 0.5


@dataclass(frozen=True)
class Comparison:
    """The accuracy of `first` minus that of `second`, with its interval and tests.

    The intervals are simultaneous: with a probability of 95%, those of all pairs hold at once,
    whichever planned look the study stops at. The p value of the difference, on which the verdict
    rests, is below 0.05 exactly when the interval excludes 0, and `p_equivalence` exactly when it
    lies within ± `smallest_effect`. The other tests each answer another question; p values after
    Bonferroni's correction are `adjusted`.
    """

    first: str
    second: str
    difference: CrossedEstimate
    p_equivalence: float
    p_permutation: float  # exact permutation test over runs (on these images)
    p_permutation_adjusted: float
    p_mcnemar: float | None  # McNemar's exact test between the majority votes (of these runs)
    p_mcnemar_adjusted: float | None
    pairs: int  # how many are judged
    seeds: int
    images: int | None  # None if unknown
    smallest_effect: float = EFFECT_OF_INTEREST  # the smallest that matters, a fraction
    looks: tuple[int, ...] = ()  # numbers of seeds at the planned looks; empty if only one
    spread: Spread | None = field(default=None, repr=False)  # for planning

    @property
    def significant(self) -> bool:
        """Whether the interval excludes 0."""
        return self.difference.p_value < ALPHA

    @property
    def equivalent(self) -> bool:
        """Whether the interval lies within ± the smallest effect."""
        return self.p_equivalence < ALPHA


@dataclass(frozen=True)
class Judged:
    """The pairs that a study judges, with the level of their intervals at this look."""

    family: Family
    pairs: tuple[tuple[str, str], ...]  # names of levels
    looks: tuple[int, ...]

    def level(self, seeds: int | None = None) -> float:
        """Return the level of all intervals together with so many seeds, by default those at hand.
        Each pair spends its share of 5% over the looks.
        """
        size, here = self.family.size, self.family.every.seeds
        return size * alpha_spending.level(ALPHA / size, seeds or here, self.looks)

    def spread(self, place: int) -> Spread:
        """Return the variability of the pair at a place, for planning until the last look."""
        family, last = self.family, self.looks[-1] if self.looks else None
        variance = float(family.seed_variance[place])
        image_variance = float(family.every.image_variance[family.judged[place]])
        freedom = float(family.freedom[place])
        return Spread(family, self.level(last), variance, image_variance, freedom)

    def p_values(self, distance: np.ndarray) -> np.ndarray:
        """Return adjusted p values, float (pairs,), which allow for the looks: below 0.05 exactly
        where the interval does not reach so far from its middle, a `distance`, float (pairs,).
        """
        size, seeds = self.family.size, self.family.every.seeds
        found = self.family.p_values(distance)
        if not self.looks:
            return found
        spent = [alpha_spending.overall_p_value(p / size, seeds, self.looks, size) for p in found]
        return np.minimum(size * np.array(spent), 1.0)


def judge(
    values: Mapping[str, np.ndarray],
    *,
    reference: str | None = None,
    looks: Sequence[int] = (),
    is_paired: bool = True,
) -> Judged:
    """Return the pairs of levels to judge, in the order of `values`.

    Args:
        reference: judge only the pairs with this level; None for all pairs.
        values: either `correct`, whose arrays have one shape and the same seeds in order, or one
            accuracy per run, float (runs,), for which the images are not known to vary.
        looks: the planned ones, as numbers of seeds, ascending, for which intervals and p values
            allow (see alpha_spending.py).
        is_paired: whether accuracies at one place belong together, as with the same seed.
    """
    names, rows = list(values), list(values.values())
    check_seeds(min(map(len, rows)))
    if rows[0].ndim > 1:
        every = intervals.from_correct(np.stack(rows))
    else:
        every = intervals.from_runs(np.stack(rows)) if is_paired else intervals.from_groups(rows)
    family = intervals.family(every, None if reference is None else names.index(reference))
    pairs = list(combinations(names, 2))
    return Judged(family, tuple(pairs[one] for one in family.judged), tuple(looks))


def compare(
    values: Mapping[str, np.ndarray],
    *,
    reference: str | None = None,
    smallest_effect: float = EFFECT_OF_INTEREST,
    looks: Sequence[int] = (),
    is_paired: bool = True,
    images: int | None = None,
) -> list[Comparison]:
    """Return the comparison of every pair of levels that is judged. See `judge`; `images` is their
    number if `values` do not show it.
    """
    judged = judge(values, reference=reference, looks=looks, is_paired=is_paired)
    family, size = judged.family, judged.family.size
    distance = np.abs(family.mean)
    found = _estimates(family, judged.level(), judged.p_values(distance))

    def tests(
        first: np.ndarray, second: np.ndarray
    ) -> tuple[float, float, float | None, float | None]:
        if first.ndim == 1:
            # Whole numbers, because rounding would keep equal differences from being tied.
            counts = (np.rint(one * (images or 10**9)) for one in (first, second))
            p = permutation_test(*counts, is_paired=is_paired)
            return p, min(size * p, 1.0), None, None
        p = permutation_test(first.sum(axis=1), second.sum(axis=1))
        p_images = mcnemar_test(majority(first), majority(second))
        return p, min(size * p, 1.0), p_images, min(size * p_images, 1.0)

    return [
        Comparison(
            first,
            second,
            difference,
            float(p_equivalence),
            *tests(values[first], values[second]),
            pairs=size,
            seeds=family.every.seeds,
            images=values[first].shape[1] if values[first].ndim > 1 else images,
            smallest_effect=smallest_effect,
            looks=tuple(looks),
            spread=judged.spread(place),
        )
        for place, ((first, second), difference, p_equivalence) in enumerate(
            zip(judged.pairs, found, judged.p_values(smallest_effect - distance), strict=True)
        )
    ]


def check_seeds(seeds: int) -> None:
    """Raise InputError if there are fewer than two seeds."""
    if seeds < 2:
        raise InputError(
            f"Found {count(seeds, 'seed')}, but the variance across seeds takes at least 2: train "
            "every level with more, ideally 10 (seed=1,2,3 -m)."
        )

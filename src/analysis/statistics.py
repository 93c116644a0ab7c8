"""The statistics that compare levels of a factor over several seeds: intervals, tests, power.

An accuracy has two sources of variance: the seed of the run, and the images it is scored on. Each
function says over which of the two it generalizes. Most take `correct`, bool (seeds, images):
whether the run of a seed classifies an image correctly. Every level is scored on the same
images, and the rows of two levels that are compared belong to the same seeds. Accuracies and
differences are fractions. Fewer than two seeds raise InputError.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import optimize, stats

from src.analysis import alpha_spending
from src.analysis.alpha_spending import ALPHA as ALPHA  # all intervals are those of 1 − ALPHA
from src.core.errors import InputError
from src.core.formatting import count
from src.evaluation import wilson

POWER = 0.8
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


def crossed_effects_mean(values: np.ndarray, level: float = ALPHA) -> CrossedEstimate:
    """Return the mean with an interval and a test: for new seeds and new images.

    Seeds and images are crossed random effects: value = mean + seed effect + image effect +
    residual. The variance of the mean and its degrees of freedom follow from the analysis of
    variance, as in radiology's multi-reader multi-case studies. With as many images as MNIST has,
    the values need not be normal; with few seeds, the seed effects should be roughly normal.

    In 3,000 simulated studies of each of four kinds (an effect of seeds, of images, of both, of
    neither; see tests/analysis/test_statistics.py), the 95% interval covered the truth in 94–96%
    with ten seeds, 94–95% with five, 92–95% with three, and 89–94% with two, which are too few.

    `values` are (seeds, images), between -1 and 1: `correct`, or the difference of two. The
    interval is that of 1 − `level`; the p value does not depend on it.

    Reference:
        Hillis, "A comparison of denominator degrees of freedom methods for multiple observer ROC
        analysis", Statistics in Medicine 26 (2007), 596–619. Taking the difference of two first
        turns its F test into the t test here.
    """
    parts = _components(values)
    if parts.nothing_varies:
        half = _rule_of_three(level, parts.images)
        p_value = float(parts.mean == 0)
    else:
        half = stats.t.ppf(1 - level / 2, parts.freedom) * parts.error
        p_value = 2 * stats.t.sf(abs(parts.mean) / parts.error, parts.freedom)
    low, high = max(parts.mean - half, -1), min(parts.mean + half, 1)
    numbers = (parts.mean, low, high, p_value, parts.seed_sd, parts.image_se)
    return CrossedEstimate(*map(float, numbers))


def equivalence_test(values: np.ndarray, smallest_effect: float) -> float:
    """Return the p value of the hypothesis that the mean is at least `smallest_effect` off 0.

    `values` are (seeds, images), between -1 and 1: the difference of two levels' `correct`. The p
    value is below 0.05 exactly when the 95% interval of `crossed_effects_mean` lies within ±
    `smallest_effect`: two one-sided tests, each at 2.5% rather than the customary 5% (whose
    interval is that of 90%), so that one interval shows whether there is a difference and whether
    it matters. The price is about a quarter more seeds, and a false equivalence in at most 2.5%.

    Reference:
        Schuirmann, "A comparison of the two one-sided tests procedure and the power approach for
        assessing the equivalence of average bioavailability", Journal of Pharmacokinetics and
        Biopharmaceutics 15 (1987), 657–680.
    """
    parts = _components(values)
    margin = smallest_effect - abs(parts.mean)
    if margin <= 0:
        return 1.0
    if parts.nothing_varies:
        return float(ALPHA ** (margin / _rule_of_three(ALPHA, parts.images)))
    return float(2 * stats.t.sf(margin / parts.error, parts.freedom))


class _Components(NamedTuple):
    """The mean of crossed random effects, its standard error, and where that comes from."""

    mean: float
    error: float
    freedom: float
    seed_sd: float
    image_se: float
    images: int
    nothing_varies: bool


def _components(values: np.ndarray) -> _Components:
    """Return the analysis of variance of (seeds, images)."""
    values = np.asarray(values, np.float64)
    seeds, images = values.shape
    check_seeds(seeds)
    mean = values.mean()
    of_seed = values.mean(axis=1) - mean
    of_image = values.mean(axis=0) - mean
    rest = values - mean - of_seed[:, None] - of_image
    square_seed = images * (of_seed**2).sum() / (seeds - 1)
    square_image = seeds * (of_image**2).sum() / (images - 1)
    square_rest = (rest**2).sum() / ((seeds - 1) * (images - 1))
    beyond_rest = max(square_image - square_rest, 0.0)
    if np.ptp(values.sum(axis=1)) == 0:
        # Two or three seeds may agree by chance. That does not prove that seeds have no effect:
        # the residual alone makes their means vary.
        square_seed = square_rest
    with np.errstate(divide="ignore", invalid="ignore"):  # the seeds agree on every image: infinite
        freedom = (seeds - 1) * ((square_seed + beyond_rest) / square_seed) ** 2
    error = np.sqrt((square_seed + beyond_rest) / values.size)
    seed_sd, image_se = np.sqrt(square_seed / images), np.sqrt(beyond_rest / values.size)
    return _Components(mean, error, freedom, seed_sd, image_se, images, np.ptp(values) == 0)


def _rule_of_three(level: float, images: int) -> float:
    """Return the bound on the share of images that may differ where none of them does.

    No variance can be estimated then. The rule of three: what never occurred in n images occurs in
    fewer than 3 / n of all images, with 95% confidence; 3 is about −log(0.05).
    """
    return float(3 / images * np.log(level) / np.log(ALPHA))


def crossed_bootstrap(
    values: np.ndarray, resamples: int = 5000, seed: int = 0, level: float = ALPHA
) -> Estimate:
    """Return the mean and a bootstrap interval that resamples seeds and images together.

    It assumes no distribution, but its width is biased, so no verdict rests on it: it counts the
    residual variance three times (Owen), and underestimates the variance across few seeds. In
    1,000 of each kind of studies described at `crossed_effects_mean`, it covered the truth in 93%
    (an effect of seeds) to 99.9% (of neither) with ten seeds, and in 79% to 99% with three.

    Reference:
        Owen, "The pigeonhole bootstrap", Annals of Applied Statistics 1 (2007), 386–411.
    """
    values = np.asarray(values, np.float64)
    seeds, images = values.shape
    check_seeds(seeds)
    # Most images have the same value in all seeds. Only how many of these are drawn matters, so
    # just their number is drawn, which is about a hundred times faster.
    usual = np.median(values)
    contested = values[:, (values != usual).any(axis=0)] - usual
    count = contested.shape[1]

    random = np.random.default_rng(seed)
    weights = random.multinomial(seeds, np.full(seeds, 1 / seeds), size=resamples) / seeds
    draws = random.binomial(images, count / images, size=resamples)
    sums = [
        (weight @ contested)[random.integers(count, size=drawn)].sum() if drawn else 0.0
        for weight, drawn in zip(weights, draws, strict=True)
    ]
    means = usual + np.array(sums) / images
    low, high = np.quantile(means, [level / 2, 1 - level / 2])
    return Estimate(float(values.mean()), float(low), float(high))


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


def permutation_test(first: np.ndarray, second: np.ndarray) -> float:
    """Return the p value of the paired permutation test, which swaps the two within each seed.

    Both have one number per seed, (seeds,), for example the count of correct images. The test
    generalizes to new seeds on the same images, and assumes no distribution. It is exact up to 15
    seeds, and samples permutations with a fixed seed beyond. Its p value cannot be less than
    2 / 2**seeds: 0.25 with three seeds, 0.06 with five, 0.002 with ten.
    """
    check_seeds(len(first))
    test = stats.permutation_test(
        (first, second),
        lambda x, y, axis: np.mean(x - y, axis=axis),
        permutation_type="samples",
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


def adjusted(p_values: ArrayLike, pairs: int) -> np.ndarray:
    """Return the p values after Bonferroni's correction over a family of pairs, float (tests,).

    If those below 0.05 are called significant, the probability of any false positive among them is
    at most 5%. Unlike Holm's, it has simultaneous intervals to match: p after the correction is
    below 0.05 exactly when that of `compare` excludes 0.

    Reference:
        Dunn, "Multiple comparisons among means", Journal of the American Statistical Association 56
        (1961), 52–64.
    """
    return np.minimum(np.asarray(p_values, np.float64) * pairs, 1.0)


def power(
    seeds: float | np.ndarray, difference: float, seed_sd: float, image_se: float = 0.0
) -> float | np.ndarray:
    """Return the probability that `crossed_effects_mean` finds p < 0.05, before the correction.

    `difference` is the true one; the others are those of a `CrossedEstimate`. With an `image_se` of
    0 it is for the same images: the power of Student's paired t test.
    """
    variance, freedom = variance_of_mean(np.asarray(seeds, np.float64), seed_sd, image_se)
    with np.errstate(divide="ignore"):
        shift = abs(difference) / np.sqrt(variance)
    return _power(np.minimum(shift, 40.0), freedom)  # beyond 40 it is 1, and SciPy loses precision


def seeds_needed(
    seed_sd: float, image_se: float = 0.0, difference: float = EFFECT_OF_INTEREST
) -> int | None:
    """Return how many seeds detect a difference at the 5% level with a power of 80%; None if over
    10,000. No number suffices if `image_se` is more than 0.36 of the difference: there are too few
    images. The arguments are those of `power`.
    """
    counts = np.arange(2, 10_001)
    enough = np.asarray(power(counts, difference, seed_sd, image_se)) >= POWER
    return int(counts[enough.argmax()]) if enough.any() else None


def minimum_detectable_effect(seeds: int, seed_sd: float, image_se: float = 0.0) -> float:
    """Return the difference, a fraction, that is detected at the 5% level with a power of 80%."""
    check_seeds(seeds)
    variance, freedom = variance_of_mean(np.asarray(seeds, np.float64), seed_sd, image_se)
    shift = optimize.brentq(lambda shift: _power(shift, freedom) - POWER, 0, 40)
    return float(np.sqrt(variance) * shift)


@dataclass(frozen=True)
class Comparison:
    """The accuracy of `first` minus that of `second`, with its intervals and tests.

    Each test answers another question and is corrected over the study's pairs (see `adjusted`). The
    intervals are simultaneous: with a probability of 95%, those of all pairs hold at once. So
    `p_adjusted`, on which the verdict rests, is below 0.05 exactly when the interval of
    `difference` excludes 0, and `p_equivalence_adjusted` exactly when it lies within ±
    `smallest_effect`.
    """

    first: str
    second: str
    difference: CrossedEstimate  # its p value allows for the planned looks alone
    bootstrap: Estimate  # the crossed bootstrap's simultaneous interval
    p_adjusted: float  # `difference.p_value` after the correction, as with the others
    p_permutation: float  # exact permutation test over seeds (on these images)
    p_permutation_adjusted: float
    p_mcnemar: float  # McNemar's exact test between the majority votes (of these runs)
    p_mcnemar_adjusted: float
    pairs: int  # the size of the family that the correction is over
    p_equivalence: float = 1.0  # see `equivalence_test`; allows for the planned looks
    p_equivalence_adjusted: float = 1.0
    seeds: int = 10
    images: int = 28_000
    smallest_effect: float = EFFECT_OF_INTEREST  # the smallest that matters, a fraction
    looks: tuple[int, ...] = ()  # numbers of seeds at the planned looks; empty if only one

    @property
    def significant(self) -> bool:
        """Whether the difference is significant at the 5% level after the correction."""
        return self.p_adjusted < ALPHA

    @property
    def equivalent(self) -> bool:
        """Whether the difference is less than matters, at the 5% level after the correction."""
        return self.p_equivalence_adjusted < ALPHA


def compare(
    correct: Mapping[str, np.ndarray],
    *,
    reference: str | None = None,
    smallest_effect: float = EFFECT_OF_INTEREST,
    looks: Sequence[int] = (),
) -> list[Comparison]:
    """Return the comparison of every pair of levels that is judged, in the order of `correct`,
    whose arrays have one shape, and the same seeds in order. The pairs, those with the `reference`
    if it is given, are the family of the correction. `looks` are the planned ones, as numbers of
    seeds, ascending, for which intervals and p values allow (see alpha_spending.py).
    """
    family = [pair for pair in combinations(correct, 2) if reference is None or reference in pair]
    pairs = len(family)

    def compared(first: str, second: str) -> Comparison:
        one, other = correct[first], correct[second]
        values = one.astype(np.int8) - other.astype(np.int8)
        difference, p_equivalence = crossed_tests(values, smallest_effect, looks, pairs)
        p_values = {
            "p_permutation": permutation_test(one.sum(axis=1), other.sum(axis=1)),
            "p_mcnemar": mcnemar_test(majority(one), majority(other)),
            "p_equivalence": p_equivalence,
        }
        corrected = adjusted([difference.p_value, *p_values.values()], pairs).tolist()
        names = ["p_adjusted", *(f"{name}_adjusted" for name in p_values)]
        return Comparison(
            first=first,
            second=second,
            difference=difference,
            bootstrap=crossed_bootstrap(values, level=ALPHA / pairs),
            **p_values,
            **dict(zip(names, corrected, strict=True)),
            pairs=pairs,
            seeds=len(one),
            images=one.shape[1],
            smallest_effect=smallest_effect,
            looks=tuple(looks),
        )

    return [compared(*pair) for pair in family]


def crossed_tests(
    difference: np.ndarray, smallest_effect: float, looks: Sequence[int] = (), pairs: int = 1
) -> tuple[CrossedEstimate, float]:
    """Return a difference with its simultaneous interval, which allows for a family of so many
    pairs and for the planned looks, and the p value of its equivalence; p values allow for the
    looks alone.

    `difference` is that of two levels' `correct`, (seeds, images); the rest is as for `compare`.
    """
    seeds = len(difference)
    check_seeds(seeds)
    estimate = crossed_effects_mean(difference, alpha_spending.level(ALPHA / pairs, seeds, looks))
    p_value, p_equivalence = (
        alpha_spending.overall_p_value(p, seeds, looks, pairs)
        for p in (estimate.p_value, equivalence_test(difference, smallest_effect))
    )
    return replace(estimate, p_value=p_value), p_equivalence


def check_seeds(seeds: int) -> None:
    """Raise InputError if there are fewer than two seeds."""
    if seeds < 2:
        raise InputError(
            f"Found {count(seeds, 'seed')}, but the variance across seeds takes at least 2: train "
            "every level with more, ideally 10 (seed=1,2,3 -m)."
        )


def variance_of_mean(
    seeds: np.ndarray, seed_sd: float, image_se: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return the variance of a mean over seeds and images, and its degrees of freedom (Hillis)."""
    of_seeds = seed_sd**2 / seeds
    variance = of_seeds + image_se**2
    with np.errstate(divide="ignore", invalid="ignore"):  # no spread over seeds: many degrees
        return variance, (seeds - 1) * np.fmin(variance / of_seeds, 100.0) ** 2


def _power(shift: np.ndarray, freedom: np.ndarray) -> np.ndarray:
    """Return the power of the two-sided t test at the 5% level; `shift` is in standard errors."""
    critical = stats.t.ppf(1 - ALPHA / 2, freedom)
    wrong_side = stats.nct.cdf(-critical, freedom, shift)  # SciPy may say NaN for less than 1e-16
    return stats.nct.sf(critical, freedom, shift) + np.nan_to_num(wrong_side)

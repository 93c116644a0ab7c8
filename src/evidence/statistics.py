"""What runs of several seeds say about an activation: intervals, tests, power and the verdict.

Chance enters an accuracy twice: by the seed of the training and by the images it is scored on. Each
function says which of the two it lets vary. Most take `correct`, bool (seeds, images): whether the
run of a seed got an image right. Every activation is scored on the same images, and the rows of two
activations that are compared belong to the same seeds. Accuracies and differences are fractions;
only `verdict` speaks of points of percent.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from math import floor

import numpy as np
from scipy import optimize, stats

from src.runtime.errors import InputError
from src.runtime.formatting import p_text, span, up

ALPHA = 0.05  # all intervals hold the truth with 95 %
POWER = 0.8
EFFECT_OF_INTEREST = 0.0002  # a difference of 0.02 points of percent


@dataclass(frozen=True)
class Estimate:
    """A mean (or a ratio) and its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class CrossedEstimate(Estimate):
    """A mean over seeds and images, its 95 % interval, and what that was made from.

    Attributes:
        p_value: of the two-sided test that the mean is 0; below 0.05 just when the interval leaves
            out 0.
        seed_sd: standard deviation of the seeds' means. More seeds average it out.
        image_se: the part of the standard error that these images cause in all seeds alike. No
            number of seeds can lower it, only more images can. 0 if none can be seen.
    """

    p_value: float
    seed_sd: float
    image_se: float


def mean_over_seeds(values: np.ndarray) -> Estimate:
    """Return the mean and Student's t interval: for other seeds, on these very images.

    Args:
        values: one number per seed, float (seeds,); accuracies, say.

    Raises:
        InputError: fewer than two seeds.
    """
    values = np.asarray(values, np.float64)
    check_seeds(len(values))
    mean = values.mean()
    half = stats.t.ppf(1 - ALPHA / 2, len(values) - 1) * stats.sem(values)
    return Estimate(float(mean), float(mean - half), float(mean + half))


def crossed_effects_mean(values: np.ndarray) -> CrossedEstimate:
    """Return the mean with an interval and a test: for other seeds, on other images of the kind.

    Seeds and images are crossed random effects: value = mean + seed's effect + image's effect +
    rest. The variance of the mean and its degrees of freedom follow from the analysis of variance,
    as in radiology's studies of many readers and many cases. With as many images as MNIST has, the
    numbers averaged need not be normal; with few seeds, the seeds' effects should be roughly so.

    The studies that tests/evidence/test_statistics.py simulates are of four kinds: seeds matter,
    images do, both or neither. In 3,000 of each kind, with and without a difference, the 95 %
    interval held the truth in 94–96 % with ten seeds, 94–95 % with five and 92–95 % with three;
    with two, which are too few, in 89–94 %.

    Args:
        values: numbers (seeds, images) between -1 and 1: `correct`, or the difference of two.

    Raises:
        InputError: fewer than two seeds.

    Reference:
        Hillis, "A comparison of denominator degrees of freedom methods for multiple observer ROC
        analysis", Statistics in Medicine 26 (2007), 596–619. Taking the difference of two first
        turns its F test into the t test here.
    """
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
        # Two or three seeds may come out equal by luck. That is no proof that the seed does not
        # matter: it spreads the means by what the rest does at least.
        square_seed = square_rest

    if np.ptp(values) == 0:
        # Nothing differs, so no variance can be estimated. The rule of three: what was not seen in
        # n images happens in fewer than 3 / n of all, with 95 % confidence.
        half = 3 / images
        p_value = float(mean == 0)
    else:
        error = np.sqrt((square_seed + beyond_rest) / values.size)
        with np.errstate(divide="ignore"):  # the seeds agree on every image: infinite
            freedom = (seeds - 1) * ((square_seed + beyond_rest) / square_seed) ** 2
        half = stats.t.ppf(1 - ALPHA / 2, freedom) * error
        p_value = 2 * stats.t.sf(abs(mean) / error, freedom)
    return CrossedEstimate(
        value=float(mean),
        low=float(max(mean - half, -1)),
        high=float(min(mean + half, 1)),
        p_value=float(p_value),
        seed_sd=float(np.sqrt(square_seed / images)),
        image_se=float(np.sqrt(beyond_rest / values.size)),
    )


def crossed_bootstrap(values: np.ndarray, resamples: int = 5000, seed: int = 0) -> Estimate:
    """Return the mean and a bootstrap interval: seeds and images are drawn anew, both at once.

    It assumes no distribution, but its width is off, which is why the verdict does not rest on it:
    it counts what neither seeds nor images explain three times (Owen), and of few seeds it sees too
    little spread. In 1,000 of each kind of the studies described at `crossed_effects_mean` it held
    the truth in 93 % (seeds matter) to 99.9 % (neither does) with ten seeds, and in 79 % to 99 %
    with three. Where nothing differs it has no width.

    Args:
        values: numbers (seeds, images), as for `crossed_effects_mean`.
        resamples: how often to draw.
        seed: the same seed gives the same interval.

    Raises:
        InputError: fewer than two seeds.

    Reference:
        Owen, "The pigeonhole bootstrap", Annals of Applied Statistics 1 (2007), 386–411.
    """
    values = np.asarray(values, np.float64)
    seeds, images = values.shape
    check_seeds(seeds)
    # Most images have one value in all seeds. Such an image adds the same whenever it is drawn, so
    # of these only the count is drawn, which makes this some hundred times faster.
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
    low, high = np.quantile(means, [ALPHA / 2, 1 - ALPHA / 2])
    return Estimate(float(values.mean()), float(low), float(high))


def permutation_test(first: np.ndarray, second: np.ndarray) -> float:
    """Return p of the paired permutation test: might the two have been swapped in every seed?

    It speaks of other seeds on these very images, and assumes no distribution. Exact up to 15
    seeds, drawn with a fixed seed beyond. It cannot go below 2 / 2**seeds: 0.25 with three seeds,
    0.06 with five, 0.002 with ten.

    Args:
        first: one number per seed (seeds,): a count of right images, say.
        second: the same of another activation, with the same seeds.

    Raises:
        InputError: fewer than two seeds.
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
    """Return p of McNemar's exact test on two classifiers of the same images.

    It speaks of other images for these two trained classifiers, or these two votes: a small p says
    that the two differ, not that their activations are why. Two seeds of one activation differ too.

    Args:
        first: whether the first got an image right, bool (images,): one run, or `majority`'s vote.
        second: the same of the other, bool (images,).
    """
    only_first, only_second = int(np.sum(first & ~second)), int(np.sum(~first & second))
    if only_first + only_second == 0:
        return 1.0  # they agree on every image
    return float(stats.binomtest(only_first, only_first + only_second).pvalue)


def majority(correct: np.ndarray) -> np.ndarray:
    """Return which images are right, bool (images,): all that no more than half the seeds miss."""
    return np.mean(correct, axis=0) >= 0.5


def holm(p_values: Sequence[float]) -> np.ndarray:
    """Return the p values (tests,) after Holm's correction, in the same order.

    Calling those below 0.05 shown, any false alarm at all has a chance of at most 5 %.

    Reference:
        Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of
        Statistics 6 (1979), 65–70.
    """
    p_values = np.asarray(p_values, np.float64)
    order = p_values.argsort()
    steps = p_values[order] * np.arange(len(p_values), 0, -1)
    corrected = np.empty_like(p_values)
    corrected[order] = np.maximum.accumulate(steps).clip(max=1)
    return corrected


def power(
    seeds: float | np.ndarray, difference: float, seed_sd: float, image_se: float = 0.0
) -> float | np.ndarray:
    """Return the chance that `crossed_effects_mean` finds p < 0.05, before Holm's correction.

    Args:
        seeds: how many, at least 2; a number or an array.
        difference: the true one, a fraction.
        seed_sd: standard deviation of the paired differences over seeds.
        image_se: what the images add (see `CrossedEstimate`). 0 asks about these very images: it is
            then the power of Student's paired t test.
    """
    variance, freedom = _variance(np.asarray(seeds, np.float64), seed_sd, image_se)
    with np.errstate(divide="ignore"):
        shift = abs(difference) / np.sqrt(variance)
    return _power(np.minimum(shift, 40.0), freedom)  # beyond it is 1, and SciPy loses its digits


def seeds_needed(
    seed_sd: float, image_se: float = 0.0, difference: float = EFFECT_OF_INTEREST
) -> int | None:
    """Return how many seeds show a difference at 5 % in four studies of five.

    Args:
        seed_sd: standard deviation of the paired differences over seeds.
        image_se: as for `power`.
        difference: the true one, a fraction; 0.02 points of percent unless told.

    Returns:
        The count, or None if 10,000 do not suffice; with an `image_se` above 0.36 of the
        difference no number does, because the images leave too much doubt.
    """
    counts = np.arange(2, 10_001)
    enough = power(counts, difference, seed_sd, image_se) >= POWER
    return int(counts[enough.argmax()]) if enough.any() else None


def minimum_detectable_effect(seeds: int, seed_sd: float, image_se: float = 0.0) -> float:
    """Return the difference, a fraction, that so many seeds show at 5 % in four studies of five.

    Args:
        seeds: how many.
        seed_sd: standard deviation of the paired differences over seeds.
        image_se: as for `power`.

    Raises:
        InputError: fewer than two seeds.
    """
    check_seeds(seeds)
    variance, freedom = _variance(np.float64(seeds), seed_sd, image_se)
    return float(
        np.sqrt(variance) * optimize.brentq(lambda shift: _power(shift, freedom) - POWER, 0, 40)
    )


@dataclass(frozen=True)
class Comparison:
    """What is known of the accuracy of `first` minus that of `second`.

    Three tests answer three questions; each is corrected over the study's pairs by Holm. The
    verdict rests on the first: a difference that is there for other seeds and other images.

    Attributes:
        first: an activation.
        second: another.
        difference: by crossed random effects; its interval and p value are those of one pair.
        bootstrap: the same difference, with the crossed bootstrap's interval.
        p_holm: `difference.p_value` after Holm's correction.
        p_permutation: exact permutation test over seeds (these images).
        p_permutation_holm: the same after Holm's correction.
        p_mcnemar: McNemar's exact test between the votes of all seeds (these trainings).
        p_mcnemar_holm: the same after Holm's correction.
        pairs: how many pairs the correction was over.
    """

    first: str
    second: str
    difference: CrossedEstimate
    bootstrap: Estimate
    p_holm: float
    p_permutation: float
    p_permutation_holm: float
    p_mcnemar: float
    p_mcnemar_holm: float
    pairs: int

    @property
    def significant(self) -> bool:
        """Whether the difference is beyond chance, after the correction."""
        return self.p_holm < ALPHA


def compare(correct: Mapping[str, np.ndarray]) -> list[Comparison]:
    """Return the comparison of every pair of activations, in the order of the mapping.

    Args:
        correct: for each activation bool (seeds, images), all of one shape, with the same seeds in
            the same order.

    Raises:
        InputError: fewer than two activations or seeds, or shapes that differ.
    """
    if len(correct) < 2:
        raise InputError(
            f"A comparison needs at least two activations, found {', '.join(correct) or 'none'}: "
            "add another, for instance activation=swish,relu."
        )
    for first, second in combinations(correct, 2):
        if correct[first].shape != correct[second].shape:
            seeds, images = correct[first].shape
            other_seeds, other_images = correct[second].shape
            raise InputError(
                "Only runs with the same seeds and images can be compared: found "
                f"{seeds} seeds and {images:,} images of {first}, but {other_seeds} and "
                f"{other_images:,} of {second}. Take those that both have."
            )
    return _corrected(
        [
            _compare(first, second, correct[first], correct[second])
            for first, second in combinations(correct, 2)
        ]
    )


def _compare(first: str, second: str, correct: np.ndarray, other_correct: np.ndarray) -> Comparison:
    """Return the comparison of a pair that is the only one, which needs no correction."""
    difference = correct.astype(np.int8) - other_correct.astype(np.int8)
    estimate = crossed_effects_mean(difference)
    p_permutation = permutation_test(correct.sum(axis=1), other_correct.sum(axis=1))
    p_mcnemar = mcnemar_test(majority(correct), majority(other_correct))
    return Comparison(
        first=first,
        second=second,
        difference=estimate,
        bootstrap=crossed_bootstrap(difference),
        p_holm=estimate.p_value,
        p_permutation=p_permutation,
        p_permutation_holm=p_permutation,
        p_mcnemar=p_mcnemar,
        p_mcnemar_holm=p_mcnemar,
        pairs=1,
    )


def _corrected(comparisons: list[Comparison]) -> list[Comparison]:
    """Return the comparisons with each test's p values corrected over all of them."""
    p_holm = holm([one.difference.p_value for one in comparisons])
    p_permutation_holm = holm([one.p_permutation for one in comparisons])
    p_mcnemar_holm = holm([one.p_mcnemar for one in comparisons])
    return [
        replace(
            one,
            p_holm=float(crossed),
            p_permutation_holm=float(seeds),
            p_mcnemar_holm=float(images),
            pairs=len(comparisons),
        )
        for one, crossed, seeds, images in zip(
            comparisons, p_holm, p_permutation_holm, p_mcnemar_holm, strict=True
        )
    ]


def verdict(comparison: Comparison) -> str:
    """Return what a comparison shows, in one sentence, in points of percent.

    Intervals are rounded outwards, so that no bound is claimed which the data do not give.
    """
    first, second = comparison.first, comparison.second
    value, low, high = (
        100 * part
        for part in (
            comparison.difference.value,
            comparison.difference.low,
            comparison.difference.high,
        )
    )
    test = p_text(comparison.p_holm, ALPHA) + (
        " after Holm's correction" if comparison.pairs > 1 else ""
    )
    if not comparison.significant:
        return (
            f"No difference between {first} and {second} can be shown: any is smaller than "
            f"{up(max(-low, high))} points (95 % interval {span(low, high)}, {test})."
        )
    if value < 0:
        first, second, value, low, high = second, first, -value, -high, -low
    digits = next(digits for digits in range(2, 17) if floor(low * 10**digits) > 0)
    return (
        f"{first} beats {second} by {value:.{digits}f} points (95 % interval "
        f"{span(low, high, digits)}, {test})."
    )


def check_seeds(seeds: int) -> None:
    """Refuse fewer than two seeds.

    Raises:
        InputError: there are fewer.
    """
    if seeds < 2:
        raise InputError(
            f"Found {seeds} seed{'s' * (seeds != 1)}, but chance shows between seeds only: train "
            "every activation with at least 2, better 10 (seed=1,2,3 -m)."
        )


def _variance(seeds: np.ndarray, seed_sd: float, image_se: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the variance of a mean over seeds and images, and its degrees of freedom (Hillis)."""
    of_seeds = seed_sd**2 / seeds
    variance = of_seeds + image_se**2
    with np.errstate(divide="ignore", invalid="ignore"):  # no spread over seeds: many degrees
        return variance, (seeds - 1) * np.fmin(variance / of_seeds, 100.0) ** 2


def _power(shift: np.ndarray, freedom: np.ndarray) -> np.ndarray:
    """Return the power of the two-sided t test at 5 %; `shift` is in standard errors."""
    critical = stats.t.ppf(1 - ALPHA / 2, freedom)
    wrong_side = stats.nct.cdf(-critical, freedom, shift)  # SciPy may say NaN for less than 1e-16
    return stats.nct.sf(critical, freedom, shift) + np.nan_to_num(wrong_side)

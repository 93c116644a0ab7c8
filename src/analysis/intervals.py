"""Intervals and p values that hold for all pairs of levels at once, with few seeds too.

The mean difference of two levels varies with the seeds and with the images. Its interval adds the
squares of both parts (the method of variance estimates recovery), each with its own quantile:

    half² = t² · seed_sd² / seeds + z² · image_se²

Where a study has three levels or more whose differences vary alike, the seeds' variance is pooled
over all pairs, and t and z are those of Dunnett's family (each level with a reference) or of
Tukey's (all pairs). One level that varies more than the others would make its own intervals too
narrow. Two guards prevent that: variances are pooled only if the largest of a pair is not above
what equal variances exceed in 30% of studies; and no interval is narrower than the pair's own,
Student's t at twice the level of Bonferroni's correction. Otherwise each pair has its own variance
at Bonferroni's level.

`python -m benchmarks.false_alarms` measures how often any interval of a study misses the truth.
The degrees of freedom of Hillis (2007), which this project used before, promise too much where few
seeds agree by chance.

Reference:
    Zou, Huang and Zhang, "A note on confidence interval estimation for a linear function of
    binomial proportions", Computational Statistics & Data Analysis 53 (2009), 1080–1085. Dunnett,
    "A multiple comparison procedure for comparing several treatments with a control", Journal of
    the American Statistical Association 50 (1955), 1096–1121. Tukey, "The problem of multiple
    comparisons" (1953).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations

import numpy as np
from scipy import special, stats
from scipy.interpolate import PchipInterpolator

SUSPICIOUS = 0.3  # share of studies with equal variances that are not pooled
OWN = 2  # an interval from pooled variances is at least the pair's own at so many times its level
LEAST_P = 1e-12  # smaller ones are not told apart
# At which quantiles are computed; those of others are interpolated.
FREEDOMS = np.array([*range(1, 11), 12, 15, 20, 30, 45, 70, 120, 300, 1000, 1e6])


@dataclass(frozen=True)
class Differences:
    """The differences between levels, one entry per pair, float (pairs,). Accuracies are fractions.

    The variance of a mean is `seed_variance / seeds + image_variance`.
    """

    first: np.ndarray  # position of a level, integers (pairs,)
    second: np.ndarray
    mean: np.ndarray  # first minus second
    seed_variance: np.ndarray  # of the difference of two runs, on these images
    image_variance: np.ndarray  # the part of the mean's variance that only more images reduce
    freedom: np.ndarray  # degrees of freedom of the seed's variance
    pooled_variance: np.ndarray  # the seed's variance if it is alike in all levels
    pooled_freedom: int
    is_alike: bool  # whether variances are pooled
    is_paired: bool  # the runs of one seed are compared; else all runs are independent
    seeds: int  # of each level; where they differ, the fewest
    images: int
    levels: int
    correlation: float = 0.5  # of the differences of two levels from one reference, at the least

    @property
    def is_constant(self) -> np.ndarray:
        """Whether two levels agree in every run on every image, bool (pairs,)."""
        return (self.seed_variance == 0) & (self.image_variance == 0)


def _pairs(levels: int) -> np.ndarray:
    """Return the positions of both levels of every pair, integers (2, pairs)."""
    return np.array(list(combinations(range(levels), 2)), int).reshape(-1, 2).T


def _paired(
    mean: np.ndarray,
    seed_variance: np.ndarray,
    image_variance: np.ndarray,
    shape: tuple[int, int, int],
) -> Differences:
    levels, seeds, images = shape
    pooled = seed_variance.mean()
    is_alike = levels > 2 and seed_variance.max() <= pooled * largest_ratio(levels, (seeds,))
    first, second = _pairs(levels)
    return Differences(
        first,
        second,
        mean=mean,
        seed_variance=seed_variance,
        image_variance=image_variance,
        freedom=np.full(len(mean), seeds - 1.0),
        pooled_variance=np.full(len(mean), pooled),
        pooled_freedom=(levels - 1) * (seeds - 1),
        is_alike=bool(is_alike and pooled),
        is_paired=True,
        seeds=seeds,
        images=images,
        levels=levels,
    )


def from_correct(correct: np.ndarray, images: int | None = None) -> Differences:
    """Return the differences of all pairs of levels in which runs are correct, bool (levels, seeds,
    images), by the analysis of variance of seeds and images as crossed random effects. `images` is
    their number if those on which all runs agree are left out.
    """
    levels, seeds, here = correct.shape
    images = images or here
    first, second = _pairs(levels)
    # Sums of zeros and ones are exact in float32 below 2**24, and take half of the time.
    dtype = np.float32 if correct.dtype == bool else np.float64
    # An image on which all runs agree adds nothing to any difference.
    contested = correct[:, :, (correct != correct[:1, :1]).any(axis=(0, 1))].astype(dtype)

    def squares(values: np.ndarray) -> np.ndarray:
        """Return the sum of squares of the difference of each pair of levels, float (pairs,)."""
        rows = values.reshape(levels, -1)
        product = (rows @ rows.T).astype(np.float64)
        own = np.diag(product)
        return np.maximum(own[first] + own[second] - 2 * product[first, second], 0.0)

    by_run = contested.sum(axis=2).astype(np.float64) / images  # (levels, seeds), up to a constant
    runs = by_run[first] - by_run[second]
    mean = runs.mean(axis=1)
    of_seeds = images * ((runs - mean[:, None]) ** 2).sum(axis=1)
    between = squares(contested.sum(axis=1)) / seeds**2
    of_images = np.maximum(seeds * (between - images * mean**2), 0.0)
    rest = squares(contested) - seeds * images * mean**2 - of_seeds - of_images
    square_seed = of_seeds / (seeds - 1)
    square_image = of_images / (images - 1)
    square_rest = np.maximum(rest, 0.0) / ((seeds - 1) * (images - 1))
    # Few seeds may agree by chance. That does not prove that seeds have no effect: the residual
    # alone makes their means vary.
    agree = np.ptp(np.rint(runs * images), axis=1) == 0
    square_seed = np.where(agree, square_rest, square_seed)
    image_variance = np.maximum(square_image - square_rest, 0.0) / (seeds * images)
    return _paired(mean, square_seed / images, image_variance, (levels, seeds, images))


def from_runs(values: np.ndarray) -> Differences:
    """Return the differences of all pairs of levels in one number per run, float (levels, seeds);
    the runs in a column belong together. They are for new runs, on the same images.
    """
    first, second = _pairs(len(values))
    runs = values[first] - values[second]
    mean, variance = runs.mean(axis=1), runs.var(axis=1, ddof=1)
    return _paired(mean, variance, np.zeros(len(mean)), (*values.shape, 1))


def from_groups(groups: Sequence[np.ndarray]) -> Differences:
    """Return the differences of all pairs of levels in one number per run, given an array (runs,)
    for each level, at least two runs each: for new runs, on the same images. All runs are
    independent, as in Dunnett's and in Welch's test.
    """
    sizes = np.array(list(map(len, groups)))
    first, second = _pairs(len(groups))
    means = np.array([np.mean(one) for one in groups])
    variances = np.array([np.var(one, ddof=1) for one in groups])
    own, fewest = variances / sizes, int(sizes.min())
    of_mean = own[first] + own[second]
    parts = own**2 / (sizes - 1)
    with np.errstate(invalid="ignore"):  # no variance at all
        freedom = np.fmax(of_mean**2 / (parts[first] + parts[second]), 1.0)
    pooled_freedom = int(sizes.sum() - len(groups))
    pooled = float(variances @ (sizes - 1) / pooled_freedom)
    is_alike = bool(pooled and variances.max() <= pooled * largest_ratio(0, tuple(sizes.tolist())))
    return Differences(
        first,
        second,
        mean=means[first] - means[second],
        seed_variance=fewest * of_mean,
        image_variance=np.zeros(len(first)),
        freedom=freedom,
        pooled_variance=fewest * pooled * (1 / sizes[first] + 1 / sizes[second]),
        pooled_freedom=pooled_freedom,
        is_alike=is_alike,
        is_paired=False,
        seeds=fewest,
        images=1,
        levels=len(groups),
        correlation=float(sizes.min() / (sizes.min() + sizes.max())),
    )


@dataclass(frozen=True)
class Family:
    """The intervals of the pairs that a study judges, which hold at once."""

    every: Differences  # all pairs of levels
    judged: np.ndarray  # positions of the pairs that are judged, integers (judged,)
    is_all: bool  # all pairs, rather than each level with a reference

    @property
    def size(self) -> int:
        """How many pairs are judged."""
        return len(self.judged)

    @property
    def mean(self) -> np.ndarray:
        """The differences, float (judged,)."""
        return self.every.mean[self.judged]

    @property
    def freedom(self) -> np.ndarray:
        """The degrees of freedom of the variance over seeds, float (judged,)."""
        own = self.every.freedom[self.judged]
        return np.full(self.size, float(self.every.pooled_freedom)) if self.every.is_alike else own

    @property
    def seed_variance(self) -> np.ndarray:
        """The variance over seeds, pooled or of each pair, float (judged,)."""
        every = self.every
        return (every.pooled_variance if every.is_alike else every.seed_variance)[self.judged]

    def half_widths(self, level: float | np.ndarray) -> np.ndarray:
        """Return half the width of each interval, float (judged,), where all hold at once with a
        probability of at least 1 − `level`, a number or float (judged,).
        """
        every, level = self.every, np.asarray(level, np.float64)
        image_variance, freedom = every.image_variance[self.judged], every.freedom[self.judged]
        one = level / self.size
        share = OWN * one if every.is_alike else one
        variance = every.seed_variance[self.judged]
        found = half(*student(share, freedom), variance, image_variance, every.seeds)
        if every.is_alike:
            t, z = self._critical(level, every.pooled_freedom)
            pooled = half(t, z, self.seed_variance, image_variance, every.seeds)
            found = np.maximum(pooled, found)
        constant = every.is_constant[self.judged]
        return np.where(constant, rule_of_three(one, every.images), found)

    def _critical(self, level: np.ndarray, freedom: float) -> tuple[np.ndarray, np.ndarray]:
        """Return the quantiles t and z of the family, from pooled variances."""
        if self.is_all:
            size = self.every.levels
            return quantile(level, size, freedom, None), quantile(level, size, np.inf, None)
        t = quantile(level, self.size, freedom, self.every.correlation)
        # The differences by images may be correlated in any way, for which Šidák's bound holds.
        return t, student(1 - (1 - level) ** (1 / self.size), np.inf)[1]

    def planned(self, level: float, seeds: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return quantiles t and z, and the degrees of freedom, of a study with so many seeds,
        float (n,) each, as if its variances turned out as alike as those here.
        """
        every = self.every
        if not every.is_alike:
            freedom = (seeds - 1.0) * (1 if every.is_paired else 2)
            t, z = student(level / self.size, freedom)
            return t, np.full(len(freedom), z), freedom
        freedom = (seeds - 1.0) * (every.levels - every.is_paired)
        size = every.levels if self.is_all else self.size
        correlation = None if self.is_all else every.correlation
        log_t = _by_freedom(level, size, correlation)(-1 / np.minimum(freedom, FREEDOMS[-1]))
        z = np.full(len(freedom), self._critical(np.asarray(level), np.inf)[1])
        own_t, own_z = student(OWN * level / self.size, seeds - 1.0)
        return np.maximum(np.exp(log_t), own_t), np.maximum(z, own_z), freedom

    def p_values(self, distance: np.ndarray) -> np.ndarray:
        """Return the p value of each mean whose hypothesis is so far from it, float (judged,): the
        smallest level at which its interval does not reach as far; 1 for a distance of 0 or less.
        """
        low, high = np.full(self.size, np.log(LEAST_P)), np.zeros(self.size)
        for _ in range(50):
            middle = (low + high) / 2
            is_short = self.half_widths(np.exp(middle)) < distance
            low, high = np.where(is_short, low, middle), np.where(is_short, middle, high)
        return np.where(distance <= 0, 1.0, np.exp(high))


def family(every: Differences, reference: int | None = None) -> Family:
    """Return the family of all pairs, or of those with the level at the position `reference`."""
    is_judged = np.ones(len(every.first), bool)
    if reference is not None:
        is_judged = (every.first == reference) | (every.second == reference)
    return Family(every, np.flatnonzero(is_judged), reference is None)


def half(
    t: float | np.ndarray,
    z: float | np.ndarray,
    seed_variance: float | np.ndarray,
    image_variance: float | np.ndarray,
    seeds: int | np.ndarray,
) -> np.ndarray:
    """Return half the width of an interval, from quantiles and variances."""
    return np.sqrt(t**2 * seed_variance / seeds + z**2 * image_variance)


def rule_of_three(level: float | np.ndarray, images: int) -> np.ndarray:
    """Return the bound on the share of images that may differ where none of them does.

    No variance can be estimated then. The rule of three: an event that did not occur in n images
    occurs in fewer than 3 / n of all images, with 95% confidence; 3 is about −log(0.05).
    """
    return 3 / images * np.log(level) / np.log(0.05)


def student(
    level: float | np.ndarray, freedom: float | np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the two-sided quantiles of Student's t and of the normal distribution."""
    level = np.minimum(level, 1.0)
    z = -special.ndtri(level / 2)
    return np.where(np.isinf(freedom), z, special.stdtrit(freedom, 1 - level / 2)), z


@lru_cache(maxsize=64)
def largest_ratio(levels: int, seeds: tuple[int, ...]) -> float:
    """Return the ratio of the largest variance to the mean that equal variances exceed with the
    probability `SUSPICIOUS`, by simulation with a fixed seed: of all pairs of so many levels with
    the number of seeds in `seeds`, or without levels, of groups with so many runs.
    """
    random, ratios = np.random.default_rng(0), []
    freedom = np.array(seeds) - 1
    for _ in range(40):
        if not levels:
            variances = random.chisquare(freedom, (100, len(seeds))) / freedom
            ratios.append(variances.max(axis=1) / np.average(variances, axis=1, weights=freedom))
            continue
        first, second = _pairs(levels)
        runs = random.standard_normal((100, levels, *seeds))
        variances = (runs[:, first] - runs[:, second]).var(axis=-1, ddof=1)
        ratios.append(variances.max(axis=1) / variances.mean(axis=1))
    return float(np.quantile(np.concatenate(ratios), 1 - SUSPICIOUS))


def quantile(
    level: float | np.ndarray, size: int, freedom: float, correlation: float | None
) -> np.ndarray:
    """Return the number that the largest of several absolute t statistics exceeds with the
    probability `level`, one or several.

    They are the differences of `size` means from a reference, of which two have this correlation
    (Dunnett's; 0.5 if all means are equally precise); with None, the differences of all pairs of
    `size` means (Tukey's, the studentized range divided by √2). `freedom` is that of the variance,
    which may be infinite.
    """
    table = _table(size, float(freedom), correlation)
    return np.exp(table(np.log(np.clip(level, LEAST_P, 1 - 1e-9))))


@lru_cache(maxsize=64)
def _by_freedom(level: float, size: int, correlation: float | None) -> PchipInterpolator:
    """Return the logarithm of `quantile`, a smooth function of −1 / freedom."""
    numbers = [float(quantile(level, size, one, correlation)) for one in FREEDOMS]
    return PchipInterpolator(-1 / FREEDOMS, np.log(numbers))


@lru_cache(maxsize=256)
def _table(size: int, freedom: float, correlation: float | None) -> PchipInterpolator:
    """Return the logarithm of the quantile by that of the level."""
    points = np.exp(np.linspace(np.log(0.01), np.log(60), 180))
    exceeded = _exceeded(points, size, correlation)  # with a known variance
    scale, weight = _scales(freedom)
    # P(T > c) is the mean of P(Z > c · s) over the estimated standard deviation s.
    by_log = PchipInterpolator(np.log(points), exceeded)
    wide = np.exp(np.linspace(np.log(0.02), np.log(1e7 if freedom < 10 else 200), 400))
    place = np.log(wide[:, None] * scale)
    inside = by_log(np.clip(place, np.log(points[0]), np.log(points[-1])))
    found = np.where(place > np.log(points[-1]), 0.0, inside) @ weight
    falling = np.flatnonzero((found > LEAST_P / 10) & (found < 1 - 1e-10))
    levels, numbers = np.log(found[falling])[::-1], np.log(wide[falling])[::-1]
    kept = np.flatnonzero(np.diff(levels, prepend=-np.inf) > 1e-14)
    return PchipInterpolator(levels[kept], numbers[kept], extrapolate=True)


def _exceeded(points: np.ndarray, size: int, correlation: float | None) -> np.ndarray:
    """Return the probability that the largest absolute difference exceeds each point where the
    variance is known, float (points,).
    """
    z, weight = special.roots_legendre(300)
    z, weight = 8.5 * z, 8.5 * weight * stats.norm.pdf(8.5 * z)
    place = points[:, None]
    if correlation is None:
        # The smallest of `size` means is z, and none of the others is above z + √2 · point.
        others = special.ndtr(z + np.sqrt(2) * place) - special.ndtr(z)
        inside = size * others ** (size - 1) @ weight
    else:
        shared, own = np.sqrt(correlation) * z, np.sqrt(1 - correlation)
        below = special.ndtr((place - shared) / own) - special.ndtr((-place - shared) / own)
        inside = below**size @ weight
    # Where little is left, rounding swamps it: there the events hardly overlap, and add up.
    events = size * (size - 1) / 2 if correlation is None else size
    alone = 2 * special.ndtr(-points) * events
    return np.where(1 - inside > 1e-7, np.clip(1 - inside, 0, 1), np.minimum(alone, 1.0))


def _scales(freedom: float) -> tuple[np.ndarray, np.ndarray]:
    """Return nodes and weights of the distribution of an estimated standard deviation."""
    if np.isinf(freedom) or freedom > 1e6:
        return np.ones(1), np.ones(1)
    chi = stats.chi2(freedom)
    low, high = np.log(chi.ppf(1e-15)), np.log(chi.isf(1e-15))
    node, weight = special.roots_legendre(200)
    log = low + (node + 1) * (high - low) / 2
    weight = weight * (high - low) / 2 * chi.pdf(np.exp(log)) * np.exp(log)
    return np.sqrt(np.exp(log) / freedom), weight / weight.sum()

"""How often two scores as far apart as two given ones arise from nothing: from equal accuracies.

Two models that are equally accurate answer n images, each of which both, one or neither of them
gets right. If just one does so with probability d, the difference of their right answers is a sum
of n independent terms that are +1 and −1 with probability d / 2 each, and else 0. Its distribution
is computed exactly, by its characteristic function (1 − d + d · cos t)ⁿ. With an error rate e:

- Each on its own images: d = 2e(1 − e), which gives the difference of two binomial counts.
- On the same images they share errors: d is smaller, by a factor taken from a study. Two runs of
  one level there, which differ in the seed alone, have errors with the Jaccard overlap J, so that
  d = 2e(1 − J) / (1 + J) at its error rate. Its ratio to 2e(1 − e) is what carries over to others.
- With a seed effect: accuracies may vary more over seeds than by such independent changes, whose
  variance is d / 2n. The excess, relative to that, is added as a normal variable of the difference.

The study's variance over seeds already includes the changes of single images, so only the excess
over them is added. Because both runs are of one recipe, it does not matter whether the images are
these or new ones; two recipes that suit different images differ by chance more often.

Reference:
    McNemar, "Note on the sampling error of the difference between correlated proportions or
    percentages", Psychometrika 12 (1947), 153–157, for d. Jordan, "On the variance of neural
    network training with respect to test sets and distributions", ICLR 2024, arXiv 2304.01910, for
    the variance of independent changes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from math import ceil, floor

import numpy as np
from numpy.typing import ArrayLike
from scipy import fft, stats

from src.analysis.alpha_spending import ALPHA
from src.core.errors import InputError
from src.core.formatting import count

MOST_IMAGES = 1_000_000  # a few seconds' work
KAGGLE = (
    "Kaggle's public leaderboard may score only a share of the rows (in 2017 Digit Recognizer's "
    "scored 25%: 7,000 of 28,000)"
)


@dataclass(frozen=True)
class SeedNoise:
    """What the seed alone changes in a study: two runs of one level, pooled over the levels."""

    disagreement: (
        float  # images that one of two runs gets right, ÷ those if errors were independent
    )
    variance_ratio: float  # of accuracies over seeds ÷ that of independent changes of the images
    low: float  # its 95% interval, for normal seed effects, equal at all levels
    high: float


@dataclass(frozen=True)
class SameImages:
    """Shares of pairs on the same images, as those of `Gap`, with the noise of a study."""

    noise: SeedNoise
    changes: np.ndarray  # if images change independently
    seeds: np.ndarray  # with the seed effect
    low: np.ndarray  # with the seed effect at each end of its interval
    high: np.ndarray


@dataclass(frozen=True)
class Gap:
    """Two scores, and the share of pairs of models, both of the pooled accuracy, that differ by at
    least 0, 1, 2, ... right answers, float (images + 1,).
    """

    images: int
    right: tuple[int, int]  # images that each gets right
    independent: np.ndarray  # each on its own images
    same: SameImages | None

    @property
    def apart(self) -> int:
        """The difference of the right answers, images."""
        return abs(self.right[0] - self.right[1])

    @property
    def accuracy(self) -> float:
        """The pooled accuracy, a fraction."""
        return sum(self.right) / (2 * self.images)


def of(right: tuple[int, int], images: int, noise: SeedNoise | None = None) -> Gap:
    """Return how often two such counts of right answers, 0 to `images`, arise from nothing."""
    error = 1 - sum(right) / (2 * images)
    discordance = 2 * error * (1 - error)
    independent = shares_apart(images, discordance)
    if noise is None:
        return Gap(images, right, independent, None)
    discordance *= noise.disagreement
    variance = images * discordance
    ratios = (1.0, noise.variance_ratio, noise.low, noise.high)
    excess = [variance * max(ratio - 1, 0.0) for ratio in ratios]
    shares = [shares_apart(images, discordance, one) for one in excess]
    return Gap(images, right, independent, SameImages(noise, *shares))


def shares_apart(images: int, discordance: float, seed_variance: float = 0.0) -> np.ndarray:
    """Return the share of pairs that differ by at least 0, 1, 2, ... right answers, float
    (images + 1,).

    `discordance` is the probability that just one of the two gets an image right; `seed_variance`,
    in images², that of a normal variable, rounded to whole images, that the difference also has.
    """
    length = fft.next_fast_len(4 * images + 1, real=True)  # all sums, from −2 to 2 × images
    angles = 2 * np.pi * np.arange(length // 2 + 1) / length
    transform = (1 - discordance * (1 - np.cos(angles))) ** images
    if seed_variance > 0:
        edges = np.arange(-images, images) + 0.5
        below = stats.norm.cdf(edges, scale=np.sqrt(seed_variance))
        rounded = np.zeros(length)
        rounded[: 2 * images + 1] = np.diff(below, prepend=0.0, append=1.0)
        transform *= fft.rfft(np.roll(rounded, -images)).real
    one_side = fft.irfft(transform, length)[1 : 2 * images + 1].clip(0)
    beyond = 2 * one_side[::-1].cumsum()[::-1][:images]
    return np.concatenate([[1.0], np.minimum(beyond, 1.0)])


def seed_noise(accuracies: Sequence[ArrayLike], overlaps: ArrayLike, images: int) -> SeedNoise:
    """Return what the seed alone changes in a study.

    By level: the accuracies of its runs, fractions (seeds,), at least two; and the Jaccard overlap
    of the errors of two of its runs, (levels,), the diagonal of `diagnostics.error_overlap`. Raise
    ValueError if they contradict each other, or if no run ever differs from another.
    """
    runs = [np.asarray(one, np.float64) for one in accuracies]
    overlap = np.asarray(overlaps, np.float64)
    if len(runs) != overlap.size or min(map(len, runs), default=0) < 2 or images < 1:
        raise ValueError("its levels lack an overlap of errors, a second run or images")
    error = 1 - np.array([one.mean() for one in runs])
    discordance = 2 * error * (1 - overlap) / (1 + overlap)
    independent = 2 * error * (1 - error)
    if not 0 < discordance.sum() <= 2 * independent.sum():  # twice: both always err on other images
        raise ValueError("its runs never disagree, or its overlaps contradict its accuracies")
    of_changes = discordance / (2 * images)
    ratio = sum(one.var(ddof=1) for one in runs) / of_changes.sum()
    freedom = sum(len(one) - 1 for one in runs)
    low, high = ratio * freedom / stats.chi2.isf([ALPHA / 2, 1 - ALPHA / 2], freedom)
    return SeedNoise(float(discordance.sum() / independent.sum()), *map(float, (ratio, low, high)))


def right_answers(score: str, images: int) -> int:
    """Return how many of the images are right, given an accuracy as it was printed.

    Raise InputError unless exactly one count, divided by `images`, rounds to the score.
    """
    if not 2 <= images <= MOST_IMAGES:
        raise InputError(f"--images {images}: give 2 to {MOST_IMAGES:,}, the images of a score.")
    try:
        value = Decimal(score)
    except InvalidOperation:
        value = Decimal("NaN")
    if not (value.is_finite() and 0 < value <= 1):
        raise InputError(
            f"{score} is not a score: expected a fraction above 0 and at most 1, such as 0.99457 "
            "(for percent, divide by 100)."
        )
    digits = max(0, -int(value.as_tuple().exponent))
    # At least 1e-9: the last of 16 digits is that of a float. Counts are 1e-6 apart or more.
    half = max(Decimal(5).scaleb(-digits - 1), Decimal("1e-9"))
    least = max(0, ceil((value - half) * images))
    most = min(images, floor((value + half) * images))
    if least == most:
        return least
    if least < most:
        raise InputError(
            f"{score} may be any of {most - least + 1:,} counts of {count(images, 'image')} "
            f"({least:,} to {most:,} right): give more digits, zeros included."
        )
    nearest = " and ".join(
        f"{one / images:.{max(digits, 5)}f} ({one:,} right)" for one in (most, least)
    )
    raise InputError(
        f"{score} is not a possible score on {count(images, 'image')}, the nearest are {nearest}: "
        f"check --images, because {KAGGLE}."
    )

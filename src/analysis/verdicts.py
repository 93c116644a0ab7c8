"""What a comparison comes to: better, worse, equivalent or undecided, in a word and a sentence.

All verdicts rest on one estimate, the difference by crossed random effects (for new seeds and new
images), and on its simultaneous 95% confidence interval, the one that is printed and drawn:

- better or worse: the interval excludes 0;
- equivalent: it lies within ± the smallest effect that matters to the study. That may be the case
  although it excludes 0; then the difference is real but does not matter, as the sentence says;
- undecided: neither.

The intervals of all pairs of a study hold at once with a probability of at least 95%
(Bonferroni's: that of one of ten pairs is a 99.5% interval), so whatever is read off them, a
difference or an equivalence, is false in at most 5% of studies. p values are corrected over the
same pairs, and thus verdict, interval and p never contradict each other: p is below 0.05 exactly
when the interval excludes 0. `compare: reference` makes the pairs with the reference the family;
others are then not judged at all.

With planned looks (alpha_spending.py), the interval is a repeated confidence interval. It holds at
all looks together, so that the verdict may be read off it at whichever look the study stops. A
verdict is always that of all seeds at hand: an earlier look's is not kept.
"""

from enum import StrEnum
from math import floor

import numpy as np
from scipy import stats

from src.analysis import alpha_spending
from src.analysis.statistics import ALPHA, POWER, Comparison
from src.runtime.formatting import p_text, span, up

MOST_SEEDS = 10_000  # in all; a study that would need more needs more images instead


class Verdict(StrEnum):
    """On the first of a pair, compared with the second."""

    BETTER = "better"
    WORSE = "worse"
    EQUIVALENT = "equivalent"
    UNDECIDED = "undecided"


def verdict(comparison: Comparison) -> Verdict:
    """Return the verdict on a pair."""
    if comparison.equivalent:
        return Verdict.EQUIVALENT
    if not comparison.significant:
        return Verdict.UNDECIDED
    return Verdict.BETTER if comparison.difference.value > 0 else Verdict.WORSE


def more_seeds(comparison: Comparison) -> int | None:
    """Return how many more seeds would probably decide an undecided pair.

    It is the smallest number with which the interval excludes 0 or lies within ± the smallest
    effect with a probability of 80%, given what the seeds at hand show: the difference over the new
    seeds is predicted from theirs (predictive power with a flat prior), on the same images. The
    interval is the simultaneous one.

    Returns:
        The number; None if the pair is not undecided, or if no number up to `MOST_SEEDS` in all is
        enough because the images are too few.

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
    """Return the probability that so many more seeds decide a pair, as `more_seeds` predicts it.

    Args:
        comparison: the pair.
        more: numbers of seeds, integers (n,).

    Returns:
        Float (n,).
    """
    difference, seeds = comparison.difference, comparison.seeds
    total = seeds + more
    of_seeds, of_images = difference.seed_sd**2, difference.image_se**2
    error = np.sqrt(of_seeds / total + of_images)
    with np.errstate(divide="ignore", invalid="ignore"):  # no spread over seeds: many degrees
        freedom = (total - 1) * np.fmin(error**2 / (of_seeds / total), 100.0) ** 2
    half = stats.t.ppf(1 - _level(comparison) / 2, freedom) * error
    spread = np.sqrt(of_seeds * (1 / seeds - 1 / total)) + 1e-12

    def below(bound: np.ndarray) -> np.ndarray:
        return stats.t.cdf((bound - difference.value) / spread, seeds - 1)

    inside = comparison.smallest_effect - half
    outside = below(-half) + 1 - below(half)
    within = np.where(inside > 0, below(inside) - below(-inside), 0.0)
    both = np.where(inside > half, below(inside) - below(half) + below(-half) - below(-inside), 0.0)
    return outside + within - both


def sentence(comparison: Comparison) -> str:
    """Return the result of a comparison in one or two sentences, in percentage points (pp).

    Intervals are rounded outward, so that no bound claims more than the data support.
    """
    first, second = comparison.first, comparison.second
    difference = comparison.difference
    value, low, high = (100 * part for part in (difference.value, difference.low, difference.high))
    several = comparison.pairs > 1
    adjusted, interval_of = ("adjusted ", "simultaneous 95% CI") if several else ("", "95% CI")
    test = adjusted + p_text(comparison.p_adjusted, ALPHA)
    found = verdict(comparison)
    if found is Verdict.UNDECIDED:
        return (
            f"Undecided between {first} and {second}: any difference is smaller than "
            f"{up(max(-low, high))} pp ({interval_of} {span(low, high)}, {test}). "
            f"{_what_it_takes(comparison)}"
        )
    if value < 0:
        first, second, value, low, high = second, first, -value, -high, -low
    effect = points(comparison.smallest_effect)
    if found is Verdict.EQUIVALENT:
        digits = _digits_that_keep_within(comparison.smallest_effect, low, high)
        test = adjusted + p_text(comparison.p_equivalence_adjusted, ALPHA)
        real = f"{first} beats {second}, but by less than" if comparison.significant else ""
        return (
            f"{first} and {second} are equivalent: {real or 'any difference is smaller than'} "
            f"{effect} pp ({interval_of} {span(low, high, digits)}, {test})."
        )
    digits = next(digits for digits in range(2, 17) if floor(low * 10**digits) > 0)
    interval = span(low, high, digits)
    return f"{first} beats {second} by {value:.{digits}f} pp ({interval_of} {interval}, {test})."


def points(fraction: float) -> str:
    """Return a fraction in percentage points without needless zeros, at least `0.02` long."""
    text = f"{100 * fraction:.10f}".rstrip("0")
    whole, _, decimals = text.partition(".")
    return f"{whole}.{decimals.ljust(2, '0')}"


def _digits_that_keep_within(smallest_effect: float, low: float, high: float) -> int:
    """Return with how many decimals the interval, rounded outward, is still within the bounds."""
    effect, widest = round(100 * smallest_effect, 12), max(-low, high)
    return next((digits for digits in range(2, 8) if float(up(widest, digits)) <= effect), 8)


def _what_it_takes(comparison: Comparison) -> str:
    """Return how an undecided pair might be decided, as a sentence."""
    effect = points(comparison.smallest_effect)
    more = more_seeds(comparison)
    if more is not None:
        seeds = "1 more seed" if more == 1 else f"About {_two_digits(more)} more seeds"
        return f"{seeds} would tell whether it reaches {effect} pp."
    times = images_needed(comparison)
    if times <= 1:
        return f"More than {MOST_SEEDS:,} seeds would tell whether it reaches {effect} pp."
    return (
        f"No number of seeds would tell whether it reaches {effect} pp: it takes about "
        f"{_two_digits(times * comparison.images)} images instead of {comparison.images:,}."
    )


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


def _two_digits(number: float) -> str:
    """Return an estimate of a number: 8, 27, 240, 3,300."""
    return f"{int(float(f'{number:.2g}')):,}"

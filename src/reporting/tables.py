"""The tables of a report, in Markdown."""

from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

import numpy as np

from src.analysis.findings import GOAL, Findings, Pair
from src.analysis.statistics import ALPHA, Estimate
from src.core.formatting import p_text, points, signed, span
from src.reporting import captions, verdict_words
from src.reporting.activation_exhibits import Profile
from src.reporting.markdown import table

Row = TypeVar("Row")  # a pair, or the name of a level
Columns = Mapping[str, Callable[[Row], str]]  # the cell of each column


def verdicts(pairs: Iterable[Pair]) -> str:
    """Return the verdict on each pair with the numbers that it rests on."""
    columns: Columns[Pair] = {
        "Verdict": lambda one: one.verdict.value,
        "Difference (pp)": lambda one: hundredths(one.comparison.difference.value),
        "95% CI": lambda one: hundredths_interval(one.comparison.difference),
        "p": lambda one: p_value(one.comparison.difference.p_value),
        "P(first beats second), these images": lambda one: (
            f"{signed(one.superiority.value)} ({interval(one.superiority, 2)})"
        ),
        "More seeds to decide": verdict_words.more_seeds,
    }
    return _by_pair(columns, pairs)


def tests(pairs: Iterable[Pair]) -> str:
    """Return the tests of each pair, adjusted for the others."""
    columns: Columns[Pair] = {
        "p": lambda one: p_value(one.comparison.difference.p_value),
        "p, permutation": lambda one: p_value(one.comparison.p_permutation_adjusted),
    }
    pairs = list(pairs)
    if all(one.comparison.p_mcnemar is not None for one in pairs):
        columns = {**columns, "p, McNemar": lambda one: p_value(one.comparison.p_mcnemar_adjusted)}
    return _by_pair(columns, pairs)


def power(found: Findings, pairs: Iterable[Pair]) -> str:
    """Return the effect that the study can detect in each pair, and how many seeds it takes."""
    least = "Minimum detectable effect (pp)"
    needed = f"Seeds to detect {points(found.smallest_effect, None)}"
    columns: Columns[Pair] = {
        least: lambda one: hundredths(one.minimum_detectable_effect),
        needed: lambda one: seeds(one.seeds_needed),
    }
    return _by_pair(columns, pairs)


def _by_pair(columns: Columns[Pair], pairs: Iterable[Pair]) -> str:
    rows = [(pair.name, *(cell(pair) for cell in columns.values())) for pair in pairs]
    return table(["Pair", *columns], rows)


def accuracies(found: Findings) -> str:
    """Return each level's held-out accuracy over the seeds."""
    accuracy = found.accuracy
    columns: Columns[str] = {
        "Mean (%)": lambda name: hundredths(found.means[name].value),
        "95% CI": lambda name: hundredths_interval(found.means[name]),
        "SD across seeds (pp)": lambda name: hundredths(accuracy[name].std(ddof=1)),
        "Worst to best (%)": lambda name: (
            f"{hundredths(accuracy[name].min())} to {hundredths(accuracy[name].max())}"
        ),
        "Mean errors": lambda name: signed((1 - accuracy[name].mean()) * found.images, 1),
    }
    return _by_level(columns, found)


def costs(found: Findings, own: Profile | None, parameters: Mapping[str, int]) -> str:
    """Return each level's time per epoch, that of activations alone, and the size of models."""
    columns: dict[str, Callable[[str], str]] = {}
    if times := found.times:
        medians = {name: float(np.median(seconds)) for name, seconds in times.seconds.items()}
        ratios = {name: signed(one.value, 3) for name, one in times.estimates.items()}
        ratios[found.reference] = "1"
        intervals = {name: interval(one) for name, one in times.estimates.items()}
        columns["Median seconds per epoch"] = lambda name: signed(medians[name], 1)
        columns["Ratio"] = lambda name: ratios.get(name, "–")
        columns["95% CI"] = lambda name: intervals.get(name, "–")
    if own:
        columns["Forward (ns)"] = lambda name: signed(own.costs[name].medians[0])
        columns["Backward (ns)"] = lambda name: signed(own.costs[name].medians[1])
    if parameters:
        columns["Parameters"] = lambda name: f"{parameters[name]:,}"
    return _by_level(columns, found)


def learning(found: Findings) -> str:
    """Return how each level's runs learn, and how well their confidence fits."""
    fit, reached = found.calibration, found.epochs_to_goal
    columns: Columns[str] = {
        f"Median epochs to {100 * GOAL:.0f}%": lambda name: captions.epochs(reached[name]),
        "Final validation error (%)": lambda name: signed(100 * found.last_errors[name]),
        "Calibration error (pp)": lambda name: signed(100 * fit[name].error.value),
        "95% CI": lambda name: hundredths_interval(fit[name].error, 2),
        "Mean confidence (%)": lambda name: signed(100 * fit[name].confidence),
    }
    return _by_level(columns, found)


def _by_level(columns: Columns[str], found: Findings) -> str:
    noun = found.factor.noun
    rows = [(name, *(cell(name) for cell in columns.values())) for name in found.levels]
    return table([noun[0].upper() + noun[1:], *columns], rows)


def hundredths(fraction: float) -> str:
    """Return a fraction in percent or percentage points, with three decimals."""
    return signed(100 * fraction, 3)


def hundredths_interval(estimate: Estimate, digits: int = 3) -> str:
    """Return the interval of a fraction in percent or percentage points, rounded outward."""
    return span(100 * estimate.low, 100 * estimate.high, digits)


def interval(estimate: Estimate, digits: int = 3) -> str:
    """Return an interval, rounded outward."""
    return span(estimate.low, estimate.high, digits)


def p_value(value: float | None) -> str:
    """Return a p value without its name: `0.031` or `< 0.001`."""
    assert value is not None
    return p_text(value, ALPHA).removeprefix("p ").removeprefix("= ")


def seeds(needed: int | None) -> str:
    """Return how many seeds are needed."""
    return "over 10,000" if needed is None else f"{needed:,}"

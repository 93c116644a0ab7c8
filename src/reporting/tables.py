"""The tables of a report, in Markdown."""

from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np

from src.analysis.findings import GOAL, Findings, Pair
from src.analysis.statistics import ALPHA, Estimate
from src.core.formatting import p_text, points, signed, span
from src.reporting import captions, verdict_words
from src.reporting.activation_exhibits import Profile
from src.reporting.markdown import table

Columns = Mapping[str, Callable[[Pair], str]]  # the cell of each column


def verdicts(pairs: Iterable[Pair]) -> str:
    """Return the verdict on each pair with the numbers that it rests on."""
    columns: Columns = {
        "Verdict": lambda one: one.verdict.value,
        "Difference (pp)": lambda one: hundredths(one.comparison.difference.value),
        "95% CI": lambda one: hundredths_interval(one.comparison.difference),
        "p": lambda one: p_value(one.comparison.p_adjusted),
        "P(first beats second)": lambda one: (
            f"{signed(one.superiority.value)} ({interval(one.superiority, 2)})"
        ),
        "More seeds to decide": verdict_words.more_seeds,
    }
    return _by_pair(columns, pairs)


def tests(pairs: Iterable[Pair]) -> str:
    """Return the tests of each pair, adjusted for the others."""
    columns: Columns = {
        "p": lambda one: p_value(one.comparison.p_adjusted),
        "Bootstrap CI": lambda one: hundredths_interval(one.comparison.bootstrap),
        "p, permutation": lambda one: p_value(one.comparison.p_permutation_adjusted),
        "p, McNemar": lambda one: p_value(one.comparison.p_mcnemar_adjusted),
    }
    return _by_pair(columns, pairs)


def power(found: Findings, pairs: Iterable[Pair]) -> str:
    """Return the effect that the study can detect in each pair, and how many seeds it takes."""
    least = "Minimum detectable effect (pp)"
    needed = f"Seeds to detect {points(found.smallest_effect, None)}"
    columns: Columns = {
        f"{least}, these images": lambda one: hundredths(one.minimum_detectable_effect),
        f"{least}, new images": lambda one: hundredths(one.minimum_detectable_effect_new_images),
        f"{needed}, these images": lambda one: seeds(one.seeds_needed),
        f"{needed}, new images": lambda one: seeds(one.seeds_needed_new_images),
    }
    return _by_pair(columns, pairs)


def _by_pair(columns: Columns, pairs: Iterable[Pair]) -> str:
    rows = [(pair.name, *(cell(pair) for cell in columns.values())) for pair in pairs]
    return table(["Pair", *columns], rows)


def accuracies(found: Findings) -> str:
    """Return each level's held-out accuracy over the seeds."""
    heads = ("Mean (%)", "95% CI", "SD across seeds (pp)", "Worst to best (%)", "Mean errors")
    return table(
        (_title(found), *heads),
        [
            (
                name,
                hundredths(found.means[name].value),
                hundredths_interval(found.means[name]),
                hundredths(accuracy.std(ddof=1)),
                f"{hundredths(accuracy.min())} to {hundredths(accuracy.max())}",
                signed((1 - accuracy.mean()) * found.images, 1),
            )
            for name, accuracy in found.accuracy.items()
        ],
    )


def costs(found: Findings, own: Profile | None, parameters: Mapping[str, int]) -> str:
    """Return what each level costs: the time per epoch, for activations the time of their `own`
    layers, and for models the number of `parameters`.
    """
    columns: dict[str, Sequence[str]] = {_title(found): found.levels}
    if found.times:
        ratios = {name: found.times.estimates.get(name) for name in found.levels}
        columns["Median seconds per epoch"] = [
            signed(float(np.median(found.times.seconds[name])), 1) for name in found.levels
        ]
        columns["Ratio"] = [
            "1" if name == found.reference else signed(one.value, 3) if one else "–"
            for name, one in ratios.items()
        ]
        columns["95% CI"] = [interval(one) if one else "–" for one in ratios.values()]
    if own:
        each = [own.costs[name] for name in found.levels]
        columns["Forward (ns)"] = [signed(cost.median_forward) for cost in each]
        columns["Backward (ns)"] = [signed(cost.added_by_gradient) for cost in each]
    if parameters:
        columns["Parameters"] = [f"{parameters[name]:,}" for name in found.levels]
    return table(list(columns), zip(*columns.values(), strict=True))


def learning(found: Findings) -> str:
    """Return how each level's runs learn, and how well their confidence fits."""
    heads = ("Final validation error (%)", "Calibration error (pp)", "95% CI")
    return table(
        (_title(found), f"Median epochs to {100 * GOAL:.0f}%", *heads, "Mean confidence (%)"),
        [
            (
                name,
                captions.epochs(found.epochs_to_goal[name]),
                signed(100 * found.last_errors[name]),
                signed(100 * one.error.value),
                hundredths_interval(one.error, 2),
                signed(100 * one.confidence),
            )
            for name, one in found.calibration.items()
        ],
    )


def _title(found: Findings) -> str:
    return found.factor.noun[0].upper() + found.factor.noun[1:]


def hundredths(fraction: float) -> str:
    """Return a fraction in percent or percentage points, with three decimals."""
    return signed(100 * fraction, 3)


def hundredths_interval(estimate: Estimate, digits: int = 3) -> str:
    """Return the interval of a fraction in percent or percentage points, rounded outward."""
    return span(100 * estimate.low, 100 * estimate.high, digits)


def interval(estimate: Estimate, digits: int = 3) -> str:
    """Return an interval, rounded outward."""
    return span(estimate.low, estimate.high, digits)


def p_value(value: float) -> str:
    """Return a p value without its name: `0.031` or `< 0.001`."""
    return p_text(value, ALPHA).removeprefix("p ").removeprefix("= ")


def seeds(needed: int | None) -> str:
    """Return how many seeds are needed."""
    return "over 10,000" if needed is None else f"{needed:,}"

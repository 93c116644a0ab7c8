"""The tables of a report, as text: the same for the page in HTML and the one in Markdown."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from src.analysis import statistics
from src.analysis.findings import GOAL, Findings, Pair
from src.analysis.statistics import Estimate
from src.analysis.verdicts import Verdict, points
from src.reporting.activation_exhibits import Profile
from src.runtime.formatting import p_text, signed, span


@dataclass(frozen=True)
class Row:
    """A row: its name, its cells, and the verdict that colors it, if any."""

    name: str
    cells: tuple[str, ...]
    kind: str = ""


@dataclass(frozen=True)
class Table:
    """Rows under their heads; the first head is that of the names."""

    heads: tuple[str, ...]
    rows: tuple[Row, ...]

    def cells(self, row: Row) -> Iterator[tuple[str, str]]:
        """Return the cells of a row, each with its head."""
        return zip(self.heads[1:], row.cells, strict=True)


def verdicts(pairs: Iterable[Pair]) -> Table:
    """Return the verdict on each pair with the numbers that it rests on."""
    heads = ("Pair", "Verdict", "Difference (pp)", "95% CI", "p", "P(first beats second)")
    return Table(
        (*heads, "More seeds to decide"),
        tuple(
            Row(
                pair.name,
                (
                    pair.verdict.value,
                    hundredths(pair.comparison.difference.value),
                    hundredths_interval(pair.comparison.difference),
                    p_value(pair.comparison.p_adjusted),
                    share(pair.superiority),
                    more(pair),
                ),
                pair.verdict.value,
            )
            for pair in pairs
        ),
    )


def accuracies(found: Findings) -> Table:
    """Return each level's held-out accuracy over the seeds."""
    heads = ("Mean (%)", "95% CI", "SD across seeds (pp)", "Worst to best (%)", "Mean errors")
    return Table(
        (_title(found), *heads),
        tuple(
            Row(
                name,
                (
                    hundredths(found.means[name].value),
                    hundredths_interval(found.means[name]),
                    hundredths(accuracy.std(ddof=1)),
                    f"{hundredths(accuracy.min())} to {hundredths(accuracy.max())}",
                    signed((1 - accuracy.mean()) * found.images, 1),
                ),
            )
            for name, accuracy in found.accuracy.items()
        ),
    )


def tests(pairs: Iterable[Pair]) -> Table:
    """Return the tests of each pair, adjusted for the others."""
    return Table(
        ("Pair", "p", "Bootstrap CI", "p, permutation", "p, McNemar"),
        tuple(
            Row(
                pair.name,
                (
                    p_value(pair.comparison.p_adjusted),
                    hundredths_interval(pair.comparison.bootstrap),
                    p_value(pair.comparison.p_permutation_adjusted),
                    p_value(pair.comparison.p_mcnemar_adjusted),
                ),
                pair.verdict.value,
            )
            for pair in pairs
        ),
    )


def power(found: Findings, pairs: Iterable[Pair]) -> Table:
    """Return what the study could detect of each pair, and how many seeds it takes."""
    effect = points(found.smallest_effect)
    return Table(
        (
            "Pair",
            "Minimum detectable effect (pp), these images",
            "Minimum detectable effect (pp), new images",
            f"Seeds to detect {effect} pp, these images",
            f"Seeds to detect {effect} pp, new images",
        ),
        tuple(
            Row(
                pair.name,
                (
                    hundredths(pair.minimum_detectable_effect),
                    hundredths(pair.minimum_detectable_effect_new_images),
                    seeds(pair.seeds_needed),
                    seeds(pair.seeds_needed_new_images),
                ),
            )
            for pair in pairs
        ),
    )


def costs(found: Findings, own: Profile | None, parameters: Mapping[str, int]) -> Table:
    """Return what each level costs: the time per epoch, and what else is known.

    Args:
        found: the findings.
        own: the profile of activations; None for another factor.
        parameters: of each model; empty for another factor.
    """
    heads = [_title(found)]
    columns: list[Sequence[str]] = []
    if found.times:
        ratios = [found.times.estimates.get(name) for name in found.levels]
        heads += ["Median seconds per epoch", "Ratio", "95% CI"]
        columns += [
            [signed(float(np.median(found.times.seconds[name])), 1) for name in found.levels],
            [
                "1" if name == found.reference else "–" if one is None else signed(one.value, 3)
                for name, one in zip(found.levels, ratios, strict=True)
            ],
            ["–" if one is None else interval(one) for one in ratios],
        ]
    if own:
        heads += ["Forward (ns)", "Backward (ns)"]
        costs_ = [own.costs[name] for name in found.levels]
        columns += [
            [signed(cost.median_forward) for cost in costs_],
            [signed(cost.added_by_gradient) for cost in costs_],
        ]
    if parameters:
        heads.append("Parameters")
        columns.append([f"{parameters[name]:,}" for name in found.levels])
    return Table(
        tuple(heads),
        tuple(
            Row(name, cells)
            for name, cells in zip(found.levels, zip(*columns, strict=True), strict=True)
        ),
    )


def learning(found: Findings) -> Table:
    """Return how each level's runs learn, and how well their confidence fits."""
    heads = ("Final validation error (%)", "Calibration error (pp)", "95% CI")
    return Table(
        (_title(found), f"Median epochs to {100 * GOAL:.0f}%", *heads, "Mean confidence (%)"),
        tuple(
            Row(
                name,
                (
                    _epochs(found.epochs_to_goal[name]),
                    signed(100 * found.last_errors[name]),
                    signed(100 * one.error.value),
                    hundredths_interval(one.error, 2),
                    signed(100 * one.confidence),
                ),
            )
            for name, one in found.calibration.items()
        ),
    )


def _title(found: Findings) -> str:
    return found.factor.noun[0].upper() + found.factor.noun[1:]


def _epochs(epochs: np.ndarray) -> str:
    missed = int(np.isnan(epochs).sum())
    if missed == epochs.size:
        return "never"
    return f"{np.nanmedian(epochs):g}" + (f" ({missed} never)" if missed else "")


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
    return p_text(value, statistics.ALPHA).removeprefix("p ").removeprefix("= ")


def share(estimate: Estimate) -> str:
    """Return a probability with its interval, rounded outward: `0.83 (0.71 to 0.94)`."""
    return f"{signed(estimate.value)} ({interval(estimate, 2)})"


def more(pair: Pair) -> str:
    """Return how many more seeds would decide a pair, if it is undecided."""
    if pair.verdict is not Verdict.UNDECIDED:
        return "–"
    return "too few images" if pair.more_seeds is None else f"{pair.more_seeds:,}"


def seeds(needed: int | None) -> str:
    """Return how many seeds are needed."""
    return "over 10,000" if needed is None else f"{needed:,}"

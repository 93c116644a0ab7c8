"""The figures of a comparison of levels, on a light or a dark background (see drawing.py)."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from src.analysis import statistics
from src.analysis.findings import FEW, GOAL, EpochTimes, Findings, Pair
from src.analysis.verdicts import Verdict
from src.evaluation.style import (
    FINE_DASHES,
    GRAY,
    GUIDE,
    ink,
    is_dark,
    legend,
    level_colors,
    linear_axis,
    log_axis,
    new_figure,
)
from src.reporting.captions import CROWD, named, with_the_reference
from src.reporting.drawing import (
    LONG,
    Curve,
    Look,
    dots,
    draw_curves,
    from_ground,
    interval,
    label_points,
    label_rows,
    looks_of,
    mark_smallest_effect,
    matrix,
    name_curves,
    two_sided,
    verdict_legend,
    verdict_look,
)
from src.runtime.formatting import percent, signed

MANY_PAIRS = 15  # more are shown as a matrix


def accuracy(found: Findings) -> Figure:
    """Draw the accuracy of every run with means and intervals, the best level on top."""
    order = sorted(found.levels, key=lambda name: -found.means[name].value)
    figure = new_figure(1.25 + 0.58 * len(order), "Held-out accuracy of every run")
    axes = figure.subplots()
    look = looks_of(found)
    for row, name in enumerate(order):
        dots(axes, row - 0.12, 100 * found.accuracy[name], look[name])
        interval(axes, row + 0.26, found.means[name])
    label_rows(axes, [f"{name}\n{percent(found.means[name].value)}" for name in order])
    linear_axis(axes.xaxis)
    axes.set_xlabel("Accuracy (%)")
    return figure


def shown_pairs(found: Findings) -> Sequence[Pair]:
    """Return the pairs that have a row of their own: of very many, those with the reference."""
    return found.pairs if len(found.pairs) <= MANY_PAIRS else with_the_reference(found)


def differences(found: Findings) -> Figure:
    """Draw every pair's difference with both intervals, and the difference of every seed."""
    pairs = shown_pairs(found)
    figure = new_figure(2.2 + 0.46 * len(pairs), "Differences in accuracy")
    axes = figure.subplots()
    mark_smallest_effect(axes, found.smallest_effect)
    for row, pair in enumerate(pairs):
        dots(axes, row - 0.2, 100 * pair.by_seed, Look(GRAY, "o"), size=3.2, room=0.1)
        interval(axes, row + 0.08, pair.comparison.difference, verdict_look(pair.verdict))
        bootstrap = pair.comparison.bootstrap
        ends = [100 * bootstrap.low, 100 * bootstrap.high]
        axes.plot(ends, [row + 0.28] * 2, color=GRAY, lw=1.2)
    axes.plot([], [], "o", color=GRAY, ms=3.2, mew=0, label="one seed")
    axes.plot([], [], color=GRAY, lw=1.2, label="bootstrap")
    verdict_legend(axes)
    label_rows(axes, [pair.name for pair in pairs])
    label_points(axes)
    legend(axes)
    return figure


def difference_table(found: Findings) -> Figure:
    """Draw the difference of every two levels as a matrix, the best level first."""
    names = sorted(found.levels, key=lambda name: -found.means[name].value)
    values = np.zeros((len(names), len(names)))
    texts: dict[tuple[int, int], str] = {}
    bold = set()
    for pair in found.pairs:
        row, column = names.index(pair.comparison.first), names.index(pair.comparison.second)
        value = pair.comparison.difference.value
        for cell, difference in (((row, column), value), ((column, row), -value)):
            same = pair.verdict == Verdict.EQUIVALENT
            values[cell], texts[cell] = difference, "=" if same else signed(1e4 * difference, 0)
            if pair.verdict in (Verdict.BETTER, Verdict.WORSE):
                bold.add(cell)
    figure = new_figure(1.9 + 0.4 * len(names), "Differences of all pairs (hundredths of a pp)")
    top = max(float(np.abs(values).max()), 1e-9)
    image: Any = {"cmap": two_sided(), "vmin": -top, "vmax": top, "alpha": 0.55}
    matrix(figure.subplots(), names, values, texts, bold, **image)
    return figure


def power(found: Findings) -> Figure:
    """Draw the power to detect the smallest difference from the reference that matters."""
    effect = found.smallest_effect
    figure = new_figure(3.9, f"Power to detect {100 * effect:.2f} percentage points")
    axes = figure.subplots()
    seeds = np.unique(np.geomspace(2, 500, 120).round())
    look = looks_of(found)
    pairs = with_the_reference(found)
    crowded = len(pairs) > CROWD
    for pair in pairs:
        spread, own = pair.comparison.difference, look[pair.comparison.first]
        marks: dict[str, Any] = {"color": own.color, "lw": 2}
        if crowded:
            marks = {**own.of_line, "markevery": 12, "ms": 4.5, "lw": 1.3}
        for doubt, dashes in ((0.0, "-"), (spread.image_se, FINE_DASHES)):
            chance = statistics.power(seeds, effect, spread.seed_sd, doubt)
            label = pair.name if dashes == "-" else None
            axes.plot(seeds, 100 * chance, **(marks | {"ls": dashes}), label=label)
    axes.plot([], [], color=ink(), label="on these images")
    axes.plot([], [], color=ink(), ls=FINE_DASHES, label="on new images")
    axes.axhline(100 * statistics.POWER, color=ink(), lw=0.8)
    axes.axvline(len(found.seeds), color=ink(), lw=0.8)
    axes.text(len(found.seeds), 103, f"{len(found.seeds)} seeds here", ha="center", fontsize=9.5)
    axes.set_xlim(2, 500)
    log_axis(axes.xaxis, least=6)
    axes.set_ylim(0, 101)
    axes.set_yticks(range(0, 101, 20))
    axes.grid()
    axes.set_xlabel("Seeds")
    axes.set_ylabel("Power (%)")
    legend(axes, 2 if max(len(pair.name) for pair in pairs) > LONG else 3)
    return figure


def epoch_time(found: Findings, times: EpochTimes) -> Figure:
    """Draw the ratio of every level's time per epoch to that of the reference."""
    names = list(times.estimates)
    standard = named(found.factor, found.reference)
    figure = new_figure(1.25 + 0.5 * len(names), f"Time per epoch, relative to {standard}")
    axes = figure.subplots()
    axes.axvline(1, color=ink(), lw=1)
    look = looks_of(found)
    for row, name in enumerate(names):
        dots(axes, row - 0.12, times.ratios[name], look[name])
        interval(axes, row + 0.26, times.estimates[name], unit=1)
    label_rows(axes, [f"{name}\n{times.estimates[name].value:.2f}×" for name in names])
    linear_axis(axes.xaxis)
    axes.set_xlabel("Ratio of runs with the same seed")
    return figure


def learning_curves(found: Findings) -> Figure:
    """Draw the validation error by epoch: the median and the range over seeds."""
    figure = new_figure(4.3, "Validation error by epoch")
    axes = figure.subplots()
    curves = {}
    for name, errors in found.error_rates.items():
        rates, epochs = 100 * errors, np.arange(1, errors.shape[1] + 1)
        curves[name] = Curve(epochs, np.median(rates, axis=0), rates.min(axis=0), rates.max(axis=0))
    draw_curves(axes, curves, looks_of(found))
    axes.axhline(100 * (1 - GOAL), color=ink(), **GUIDE)
    if min(rates.min() for rates in found.error_rates.values()) > 0:
        log_axis(axes.yaxis)
    axes.set_xlabel("Epoch")
    axes.set_ylabel("Validation error (%)")
    name_curves(axes, curves, looks_of(found))
    return figure


def calibration(found: Findings) -> Figure:
    """Draw the accuracy by confidence, and the share of images by confidence."""
    figure = new_figure(5.6, "Reliability diagram")
    upper, lower = figure.subplots(2, 1, height_ratios=(3, 1.2), sharex=True)
    upper.plot([0, 100], [0, 100], color=ink(), **GUIDE)
    filled = []  # bins
    for name, look in looks_of(found).items():
        curve = found.calibration[name].reliability
        enough = curve.count >= FEW
        x, y = 100 * curve.confidence[enough], 100 * curve.accuracy[enough]
        upper.plot(x, y, **look.of_line, ms=5, lw=1.6, label=name)
        shares = 100 * curve.count / curve.count.sum()
        lower.stairs(shares, 100 * curve.edges, color=look.color, lw=1.6)
        filled.append(100 * curve.edges[:-1][curve.count > 0])
    upper.set_ylabel("Accuracy (%)")
    upper.set_ylim(0, 101)
    upper.grid()
    log_axis(lower.yaxis, least=3)
    lower.set_ylabel("Images (%)")
    lower.set_xlabel("Confidence (%)")
    lower.set_xlim(min(map(np.min, filled)), 100)
    lower.grid(axis="y")
    legend(upper)
    return figure


def error_overlap(found: Findings) -> Figure:
    """Draw how much the errors of two runs overlap, by their levels."""
    names = found.levels
    row = 0.62 if len(names) <= CROWD else 0.42
    figure = new_figure(1.6 + row * len(names), "Errors shared by two runs")
    texts = {cell: f"{100 * share:.0f}%" for cell, share in np.ndenumerate(found.overlap)}
    matrix(
        figure.subplots(),
        names,
        found.overlap,
        texts,
        bold={(place, place) for place in range(len(names))},
        color="white" if is_dark() else None,
        cmap=from_ground(level_colors()[-1]),
        vmin=0,
        vmax=max(found.overlap.max(), 1e-9),
    )
    return figure


def uniquely_misclassified(
    found: Findings, images: np.ndarray, labels: np.ndarray, classes: Sequence[str]
) -> Figure:
    """Draw images that one level alone misclassifies, by the majority vote of its seeds.

    Args:
        found: the findings.
        images: the held-out images, uint8 (images, 28, 28).
        labels: their true labels, uint8 (images,).
        classes: the names of the ten classes.
    """
    across = 5
    names = with_unique_errors(found)
    long = max(map(len, classes)) > 2  # words, not digits
    figure = new_figure(
        0.5 + (2.1 if long else 1.85) * len(names),
        f"Images that one {found.factor.noun} alone misclassifies",
    )
    parts = figure.subfigures(len(names), 1, squeeze=False, hspace=0.08)[:, 0]
    for part, name in zip(parts, names, strict=True):
        places = found.uniquely_misclassified[name]
        part.suptitle(
            f"{named(found.factor, name)} alone: {len(places)}",
            x=0.02,
            ha="left",
            fontsize=11,
            fontweight="normal",
        )
        grid = part.subplots(1, across)
        for axes, place, digit in zip(grid, places, found.most_common_error[name], strict=False):
            axes.imshow(images[place], cmap=from_ground(ink()), interpolation="nearest")
            axes.set_xlabel(
                f"{classes[labels[place]]} →{chr(10) if long else ' '}{classes[digit]}\n"
                f"{found.wrong_seeds[name][place]} of {len(found.seeds)} seeds",
                fontsize=9 if long else 9.5,
            )
        for axes in part.axes:
            axes.spines[:].set_visible(False)
            axes.set_xticks([])
            axes.set_yticks([])
    # The first layout is for axes that are not square yet; the second keeps the last row inside.
    figure.draw_without_rendering()
    return figure


def with_unique_errors(found: Findings) -> list[str]:
    """Return the levels that alone misclassify some image: of many, those with the most."""
    counts = {
        name: len(places) for name, places in found.uniquely_misclassified.items() if len(places)
    }
    most = sorted(counts, key=lambda name: -counts[name])[:CROWD]
    return [name for name in found.levels if name in most]

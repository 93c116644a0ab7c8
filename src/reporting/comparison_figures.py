"""The figures of a comparison of levels, on a light or a dark background (see drawing.py)."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from src.analysis import planning
from src.analysis.findings import FEW, GOAL, EpochTimes, Findings
from src.analysis.verdicts import Verdict
from src.core.formatting import percent, signed
from src.evaluation import style
from src.reporting import drawing
from src.reporting.captions import CROWD, named, with_the_reference
from src.reporting.drawing import Curve, Look, looks_of

MANY_PAIRS = 15  # more are shown as a matrix
COLUMNS = 5  # images in a row


def accuracy(found: Findings) -> Figure:
    """Draw the accuracy of every run with means and intervals, the best level on top."""
    order = sorted(found.levels, key=lambda name: -found.means[name].value)
    figure, axes = style.new_axes(1.25 + 0.58 * len(order), "Held-out accuracy of every run")
    for row, name in enumerate(order):
        drawing.dots(axes, row - 0.12, 100 * found.accuracy[name], looks_of(found)[name])
        drawing.interval(axes, row + 0.26, found.means[name])
    drawing.label_rows(axes, [f"{name}\n{percent(found.means[name].value)}" for name in order])
    style.linear_axis(axes.xaxis)
    axes.set_xlabel("Accuracy (%)")
    return figure


def differences(found: Findings) -> Figure:
    """Draw the differences of all pairs, or beyond `MANY_PAIRS` of those with the reference."""
    pairs = found.pairs if len(found.pairs) <= MANY_PAIRS else with_the_reference(found)
    figure, axes = style.new_axes(2.2 + 0.46 * len(pairs), "Differences in accuracy")
    drawing.mark_smallest_effect(axes, found.smallest_effect)
    for row, pair in enumerate(pairs):
        one = pair.comparison
        drawing.dots(axes, row - 0.2, 100 * pair.by_seed, Look(style.GRAY, "o"), ms=3.2, room=0.1)
        drawing.interval(axes, row + 0.08, one.difference, drawing.verdict_look(pair.verdict))
    axes.plot([], [], "o", color=style.GRAY, ms=3.2, mew=0, label="one seed")
    drawing.verdict_legend(axes)
    drawing.label_rows(axes, [pair.name for pair in pairs])
    drawing.label_points(axes)
    style.legend(axes)
    return figure


def difference_table(found: Findings) -> Figure:
    """Draw the difference of every two levels as a matrix, the best level first."""
    names = sorted(found.levels, key=lambda name: -found.means[name].value)
    values, cells = np.zeros((len(names), len(names))), {}
    for pair in found.pairs:
        row, column = names.index(pair.comparison.first), names.index(pair.comparison.second)
        value = pair.comparison.difference.value
        for cell, difference in (((row, column), value), ((column, row), -value)):
            same = pair.verdict == Verdict.EQUIVALENT
            text = "=" if same else signed(1e4 * difference, 0)
            values[cell], cells[cell] = difference, (text, pair.verdict.different)
    title = "Differences of all pairs (hundredths of a pp)"
    figure, axes = style.new_axes(1.9 + 0.4 * len(names), title)
    colors = drawing.from_ground(style.level_colors()[1], below=style.VERMILION)
    top = max(float(np.abs(values).max()), 1e-9)
    drawing.matrix(axes, names, values, cells, cmap=colors, vmin=-top, vmax=top, alpha=0.55)
    return figure


def power(found: Findings) -> Figure:
    """Draw the power to detect the smallest difference from the reference that matters."""
    effect = found.smallest_effect
    figure, axes = style.new_axes(3.9, f"Power to detect {100 * effect:.2f} percentage points")
    seeds = np.unique(np.geomspace(2, 500, 120).round())
    pairs = with_the_reference(found)
    for pair in pairs:
        spread, look = pair.comparison.spread, looks_of(found)[pair.comparison.first]
        assert spread is not None
        line: dict[str, Any] = {"color": look.color, "lw": 2}
        if len(pairs) > CROWD:
            line = {**look.line, "markevery": 12, "ms": 4.5, "lw": 1.3}
        axes.plot(seeds, 100 * spread.power(seeds, effect), **(line | {"label": pair.name}))
    ink, size = style.ink(), len(found.seeds)
    axes.axhline(100 * planning.POWER, color=ink, lw=0.8)
    axes.axvline(size, color=ink, lw=0.8)
    axes.text(size, 103, f"{size} seeds here", ha="center", fontsize=9.5)
    axes.set(xlim=(2, 500), ylim=(0, 101), yticks=range(0, 101, 20))
    axes.set(xlabel="Seeds", ylabel="Power (%)")
    style.log_axis(axes.xaxis, least=6)
    axes.grid()
    style.legend(axes, 2 if max(len(pair.name) for pair in pairs) > drawing.LABEL_WIDTH else 3)
    return figure


def epoch_time(found: Findings, times: EpochTimes) -> Figure:
    """Draw the ratio of every level's time per epoch to that of the reference."""
    title = f"Time per epoch, relative to {named(found.factor, found.reference)}"
    figure, axes = style.new_axes(1.25 + 0.5 * len(times.estimates), title)
    axes.axvline(1, color=style.ink(), lw=1)
    for row, (name, estimate) in enumerate(times.estimates.items()):
        drawing.dots(axes, row - 0.12, times.ratios[name], looks_of(found)[name])
        drawing.interval(axes, row + 0.26, estimate, unit=1)
    names = [f"{name}\n{estimate.value:.2f}×" for name, estimate in times.estimates.items()]
    drawing.label_rows(axes, names)
    style.linear_axis(axes.xaxis)
    axes.set_xlabel("Ratio of runs with the same seed")
    return figure


def learning_curves(found: Findings) -> Figure:
    """Draw the validation error by epoch: the median and the range over seeds."""
    figure, axes = style.new_axes(4.3, "Validation error by epoch")
    curves = {}
    for name, errors in found.error_rates.items():
        rates, epochs = 100 * errors, np.arange(1, errors.shape[1] + 1)
        curves[name] = Curve(epochs, np.median(rates, axis=0), rates.min(axis=0), rates.max(axis=0))
    drawing.draw_curves(axes, curves, looks_of(found))
    axes.axhline(100 * (1 - GOAL), color=style.ink(), **style.GUIDE)
    if min(rates.min() for rates in found.error_rates.values()) > 0:
        style.log_axis(axes.yaxis)
    axes.set(xlabel="Epoch", ylabel="Validation error (%)")
    drawing.name_curves(axes, curves, looks_of(found))
    return figure


def calibration(found: Findings) -> Figure:
    """Draw the accuracy by confidence, and the share of images by confidence."""
    figure = style.new_figure(5.6, "Reliability diagram")
    upper, lower = figure.subplots(2, 1, height_ratios=(3, 1.2), sharex=True)
    upper.plot([0, 100], [0, 100], color=style.ink(), **style.GUIDE)
    filled = []  # bins
    for name, look in looks_of(found).items():
        curve = found.calibration[name].reliability
        enough = curve.count >= FEW
        x, y = 100 * curve.confidence[enough], 100 * curve.accuracy[enough]
        upper.plot(x, y, **look.line, ms=5, lw=1.6, label=name)
        shares = 100 * curve.count / curve.count.sum()
        lower.stairs(shares, 100 * curve.edges, color=look.color, lw=1.6)
        filled.append(100 * curve.edges[:-1][curve.count > 0])
    style.log_axis(lower.yaxis, least=3)
    upper.set(ylabel="Accuracy (%)", ylim=(0, 101))
    lower.set(ylabel="Images (%)", xlabel="Confidence (%)", xlim=(min(map(np.min, filled)), 100))
    upper.grid()
    lower.grid(axis="y")
    style.legend(upper)
    return figure


def error_overlap(found: Findings) -> Figure:
    """Draw how much the errors of two runs overlap, by their levels."""
    names = found.levels
    assert found.overlap is not None  # else it is not drawn
    height = 1.6 + (0.62 if len(names) <= CROWD else 0.42) * len(names)
    figure, axes = style.new_axes(height, "Errors shared by two runs")
    shares = np.ndenumerate(found.overlap)
    cells = {(i, j): (f"{100 * share:.0f}%", i == j) for (i, j), share in shares}
    image: Any = {"cmap": drawing.from_ground(style.level_colors()[-1])}
    image |= {"vmin": 0, "vmax": max(found.overlap.max(), 1e-9)}
    color = "white" if style.is_dark() else None
    drawing.matrix(axes, names, found.overlap, cells, color=color, **image)
    return figure


def _levels_shown(found: Findings) -> list[str]:
    """Return the levels that alone misclassify images; of many levels, those with the most."""
    counts = {name: len(places) for name, places in found.uniquely_misclassified.items()}
    most = sorted(filter(counts.get, counts), key=lambda name: -counts[name])[:CROWD]
    return [name for name in found.levels if name in most]


def images_shown(found: Findings) -> list[int]:
    """Return the positions of the images that `uniquely_misclassified` draws."""
    by_level = (found.uniquely_misclassified[name][:COLUMNS] for name in _levels_shown(found))
    return sorted({int(place) for places in by_level for place in places})


def uniquely_misclassified(
    found: Findings, images: Mapping[int, np.ndarray], labels: np.ndarray, classes: Sequence[str]
) -> Figure:
    """Draw images that one level alone misclassifies, by the majority vote of its seeds; of many
    levels, for those with the most. Arguments as in `exhibits.of`.
    """
    names = _levels_shown(found)
    long = max(map(len, classes)) > 2  # words, not digits
    title = f"Images that one {found.factor.noun} alone misclassifies"
    figure = style.new_figure(0.5 + (2.1 if long else 1.85) * len(names), title)
    gray: Any = {"cmap": drawing.from_ground(style.ink()), "interpolation": "nearest"}
    parts = figure.subfigures(len(names), 1, squeeze=False, hspace=0.08)[:, 0]
    for part, name in zip(parts, names, strict=True):
        places = found.uniquely_misclassified[name]
        heading = f"{named(found.factor, name)} alone: {len(places)}"
        part.suptitle(heading, x=0.02, ha="left", fontsize=11, fontweight="normal")
        grid = part.subplots(1, COLUMNS, subplot_kw={"xticks": [], "yticks": []})
        for axes in grid:
            axes.spines[:].set_visible(False)
        for axes, place, digit in zip(grid, places, found.most_common_error[name], strict=False):
            axes.imshow(images[place], **gray)
            text = f"{classes[labels[place]]} →{chr(10) if long else ' '}{classes[digit]}\n"
            text += f"{found.wrong_seeds[name][place]} of {len(found.seeds)} seeds"
            axes.set_xlabel(text, fontsize=9 if long else 9.5)
    # The first layout is for axes that are not square yet; the second keeps the last row inside.
    figure.draw_without_rendering()
    return figure

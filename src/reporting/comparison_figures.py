"""The figures of a comparison of levels, on a light or a dark background.

Colors that depend on the background come from Matplotlib's settings: call these functions inside
`rc_context(figures.STYLE)` or `rc_context(figures.DARK)`. A level has the same color, marker and
dashes in all figures. They are narrow, so that their text is readable on a phone.
"""

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib import colormaps, rcParams
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, LinearSegmentedColormap, to_hex
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator

from src.analysis import statistics
from src.analysis.findings import FEW, GOAL, Calibration, EpochTimes, Findings, Pair
from src.analysis.verdicts import Verdict
from src.evaluation.figures import BLUE, GREEN, NIGHT, ORANGE, PURPLE, SKY, VERMILION, scale_errors
from src.reporting.captions import CROWD, named, with_the_reference
from src.runtime.formatting import percent, signed

WIDTH = 6.0  # inches
GRAY = "#8A8A8A"  # visible on white and on black
# Gray is for the reference. On black, the light blue is more visible, so the two blues swap.
ON_WHITE = (GRAY, BLUE, VERMILION, GREEN, ORANGE, PURPLE, SKY)
ON_BLACK = (GRAY, SKY, VERMILION, GREEN, ORANGE, PURPLE, BLUE)
MARKERS = "os^DvPX"
DASHES: tuple[Any, ...] = ("-", (0, (4, 1.5)), (0, (1.2, 1.2)))
NUMBERS = {"white": (0.0, 0.82), NIGHT: (0.3, 1.0)}  # the visible part of viridis, by ground
MANY_PAIRS = 15  # more are shown as a matrix
LINE = 0.058  # the height of a name beside the axes, as a share of theirs
ROOM, SAMPLE = 80, 8  # characters that a legend is wide, and that the sample of a line takes
ACROSS = 60  # characters of labels below a matrix
LONG = 22  # characters of a label in one line


@dataclass(frozen=True)
class Look:
    """How a level is drawn."""

    color: str
    marker: str
    dashes: Any = "-"


def looks_of(found: Findings) -> dict[str, Look]:
    """Return a look for each level: numbers from dark to bright, others in colors far apart."""
    return looks(found.levels, found.factor.numeric)


def looks(levels: Sequence[str], numeric: bool = False) -> dict[str, Look]:
    """Return a look for each level; up to 49 differ from each other.

    Args:
        levels: the reference first, unless they are
        numeric: then they are in the order of their values, and their colors are viridis'.
    """
    if numeric:
        low, high = NUMBERS.get(rcParams["figure.facecolor"], NUMBERS["white"])
        shades = colormaps["viridis"](np.linspace(low, high, len(levels)))
        return {
            name: Look(to_hex(shade), MARKERS[place % 7])
            for place, (name, shade) in enumerate(zip(levels, shades, strict=True))
        }
    colors = _colors()
    return {
        name: Look(colors[place % 7], MARKERS[(place + place // 7) % 7], DASHES[min(place // 7, 2)])
        for place, name in enumerate(levels)
    }


def new_figure(height: float, title: str) -> Figure:
    """Return an empty figure.

    Args:
        height: in inches.
        title: above all axes.
    """
    figure = Figure((WIDTH, height), layout=ConstrainedLayoutEngine(w_pad=0.08, h_pad=0.08))
    figure.suptitle(title, x=0.02, ha="left")
    return figure


def _colors() -> Sequence[str]:
    return ON_BLACK if rcParams["figure.facecolor"] == NIGHT else ON_WHITE


def ink() -> str:
    """Return the color of text and means, by background."""
    return rcParams["text.color"]


def label_rows(axes: Axes, names: Sequence[str]) -> None:
    """Label the rows from the top, and hide the axis."""
    axes.set_yticks(range(len(names)), [_folded(name) for name in names])
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.tick_params(left=False)
    axes.spines["left"].set_visible(False)
    axes.grid(axis="x")


def _folded(name: str) -> str:
    """Return a label in lines that leave room for what it labels."""
    lines = name.split("\n")
    pairs = [part for line in lines for part in _halves(line)]
    return "\n".join(part for line in pairs for part in textwrap.wrap(line, LONG) or [""])


def _halves(line: str) -> list[str]:
    """Return a pair's name in two lines if it is long."""
    first, minus, second = line.partition(" − ")
    return [line] if len(line) <= LONG or not minus else [first, f"− {second}"]


def label_ends(axes: Axes, ends: Mapping[str, float], look: Mapping[str, Look]) -> None:
    """Write each line's name beside its right end, moved apart where ends meet.

    Args:
        axes: with their final scales and limits.
        ends: the y of each line's last point, by name.
        look: of each line.
    """
    transform = axes.transData + axes.transAxes.inverted()
    right = axes.get_xlim()[1]
    heights = {name: float(transform.transform((right, y))[1]) for name, y in ends.items()}
    order = sorted(heights, key=heights.__getitem__)
    places = apart(np.array([heights[name] for name in order]), LINE)
    places += min(0.0, 1 - LINE / 2 - places[-1])  # below the top, or else
    places += max(0.0, LINE / 2 - places[0])  # above the axis
    for name, place in zip(order, places, strict=True):
        axes.annotate(
            name,
            (1.0, heights[name]),
            xytext=(1.08, place),
            xycoords="axes fraction",
            textcoords="axes fraction",
            va="center",
            fontsize=9,
            annotation_clip=False,
            arrowprops={
                "arrowstyle": "-",
                "color": look[name].color,
                "lw": 1.2,
                "shrinkB": 0,
                "relpos": (0, 0.5),
            },
        )


def apart(places: np.ndarray, gap: float) -> np.ndarray:
    """Return ascending places that are at least a gap apart, moved as little as that takes.

    Args:
        places: ascending, float (names,).
        gap: the least distance.
    """
    groups: list[tuple[float, int]] = []  # the middle of each group of neighbors, and its size
    for place in places:
        middle, size = float(place), 1
        while groups and groups[-1][0] + gap * (groups[-1][1] + size) / 2 > middle:
            other, count = groups.pop()
            middle = (other * count + middle * size) / (count + size)
            size += count
        groups.append((middle, size))
    return np.concatenate(
        [middle + gap * (np.arange(size) - (size - 1) / 2) for middle, size in groups]
    )


def _spread(count: int, height: float) -> np.ndarray:
    """Return offsets that separate the seeds of a row, float (count,)."""
    return np.linspace(-height, height, count)


def legend(figure: Figure, axes: Axes, columns: int) -> None:
    """Add a legend for the axes below the figure.

    Args:
        figure: that the axes are in.
        axes: with labelled lines.
        columns: at most so many; fewer where the labels are long.
    """
    handles, labels = axes.get_legend_handles_labels()
    widest = max(max(map(len, label.split("\n"))) for label in labels)
    figure.legend(
        handles,
        labels,
        loc="outside lower center",
        ncols=max(1, min(columns, ROOM // (widest + SAMPLE))),
        frameon=False,
        fontsize=10,
    )


def accuracy(found: Findings) -> Figure:
    """Draw the accuracy of every run with means and intervals, the best level on top."""
    order = sorted(found.levels, key=lambda name: -found.means[name].value)
    figure = new_figure(1.25 + 0.58 * len(order), "Held-out accuracy of every run")
    axes = figure.subplots()
    look = looks_of(found)
    for row, name in enumerate(order):
        mean = found.means[name]
        axes.plot(
            100 * found.accuracy[name],
            row - 0.12 + _spread(len(found.seeds), 0.16),
            look[name].marker,
            color=look[name].color,
            ms=5.5,
            alpha=0.85,
            mew=0,
        )
        axes.plot([100 * mean.low, 100 * mean.high], [row + 0.26] * 2, color=ink(), lw=2.2)
        axes.plot(100 * mean.value, row + 0.26, "D", color=ink(), ms=5.5)
    label_rows(axes, [f"{name}\n{percent(found.means[name].value)}" for name in order])
    axes.xaxis.set_major_locator(MaxNLocator(6))
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
        estimate, bootstrap = pair.comparison.difference, pair.comparison.bootstrap
        color = verdict_color(pair.verdict)
        axes.plot(
            100 * pair.by_seed,
            row - 0.2 + _spread(len(found.seeds), 0.1),
            "o",
            color=GRAY,
            ms=3.2,
            alpha=0.7,
            mew=0,
            label="one seed" if row == 0 else None,
        )
        axes.plot(
            [100 * estimate.low, 100 * estimate.high],
            [row + 0.08] * 2,
            color=color,
            lw=3,
            solid_capstyle="butt",
        )
        axes.plot(
            100 * estimate.value, row + 0.08, VERDICT_MARKERS[pair.verdict], color=color, ms=6
        )
        axes.plot(
            [100 * bootstrap.low, 100 * bootstrap.high],
            [row + 0.28] * 2,
            color=GRAY,
            lw=1.2,
            label="bootstrap" if row == 0 else None,
        )
    verdict_legend(axes)
    label_rows(axes, [pair.name for pair in pairs])
    label_points(axes)
    legend(figure, axes, 3)
    return figure


VERDICT_MARKERS = {
    Verdict.BETTER: "D",
    Verdict.WORSE: "D",
    Verdict.EQUIVALENT: "s",
    Verdict.UNDECIDED: "D",
}


def verdict_color(verdict: Verdict) -> str:
    """Return the color of a verdict, by background."""
    return {
        Verdict.BETTER: _colors()[1],
        Verdict.WORSE: VERMILION,
        Verdict.EQUIVALENT: GREEN,
        Verdict.UNDECIDED: ink(),
    }[verdict]


def verdict_legend(axes: Axes) -> None:
    """Add an entry for each verdict to the legend."""
    for verdict in Verdict:
        axes.plot(
            [],
            [],
            linestyle="-",
            marker=VERDICT_MARKERS[verdict],
            color=verdict_color(verdict),
            lw=3,
            ms=6,
            label=verdict.value,
        )


def mark_smallest_effect(axes: Axes, effect: float) -> None:
    """Shade the differences that do not matter, and mark none."""
    axes.axvspan(
        -100 * effect,
        100 * effect,
        color=GREEN,
        alpha=0.14,
        lw=0,
        label=f"within ±{signed(100 * effect, 3).rstrip('0').rstrip('.')} pp",
    )
    axes.axvline(0, color=ink(), lw=1)


def label_points(axes: Axes) -> None:
    """Label an axis of differences in percentage points."""
    axes.xaxis.set_major_locator(MaxNLocator(6))
    axes.xaxis.set_major_formatter(lambda points, _: signed(points, 3).rstrip("0").rstrip("."))
    axes.set_xlabel("Percentage points")


def difference_table(found: Findings) -> Figure:
    """Draw the difference of every two levels as a matrix, the best level first."""
    names = sorted(found.levels, key=lambda name: -found.means[name].value)
    side = len(names)
    values = np.zeros((side, side))
    verdicts: dict[tuple[int, int], Verdict] = {}
    for pair in found.pairs:
        row, column = names.index(pair.comparison.first), names.index(pair.comparison.second)
        value = pair.comparison.difference.value
        values[row, column], values[column, row] = value, -value
        verdicts[row, column] = verdicts[column, row] = pair.verdict
    figure = new_figure(1.9 + 0.4 * side, "Differences of all pairs (hundredths of a pp)")
    axes = figure.subplots()
    top = max(float(np.abs(values).max()), 1e-9)
    axes.imshow(values, cmap=_two_sided(), vmin=-top, vmax=top, aspect="auto", alpha=0.55)
    for (row, column), verdict in verdicts.items():
        different = verdict in (Verdict.BETTER, Verdict.WORSE)
        text = "=" if verdict == Verdict.EQUIVALENT else signed(1e4 * values[row, column], 0)
        axes.text(
            column,
            row,
            text,
            ha="center",
            va="center",
            fontsize=9.5,
            fontweight="bold" if different else "normal",
        )
    _label_matrix(axes, names)
    return figure


def _two_sided() -> Colormap:
    ground = rcParams["figure.facecolor"]
    return LinearSegmentedColormap.from_list("two-sided", [VERMILION, ground, _colors()[1]])


def _label_matrix(axes: Axes, names: Sequence[str]) -> None:
    """Label the rows and the columns of a matrix; many columns aslant."""
    words = [name.replace(" ", "\n", 1) for name in names]
    widest = max(len(part) for word in words for part in word.split("\n"))
    if widest * len(names) <= ACROSS:
        axes.set_xticks(range(len(names)), words)
    else:
        folded = [_folded(name) for name in names]
        axes.set_xticks(range(len(names)), folded, rotation=40, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(len(names)), [_folded(name) for name in names])
    axes.tick_params(left=False, bottom=False)
    axes.spines[:].set_visible(False)


def power(found: Findings) -> Figure:
    """Draw the power to detect the smallest difference from the reference that matters."""
    effect = found.smallest_effect
    figure = new_figure(3.9, f"Power to detect {100 * effect:.2f} percentage points")
    axes = figure.subplots()
    seeds = np.unique(np.geomspace(2, 500, 120).round())
    look = looks_of(found)
    pairs = with_the_reference(found)
    for pair in pairs:
        spread = pair.comparison.difference
        for doubt, dashes in ((0.0, "-"), (spread.image_se, (0, (2, 1.5)))):
            chance = statistics.power(seeds, effect, spread.seed_sd, doubt)
            axes.plot(
                seeds,
                100 * chance,
                color=look[pair.comparison.first].color,
                marker=look[pair.comparison.first].marker if len(pairs) > CROWD else None,
                markevery=12,
                ms=4.5,
                mew=0,
                linestyle=dashes,
                lw=2 if len(pairs) <= CROWD else 1.3,
                label=pair.name if dashes == "-" else None,
            )
    axes.plot([], [], color=ink(), label="on these images")
    axes.plot([], [], color=ink(), linestyle=(0, (2, 1.5)), label="on new images")
    axes.axhline(100 * statistics.POWER, color=ink(), lw=0.8)
    axes.axvline(len(found.seeds), color=ink(), lw=0.8)
    axes.text(len(found.seeds), 103, f"{len(found.seeds)} seeds here", ha="center", fontsize=9.5)
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter(lambda count, _: f"{count:g}")
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlim(2, 500)
    axes.set_ylim(0, 101)
    axes.set_yticks(range(0, 101, 20))
    axes.grid()
    axes.set_xlabel("Seeds")
    axes.set_ylabel("Power (%)")
    legend(figure, axes, 2 if max(len(pair.name) for pair in pairs) > LONG else 3)
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
        ratio = times.estimates[name]
        axes.plot(
            times.ratios[name],
            row - 0.14 + _spread(len(times.ratios[name]), 0.12),
            look[name].marker,
            color=look[name].color,
            ms=5,
            alpha=0.85,
            mew=0,
        )
        axes.plot([ratio.low, ratio.high], [row + 0.24] * 2, color=ink(), lw=2.2)
        axes.plot(ratio.value, row + 0.24, "D", color=ink(), ms=5.5)
    label_rows(axes, [f"{name}\n{times.estimates[name].value:.2f}×" for name in names])
    axes.xaxis.set_major_locator(MaxNLocator(6))
    axes.set_xlabel("Ratio of runs with the same seed")
    return figure


def learning_curves(found: Findings) -> Figure:
    """Draw the validation error by epoch: the median and the range over seeds."""
    figure = new_figure(4.3, "Validation error by epoch")
    axes = figure.subplots()
    look = looks_of(found)
    crowded = len(look) > CROWD
    for name in found.levels:
        rates = 100 * found.error_rates[name]
        epochs = np.arange(1, rates.shape[1] + 1)
        if not crowded:
            axes.fill_between(
                epochs,
                rates.min(axis=0),
                rates.max(axis=0),
                color=look[name].color,
                alpha=0.13,
                lw=0,
            )
        axes.plot(
            epochs,
            np.median(rates, axis=0),
            color=look[name].color,
            marker=look[name].marker,
            ls=look[name].dashes,
            ms=4,
            mew=0,
            lw=1.8 if not crowded else 1.4,
            label=name,
        )
    axes.axhline(100 * (1 - GOAL), color=ink(), lw=0.8, ls=(0, (4, 3)))
    if min(rates.min() for rates in found.error_rates.values()) > 0:
        scale_errors(axes)
    axes.yaxis.set_major_formatter(lambda rate, _: f"{rate:.4g}")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.grid(axis="y")
    axes.set_xlabel("Epoch")
    axes.set_ylabel("Validation error (%)")
    if crowded:
        axes.set_xlim(0.5, epochs[-1] + 0.5)
        label_ends(axes, {name: 100 * rate for name, rate in found.last_errors.items()}, look)
    else:
        legend(figure, axes, min(3, len(found.levels)))
    return figure


def calibration(found: Findings) -> Figure:
    """Draw the accuracy by confidence, and the share of images by confidence."""
    figure = new_figure(5.6, "Reliability diagram")
    upper, lower = figure.subplots(2, 1, height_ratios=(3, 1.2), sharex=True)
    upper.plot([0, 100], [0, 100], color=ink(), lw=0.8, ls=(0, (4, 3)))
    for name, look in looks_of(found).items():
        curve = found.calibration[name].reliability
        enough = curve.count >= FEW
        upper.plot(
            100 * curve.confidence[enough],
            100 * curve.accuracy[enough],
            color=look.color,
            marker=look.marker,
            ls=look.dashes,
            ms=5,
            mew=0,
            lw=1.6,
            label=name,
        )
        shares = 100 * curve.count / curve.count.sum()
        lower.stairs(shares, 100 * curve.edges, color=look.color, lw=1.6)
    upper.set_ylabel("Accuracy (%)")
    upper.set_ylim(0, 101)
    upper.grid()
    lower.set_yscale("log")
    lower.yaxis.set_major_locator(LogLocator(numticks=4))
    lower.yaxis.set_major_formatter(lambda share, _: f"{share:g}")
    lower.yaxis.set_minor_locator(NullLocator())
    lower.set_ylabel("Images (%)")
    lower.set_xlabel("Confidence (%)")
    lower.set_xlim(_least_confidence(found.calibration.values()), 100)
    lower.grid(axis="y")
    legend(figure, upper, min(3, len(found.levels)))
    return figure


def _least_confidence(calibrations: Iterable[Calibration]) -> float:
    """Return the lower edge of the first bin that is not empty, in percent."""
    return min(
        100 * one.reliability.edges[np.flatnonzero(one.reliability.count)[0]]
        for one in calibrations
    )


def error_overlap(found: Findings) -> Figure:
    """Draw how much the errors of two runs overlap, by their levels."""
    names = found.levels
    row = 0.62 if len(names) <= CROWD else 0.42
    figure = new_figure(1.6 + row * len(names), "Errors shared by two runs")
    axes = figure.subplots()
    top = found.overlap.max()
    colors = _colors()
    axes.imshow(
        found.overlap, cmap=_ground_to(colors[-1]), vmin=0, vmax=max(top, 1e-9), aspect="auto"
    )
    for (row, column), share in np.ndenumerate(found.overlap):
        axes.text(
            column,
            row,
            f"{100 * share:.0f}%",
            ha="center",
            va="center",
            fontweight="bold" if row == column else "normal",
            color="white" if colors is ON_BLACK else ink(),
        )
    _label_matrix(axes, names)
    return figure


def _ground_to(color: str) -> Colormap:
    return LinearSegmentedColormap.from_list("ground", [rcParams["figure.facecolor"], color])


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
            axes.imshow(images[place], cmap=_ground_to(ink()), interpolation="nearest")
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

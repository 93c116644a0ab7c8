"""The figures of a comparison of activations, on a light or a dark background.

Colors that depend on the background come from Matplotlib's settings: call these functions inside
`rc_context(figures.STYLE)` or `rc_context(figures.DARK)`. An activation has the same color and
marker in all figures. They are narrow, so that their text is readable on a phone.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib import rcParams
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter, NullLocator

from src.evaluation.figures import BLUE, GREEN, NIGHT, ORANGE, PURPLE, SKY, VERMILION
from src.evidence import statistics
from src.evidence.findings import FEW, GOAL, Calibration, EpochTimes, Findings, Pair
from src.runtime.formatting import percent, signed

WIDTH = 6.0  # inches
GRAY = "#8A8A8A"  # visible on white and on black
# Gray is for the reference. On black, the light blue is more visible, so the two blues swap.
ON_WHITE = (GRAY, BLUE, VERMILION, GREEN, ORANGE, PURPLE, SKY)
ON_BLACK = (GRAY, SKY, VERMILION, GREEN, ORANGE, PURPLE, BLUE)
MARKERS = "os^DvPX"


@dataclass(frozen=True)
class Look:
    """How an activation is drawn."""

    color: str
    marker: str


def looks(activations: Sequence[str]) -> dict[str, Look]:
    """Return a look for each activation, the reference first; up to 49 differ from each other."""
    colors = _colors()
    return {
        name: Look(colors[place % 7], MARKERS[(place + place // 7) % 7])
        for place, name in enumerate(activations)
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
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.tick_params(left=False)
    axes.spines["left"].set_visible(False)
    axes.grid(axis="x")


def _spread(count: int, height: float) -> np.ndarray:
    """Return offsets that separate the seeds of a row, float (count,)."""
    return np.linspace(-height, height, count)


def legend(figure: Figure, axes: Axes, columns: int) -> None:
    """Add a legend for the axes below the figure."""
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(
        handles, labels, loc="outside lower center", ncols=columns, frameon=False, fontsize=10
    )


def accuracy(found: Findings) -> Figure:
    """Draw the accuracy of every run with means and intervals, the best activation on top."""
    order = sorted(found.activations, key=lambda name: -found.means[name].value)
    figure = new_figure(1.25 + 0.58 * len(order), "Held-out accuracy of every run")
    axes = figure.subplots()
    look = looks(found.activations)
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


def differences(found: Findings) -> Figure:
    """Draw every pair's difference with both intervals, and the difference of every seed."""
    figure = new_figure(1.9 + 0.46 * len(found.pairs), "Differences in accuracy")
    axes = figure.subplots()
    axes.axvline(0, color=ink(), lw=1)
    for row, pair in enumerate(found.pairs):
        estimate, bootstrap = pair.comparison.difference, pair.comparison.bootstrap
        color = _significance_color(pair)
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
        axes.plot(100 * estimate.value, row + 0.08, "D", color=color, ms=6)
        axes.plot(
            [100 * bootstrap.low, 100 * bootstrap.high],
            [row + 0.28] * 2,
            color=GRAY,
            lw=1.2,
            label="bootstrap 95% CI" if row == 0 else None,
        )
    for color, label in (
        (_colors()[1], "higher, significant"),
        (VERMILION, "lower, significant"),
        (ink(), "not significant"),
    ):
        axes.plot([], [], "D-", color=color, lw=3, ms=6, label=label)
    label_rows(axes, [pair.name for pair in found.pairs])
    axes.xaxis.set_major_locator(MaxNLocator(6))
    axes.xaxis.set_major_formatter(lambda points, _: signed(points, 3).rstrip("0").rstrip("."))
    axes.set_xlabel("Percentage points")
    legend(figure, axes, 2)
    return figure


def _significance_color(pair: Pair) -> str:
    if not pair.comparison.significant:
        return ink()
    return _colors()[1] if pair.comparison.difference.value > 0 else VERMILION


def power(found: Findings) -> Figure:
    """Draw the power to detect a difference of 0.02 pp from the reference, by number of seeds."""
    effect = statistics.EFFECT_OF_INTEREST
    figure = new_figure(3.9, f"Power to detect {100 * effect:.2f} percentage points")
    axes = figure.subplots()
    seeds = np.unique(np.geomspace(2, 500, 120).round())
    look = looks(found.activations)
    for pair in found.pairs:
        if pair.comparison.second != found.reference:
            continue
        spread = pair.comparison.difference
        for doubt, dashes in ((0.0, "-"), (spread.image_se, (0, (2, 1.5)))):
            chance = statistics.power(seeds, effect, spread.seed_sd, doubt)
            axes.plot(
                seeds,
                100 * chance,
                color=look[pair.comparison.first].color,
                linestyle=dashes,
                lw=2,
                label=pair.name if dashes == "-" else None,
            )
    axes.plot([], [], color=ink(), label="on these images")
    axes.plot([], [], color=ink(), linestyle=(0, (2, 1.5)), label="on new images")
    axes.axhline(100 * statistics.POWER, color=ink(), lw=0.8)
    axes.axvline(len(found.seeds), color=ink(), lw=0.8)
    axes.text(len(found.seeds), 91, f" {len(found.seeds)} seeds here", fontsize=9.5)
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter(lambda count, _: f"{count:g}")
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlim(2, 500)
    axes.set_ylim(0, 101)
    axes.grid()
    axes.set_xlabel("Seeds")
    axes.set_ylabel("Power (%)")
    legend(figure, axes, 2)
    return figure


def epoch_time(found: Findings, times: EpochTimes) -> Figure:
    """Draw the ratio of every activation's time per epoch to that of the reference."""
    names = list(times.estimates)
    figure = new_figure(1.25 + 0.5 * len(names), f"Time per epoch, relative to {found.reference}")
    axes = figure.subplots()
    axes.axvline(1, color=ink(), lw=1)
    look = looks(found.activations)
    for row, name in enumerate(names):
        ratio = times.estimates[name]
        axes.plot(
            times.ratios[name],
            row - 0.14 + _spread(len(found.seeds), 0.12),
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
    for name, look in looks(found.activations).items():
        rates = 100 * found.error_rates[name]
        epochs = np.arange(1, rates.shape[1] + 1)
        axes.fill_between(
            epochs, rates.min(axis=0), rates.max(axis=0), color=look.color, alpha=0.13, lw=0
        )
        axes.plot(
            epochs,
            np.median(rates, axis=0),
            color=look.color,
            marker=look.marker,
            ms=4,
            mew=0,
            lw=1.8,
            label=name,
        )
    axes.axhline(100 * (1 - GOAL), color=ink(), lw=0.8, ls=(0, (4, 3)))
    if min(rates.min() for rates in found.error_rates.values()) > 0:
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 3, 5)))
        axes.yaxis.set_minor_formatter(NullFormatter())
        axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(lambda rate, _: f"{rate:g}")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.grid(axis="y")
    axes.set_xlabel("Epoch")
    axes.set_ylabel("Validation error (%)")
    legend(figure, axes, min(3, len(found.activations)))
    return figure


def calibration(found: Findings) -> Figure:
    """Draw the accuracy by confidence, and the share of images by confidence."""
    figure = new_figure(5.6, "Reliability diagram")
    upper, lower = figure.subplots(2, 1, height_ratios=(3, 1.2), sharex=True)
    upper.plot([0, 100], [0, 100], color=ink(), lw=0.8, ls=(0, (4, 3)))
    for name, look in looks(found.activations).items():
        curve = found.calibration[name].reliability
        enough = curve.count >= FEW
        upper.plot(
            100 * curve.confidence[enough],
            100 * curve.accuracy[enough],
            color=look.color,
            marker=look.marker,
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
    legend(figure, upper, min(3, len(found.activations)))
    return figure


def _least_confidence(calibrations: Iterable[Calibration]) -> float:
    """Return the lower edge of the first bin that is not empty, in percent."""
    return min(
        100 * one.reliability.edges[np.flatnonzero(one.reliability.count)[0]]
        for one in calibrations
    )


def error_overlap(found: Findings) -> Figure:
    """Draw how much the errors of two runs overlap, by their activations."""
    names = found.activations
    figure = new_figure(1.6 + 0.62 * len(names), "Errors shared by two runs")
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
    axes.set_xticks(range(len(names)), [name.replace(" ", "\n", 1) for name in names])
    axes.set_yticks(range(len(names)), names)
    axes.tick_params(left=False, bottom=False)
    axes.spines[:].set_visible(False)
    return figure


def _ground_to(color: str) -> Colormap:
    return LinearSegmentedColormap.from_list("ground", [rcParams["figure.facecolor"], color])


def uniquely_misclassified(found: Findings, images: np.ndarray, labels: np.ndarray) -> Figure:
    """Draw images that one activation alone misclassifies, by the majority vote of its seeds.

    Args:
        found: the findings.
        images: the held-out images, uint8 (images, 28, 28).
        labels: their true labels, uint8 (images,).
    """
    across = 5
    names = [name for name in found.activations if len(found.uniquely_misclassified[name])]
    figure = new_figure(0.5 + 1.85 * len(names), "Images that one activation alone misclassifies")
    parts = figure.subfigures(len(names), 1, squeeze=False, hspace=0.08)[:, 0]
    for part, name in zip(parts, names, strict=True):
        places = found.uniquely_misclassified[name]
        part.suptitle(
            f"{name} alone: {len(places)}", x=0.02, ha="left", fontsize=11, fontweight="normal"
        )
        grid = part.subplots(1, across)
        for axes, place, digit in zip(grid, places, found.most_common_error[name], strict=False):
            axes.imshow(images[place], cmap=_ground_to(ink()), interpolation="nearest")
            axes.set_xlabel(
                f"{labels[place]} → {digit}\n"
                f"{found.wrong_seeds[name][place]} of {len(found.seeds)} seeds",
                fontsize=9.5,
            )
        for axes in part.axes:
            axes.spines[:].set_visible(False)
            axes.set_xticks([])
            axes.set_yticks([])
    # The first layout is for axes that are not square yet; the second keeps the last row inside.
    figure.draw_without_rendering()
    return figure

"""The figures of a search: its course, what mattered, each key by itself, and all keys together.

All show the validation error of each trial's model, on a logarithmic scale: a trial that
learned nothing would press the others into one line.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import LineCollection
from matplotlib.colors import LinearSegmentedColormap, LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.patheffects import withStroke
from matplotlib.ticker import Locator, LogLocator, MaxNLocator, NullFormatter, NullLocator

from src.config import override
from src.config import search_file as design
from src.config.search_file import Range, Search
from src.evaluation.figures import BLUE, INK, STYLE, VERMILION
from src.experiments import trials
from src.experiments.trials import State, Trial

WIDTH = 6.0  # inches
GRAY = "#8A8A8A"
ERROR = "Validation error (%)"
# From good to bad: dark and vivid to pale, so that the good ones stand out on white.
QUALITY = LinearSegmentedColormap.from_list("quality", ["#00304E", BLUE, "#9CC9E3", "#E3E3E3"])
MOST_PANELS = 9


@rc_context(STYLE)
def history(found: Sequence[Trial]) -> Figure:
    """Draw every trial's error by its number, and the lowest so far."""
    figure = _new_figure(3.6, "Trials in their order")
    axes = figure.subplots()
    complete, pruned = _complete(found), _pruned(found)
    numbers = [one.number for one in complete]
    errors = _errors(complete)
    axes.plot(numbers, errors, "o", color=BLUE, ms=5.5, mew=0, label="trained to the end")
    if pruned:
        places = [one.number for one in pruned]
        axes.plot(places, _errors(pruned), "x", color=GRAY, ms=6, mew=1.6, label="pruned")
    if complete:
        last = max(one.number for one in found)
        best = np.minimum.accumulate(errors)
        axes.step(
            [*numbers, last],
            [*best, best[-1]],
            where="post",
            color=INK,
            lw=1.4,
            label="best so far",
        )
    _error_axis(axes.yaxis, [*errors, *_errors(pruned)])
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.grid(axis="y")
    axes.set_xlabel("Trial")
    axes.set_ylabel(ERROR)
    _legend(figure, axes)
    return figure


@rc_context(STYLE)
def importances(shares: Mapping[str, float]) -> Figure:
    """Draw each key's share of the variance of the objective (fANOVA).

    Args:
        shares: fractions by key, the largest first.
    """
    figure = _new_figure(1.2 + 0.42 * len(shares), "What the accuracy depends on")
    axes = figure.subplots()
    values = [100 * share for share in shares.values()]
    bars = axes.barh(range(len(values)), values, color=BLUE, height=0.62)
    axes.bar_label(bars, [f" {value:.0f}%" for value in values])
    axes.set_yticks(range(len(values)), list(shares))
    axes.set_ylim(len(values) - 0.5, -0.5)
    axes.tick_params(left=False)
    axes.set_xlim(0, 112)
    axes.xaxis.set_visible(False)
    axes.spines[["left", "bottom"]].set_visible(False)
    axes.set_title("share of the variance between trials, by fANOVA", fontsize=10)
    return figure


@rc_context(STYLE)
def slices(search: Search, found: Sequence[Trial]) -> Figure:
    """Draw the error against each key's values."""
    keys = list(search.ranges)[:MOST_PANELS]
    columns = min(2, len(keys))
    rows = -(-len(keys) // columns)
    figure = _new_figure(0.8 + 2.6 * rows, "The error by each value")
    grid = figure.subplots(rows, columns, squeeze=False, sharey=True)
    complete, pruned = _complete(found), _pruned(found)
    winner = trials.best(list(found))
    for place, axes in enumerate(grid.flat):
        if place >= len(keys):
            axes.set_visible(False)
            continue
        key = keys[place]
        scale = _Scale(search.ranges[key])
        for some, sign, color, label in (
            (pruned, "x", GRAY, "pruned"),
            (complete, "o", BLUE, "trained to the end"),
            ([winner] if winner else [], "D", VERMILION, "best"),
        ):
            if some:
                values = [scale.place(one.params[key]) for one in some]
                axes.plot(values, _errors(some), sign, color=color, ms=5.5, label=label)
        scale.set(axes)
        axes.set_xlabel(key)
        axes.grid(axis="y")
        if place % columns == 0:
            axes.set_ylabel(ERROR)
    _error_axis(grid.flat[0].yaxis, _errors([*complete, *pruned]))
    _legend(figure, grid.flat[0])
    return figure


@rc_context(STYLE)
def parallel_coordinates(search: Search, found: Sequence[Trial]) -> Figure:
    """Draw each complete trial as a line through its values, darker where the error is lower."""
    keys = list(search.ranges)
    complete = _complete(found)
    errors = _errors(complete)
    figure = _new_figure(4.2, "Each trial through its values", max(WIDTH, 1.6 * (len(keys) + 1)))
    axes = figure.subplots()
    scales = [_Scale(search.ranges[key]) for key in keys]
    norm = _norm(errors)
    order = np.argsort(errors)[::-1]  # the best on top
    lines = []
    for index in order:
        heights = [
            scale.fraction(complete[index].params[key])
            for scale, key in zip(scales, keys, strict=True)
        ]
        lines.append([*enumerate(heights), (len(keys), float(1 - norm(errors[index])))])
    axes.add_collection(
        LineCollection(
            lines, colors=QUALITY(norm(errors[order])), linewidths=np.linspace(1.2, 2.6, len(order))
        )
    )
    for place, scale in enumerate(scales):
        axes.axvline(place, color=INK, lw=0.8)
        for height, label in scale.ticks():
            axes.annotate(
                label,
                (place, height),
                (4, 0),
                textcoords="offset points",
                va="center",
                fontsize=9,
                path_effects=[withStroke(linewidth=2.5, foreground="white")],
            )
    axes.axvline(len(keys), color=INK, lw=0.8)
    axes.set_xticks(
        range(len(keys) + 1),
        [*(key.replace(".", ".\n") for key in keys), "accuracy\n(best on top)"],
    )
    axes.set_xlim(-0.05, len(keys) + 0.05)
    axes.set_ylim(-0.05, 1.05)
    axes.yaxis.set_visible(False)
    axes.spines[:].set_visible(False)
    axes.tick_params(bottom=False)
    bar = figure.colorbar(ScalarMappable(norm, QUALITY), ax=axes, pad=0.02, aspect=30)
    bar.set_label(ERROR)
    bar.outline.set_visible(False)
    _error_axis(bar.ax.yaxis, errors, scale=False)
    return figure


class _Scale:
    """Where the values of a key stand on an axis."""

    def __init__(self, one: Range):
        self.one = one
        self.texts = [] if one.numeric else [override.value(value) for value in one.values]
        self.log = one.kind == design.LOG_UNIFORM

    def place(self, value: Any) -> float:
        """Return a value's coordinate on a Matplotlib axis of this scale."""
        return float(value) if self.one.numeric else float(self.texts.index(override.value(value)))

    def fraction(self, value: Any) -> float:
        """Return how far up it stands, from 0 to 1."""
        if not self.one.numeric:
            return self.place(value) / max(1, len(self.texts) - 1)
        low, high, here = (float(number) for number in (*self.one.values, value))
        if self.log:
            low, high, here = np.log([low, high, here])
        return float((here - low) / (high - low))

    def ticks(self) -> list[tuple[float, str]]:
        """Return fractions, each with its label."""
        if not self.one.numeric:
            return [(self.fraction(v), t) for v, t in zip(self.one.values, self.texts, strict=True)]
        low, high = self.one.values
        values = self.locator().tick_values(low, high)
        return [(self.fraction(one), f"{one:g}") for one in values if low <= one <= high]

    def locator(self) -> Locator:
        """Return what places the ticks of an interval of numbers, as many as fit."""
        if not self.log:
            return MaxNLocator(5, integer=self.one.kind == design.INTEGER)
        low, high = self.one.values
        return LogLocator(subs=(1, 3) if high / low <= 300 else (1,))

    def set(self, axes: Axes) -> None:
        """Give the x-axis this scale."""
        axis = axes.xaxis
        if self.texts:
            axis.set_ticks(range(len(self.texts)), self.texts)
            if sum(map(len, self.texts)) > 22:
                axis.set_tick_params(rotation=30)
            axes.set_xlim(-0.5, len(self.texts) - 0.5)
        elif self.log:
            axes.set_xscale("log")
            axis.set_major_locator(self.locator())
            axis.set_major_formatter(lambda value, _: f"{value:g}")
            axis.set_minor_locator(NullLocator())
        else:
            axis.set_major_locator(self.locator())


def _new_figure(height: float, title: str, width: float = WIDTH) -> Figure:
    figure = Figure((width, height), layout=ConstrainedLayoutEngine(w_pad=0.08, h_pad=0.08))
    figure.suptitle(title, x=0.02, ha="left")
    return figure


def _legend(figure: Figure, axes: Axes) -> None:
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3, frameon=False, fontsize=10)


def _complete(found: Sequence[Trial]) -> list[Trial]:
    return [one for one in found if one.state == State.COMPLETE]


def _pruned(found: Sequence[Trial]) -> list[Trial]:
    return [one for one in found if one.state == State.PRUNED]


def _errors(some: Sequence[Trial]) -> np.ndarray:
    """Return the validation errors in percent, float (trials,)."""
    return np.array([100 * (1 - (one.value or 0.0)) for one in some], float)


def _norm(errors: np.ndarray) -> Normalize:
    """Return what maps errors to 0 (the lowest) up to 1, by their logarithms if it can."""
    low, high = float(errors.min()), float(errors.max())
    if low == high:
        return Normalize(low - 0.5, high + 0.5)
    return LogNorm(low, high) if low > 0 else Normalize(low, high)


def _error_axis(axis: Any, errors: Sequence[float] | np.ndarray, *, scale: bool = True) -> None:
    """Label an axis of errors, logarithmic unless one of them is zero.

    Args:
        axis: of Matplotlib.
        errors: in percent.
        scale: whether to set its scale, too.
    """
    if len(errors) == 0 or min(errors) <= 0:
        return
    if scale:
        axis.axes.set_yscale("log")
    ratio = max(errors) / min(errors)
    few = MaxNLocator(5) if ratio < 2.5 else LogLocator(subs=(1, 1.5, 2, 3, 5, 7))
    axis.set_major_locator(LogLocator(subs=(1, 2, 5)) if ratio > 8 else few)
    axis.set_major_formatter(lambda value, _: f"{value:.3g}")
    axis.set_minor_locator(NullLocator())
    axis.set_minor_formatter(NullFormatter())

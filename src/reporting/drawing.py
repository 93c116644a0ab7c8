"""How reports draw: levels, intervals, curves, matrices and verdicts, each in one way.

Colors that depend on the background come from Matplotlib's settings: call these functions inside
`rc_context(style.STYLE)` or `rc_context(style.DARK)`. A level has the same color, marker and
dashes in all figures.
"""

import textwrap
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib import colormaps, rcParams
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, LinearSegmentedColormap, to_hex
from scipy.optimize import isotonic_regression

from src.analysis.findings import Findings
from src.analysis.statistics import Estimate
from src.analysis.verdicts import Verdict
from src.core.formatting import signed
from src.evaluation import style
from src.evaluation.style import DASHES, MARKERS
from src.reporting.captions import CROWD

LINE = 0.058  # the height of a name beside the axes, as a share of theirs
ACROSS = 60  # characters of labels below a matrix
LONG = 22  # characters of a label in one line


@dataclass(frozen=True)
class Look:
    """How a level is drawn."""

    color: str
    marker: str
    dashes: Any = "-"

    @property
    def of_line(self) -> dict[str, Any]:
        """The arguments of Matplotlib's `plot` for a line with markers."""
        return {"color": self.color, "marker": self.marker, "ls": self.dashes, "mew": 0}


def looks_of(found: Findings) -> dict[str, Look]:
    """Return a look for each level: numbers from dark to bright, others in colors far apart."""
    return looks(found.levels, found.factor.numeric)


def looks(levels: Sequence[str], numeric: bool = False) -> dict[str, Look]:
    """Return a look for each level; up to 49 differ from each other.

    The reference comes first, unless the levels are `numeric`: these are in the order of their
    values, and have the colors of viridis.
    """
    if numeric:
        shades = colormaps["viridis"](np.linspace(*style.number_range(), len(levels)))
        return {
            name: Look(to_hex(shades[place]), MARKERS[place % 7])
            for place, name in enumerate(levels)
        }
    colors = style.level_colors()
    return {
        name: Look(colors[place % 7], MARKERS[(place + place // 7) % 7], DASHES[min(place // 7, 2)])
        for place, name in enumerate(levels)
    }


# Rows of points and intervals


def dots(
    axes: Axes, row: float, values: np.ndarray, look: Look, *, ms: float = 5.5, room: float = 0.15
) -> None:
    """Draw a value per seed as dots, spread over some room above and below a row's place."""
    places = row + np.linspace(-room, room, len(values))
    axes.plot(values, places, look.marker, color=look.color, ms=ms, mew=0, alpha=0.85)


def interval(
    axes: Axes,
    place: float,
    estimate: Estimate,
    look: Look | None = None,
    *,
    unit: float = 100,
    upright: bool = False,
) -> None:
    """Draw an estimate as a marker on the bar of its interval.

    Args:
        axes: to draw on.
        place: of the bar on the other axis.
        estimate: a fraction, drawn in percent, unless there is another `unit`.
        look: of the bar and the marker; by default a diamond in the color of text.
        unit: that the estimate is multiplied by.
        upright: whether the values are on the vertical axis.
    """
    look = look or Look(style.ink(), "D")
    ends = [unit * estimate.low, unit * estimate.high]
    bar: tuple[Any, Any] = (ends, [place] * 2)
    point: tuple[Any, Any] = (unit * estimate.value, place)
    if upright:
        bar, point = bar[::-1], point[::-1]
    axes.plot(*bar, color=look.color, lw=2.6, solid_capstyle="butt")
    axes.plot(*point, look.marker, color=look.color, ms=6.5)


def label_rows(axes: Axes, names: Sequence[str]) -> None:
    """Label the rows from the top, and hide the axis."""
    axes.set_yticks(range(len(names)), [_folded(name) for name in names])
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.tick_params(left=False)
    axes.spines["left"].set_visible(False)
    axes.grid(axis="x")


def _folded(name: str) -> str:
    """Return a label in short lines; a long pair is divided before its minus."""
    lines = [
        part
        for line in name.split("\n")
        for part in ([line] if len(line) <= LONG else line.replace(" − ", "\n− ").split("\n"))
    ]
    return "\n".join(part for line in lines for part in textwrap.wrap(line, LONG) or [""])


# Curves


@dataclass(frozen=True)
class Curve:
    """A line through float (points,), and the band around it, if it has one.

    `steps` says that the line stays at a value until the next point.
    """

    x: np.ndarray
    y: np.ndarray
    low: np.ndarray | None = None
    high: np.ndarray | None = None
    steps: bool = False


def draw_curves(axes: Axes, curves: Mapping[str, Curve], look: Mapping[str, Look]) -> None:
    """Draw each level's curve over whole numbers; of more than `CROWD`, without the bands."""
    crowded = len(curves) > CROWD
    for name, curve in curves.items():
        if not crowded and curve.low is not None and curve.high is not None:
            band: Any = {"color": look[name].color, "alpha": 0.13, "lw": 0}
            axes.fill_between(curve.x, curve.low, curve.high, **band)
        line = look[name].of_line | {"lw": 1.4 if crowded else 1.8, "ms": 4.5}
        drawstyle: Any = "steps-post" if curve.steps else "default"
        axes.plot(curve.x, curve.y, **line, drawstyle=drawstyle, label=name)
    style.whole_numbers(axes.xaxis)
    axes.grid(axis="y")


def name_curves(axes: Axes, curves: Mapping[str, Curve], look: Mapping[str, Look]) -> None:
    """Name the curves in a legend, or more than `CROWD` of them beside their right ends.

    The axes must have their final vertical scale and limits.
    """
    if len(curves) <= CROWD:
        style.legend(axes)
        return
    x = np.concatenate([curve.x for curve in curves.values()])
    room = 0.04 * np.ptp(x) or 0.5
    axes.set(xlim=(x.min() - room, x.max() + room), ylim=axes.get_ylim())
    transform = axes.transData + axes.transAxes.inverted()
    ends = {name: transform.transform((x.max(), curve.y[-1]))[1] for name, curve in curves.items()}
    order = sorted(ends, key=ends.__getitem__)
    places = apart(np.array([ends[name] for name in order]), LINE)
    places += min(0.0, 1 - LINE / 2 - places[-1])  # below the top, or else
    places += max(0.0, LINE / 2 - places[0])  # above the axis
    arrow = {"arrowstyle": "-", "lw": 1.2, "shrinkB": 0, "relpos": (0, 0.5)}
    for name, place in zip(order, places, strict=True):
        axes.annotate(
            name,
            (1.0, ends[name]),
            xytext=(1.08, place),
            xycoords="axes fraction",
            textcoords="axes fraction",
            va="center",
            fontsize=9,
            annotation_clip=False,
            arrowprops=arrow | {"color": look[name].color},
        )


def apart(places: np.ndarray, gap: float) -> np.ndarray:
    """Return ascending places, float (names,), that are at least a gap apart, moved as little as
    that takes: by the least sum of squares.
    """
    steps = gap * np.arange(len(places))
    return isotonic_regression(places - steps).x + steps


# Matrices


def matrix(
    axes: Axes,
    names: Sequence[str],
    values: np.ndarray,
    texts: Mapping[tuple[int, int], str],
    bold: Collection[tuple[int, int]],
    *,
    color: str | None = None,
    **image: Any,
) -> None:
    """Draw values as colors with texts on them, and label the rows and the columns.

    Args:
        axes: to draw on.
        names: of the rows, and of the columns.
        values: float (names, names).
        texts: by row and column.
        bold: the rows and columns of the texts to emphasize.
        color: of the texts; by default that of all text.
        image: arguments of Matplotlib's `imshow`.
    """
    axes.imshow(values, aspect="auto", **image)
    font: Any = {"ha": "center", "va": "center", "fontsize": 9.5, "color": color or style.ink()}
    for (row, column), text in texts.items():
        weight = "bold" if (row, column) in bold else "normal"
        axes.text(column, row, text, fontweight=weight, **font)
    words = [name.replace(" ", "\n", 1) for name in names]
    widest = max(len(part) for word in words for part in word.split("\n"))
    folded = [_folded(name) for name in names]
    if widest * len(names) <= ACROSS:
        axes.set_xticks(range(len(names)), words)
    else:
        axes.set_xticks(range(len(names)), folded, rotation=40, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(len(names)), folded)
    axes.tick_params(left=False, bottom=False)
    axes.spines[:].set_visible(False)


def from_ground(color: str) -> Colormap:
    """Return a color map from the figure's background to a color."""
    return LinearSegmentedColormap.from_list("ground", [rcParams["figure.facecolor"], color])


def two_sided() -> Colormap:
    """Return a color map for differences, with the figure's background at zero."""
    ends = style.VERMILION, rcParams["figure.facecolor"], style.level_colors()[1]
    return LinearSegmentedColormap.from_list("two-sided", ends)


# Verdicts and differences


def verdict_look(verdict: Verdict) -> Look:
    """Return how a difference with this verdict is drawn."""
    return {
        Verdict.BETTER: Look(style.level_colors()[1], "D"),
        Verdict.WORSE: Look(style.VERMILION, "D"),
        Verdict.EQUIVALENT: Look(style.GREEN, "s"),
        Verdict.UNDECIDED: Look(style.ink(), "D"),
    }[verdict]


def verdict_legend(axes: Axes) -> None:
    """Add an entry for each verdict to the legend."""
    for verdict in Verdict:
        axes.plot([], [], **verdict_look(verdict).of_line, lw=2.6, ms=6.5, label=verdict.value)


def mark_smallest_effect(axes: Axes, effect: float, *, labeled: bool = True) -> None:
    """Shade the differences that do not matter, and mark zero."""
    size = 100 * effect
    label = f"within ±{_short(size)} pp" if labeled else None
    axes.axvspan(-size, size, color=style.GREEN, alpha=0.14, lw=0, label=label)
    axes.axvline(0, color=style.ink(), lw=1)


def label_points(axes: Axes, label: str = "Percentage points") -> None:
    """Label an axis of differences in percentage points."""
    style.linear_axis(axes.xaxis)
    axes.xaxis.set_major_formatter(lambda points, _: _short(points))
    axes.set_xlabel(label)


def _short(points: float) -> str:
    return signed(points, 3).rstrip("0").rstrip(".")

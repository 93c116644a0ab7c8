"""Levels, intervals, curves, matrices and verdicts, each drawn in one way in all figures, inside
`rc_context(style.STYLE)` or `rc_context(style.DARK)`: some colors depend on the background.
"""

import textwrap
from collections.abc import Mapping, Sequence
from itertools import cycle
from typing import Any, NamedTuple

import numpy as np
from matplotlib import colormaps, rcParams
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, LinearSegmentedColormap, to_hex
from scipy.optimize import isotonic_regression

from src.analysis.findings import Findings
from src.analysis.statistics import Estimate
from src.analysis.verdicts import Verdict
from src.config import override
from src.core.formatting import signed
from src.evaluation import style
from src.evaluation.style import DASHES, MARKERS
from src.reporting.captions import CROWD

LINE_HEIGHT = 0.058  # of a name beside the axes, as a share of theirs
MATRIX_WIDTH = 60  # characters of labels below a matrix
LABEL_WIDTH = 22  # characters of a label in one line


class Look(NamedTuple):
    """How a level is drawn."""

    color: str
    marker: str
    dashes: Any = "-"

    @property
    def line(self) -> dict[str, Any]:
        """The arguments of Matplotlib's `plot` for a line with markers."""
        return {"color": self.color, "marker": self.marker, "ls": self.dashes, "mew": 0}


def looks_of(found: Findings) -> dict[str, Look]:
    """Return a look for each level: numbers from dark to bright, others in colors far apart."""
    return looks(found.levels, found.factor.numeric)


def looks(levels: Sequence[str], numeric: bool = False) -> dict[str, Look]:
    """Return a look for each level, up to 49 different ones: the reference comes first, unless the
    levels are `numeric`, in the order of their values, which have the colors of viridis.
    """
    if numeric:
        visible = style.VIRIDIS_ON_BLACK if style.is_dark() else style.VIRIDIS_ON_WHITE
        shades = map(to_hex, colormaps["viridis"](np.linspace(*visible, len(levels))))
        return dict(zip(levels, map(Look, shades, cycle(MARKERS)), strict=True))
    colors = style.level_colors()
    return {
        name: Look(colors[place % 7], MARKERS[(place + place // 7) % 7], DASHES[min(place // 7, 2)])
        for place, name in enumerate(levels)
    }


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
    """Draw an estimate times `unit` as a marker on the bar of its interval: by default a diamond in
    the color of text. `place` is on the other axis, the horizontal one if the bar is `upright`.
    """
    look = look or Look(style.ink(), "D")
    ends, at = [unit * end for end in (estimate.low, estimate.high, estimate.value)], [place] * 3
    x, y = (at, ends) if upright else (ends, at)
    axes.plot(x[:2], y[:2], color=look.color, lw=2.6, solid_capstyle="butt")
    axes.plot(x[2:], y[2:], look.marker, color=look.color, ms=6.5)


def place_of(value: Any, words: Sequence[str]) -> float:
    """Return where a value lies on an axis of numbers, or of `words` if there are any."""
    return words.index(override.value(value)) if words else float(value)


def label_rows(axes: Axes, names: Sequence[str]) -> None:
    """Label the rows from the top, and hide the axis."""
    axes.set_yticks(range(len(names)), [_folded(name) for name in names])
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.tick_params(left=False)
    axes.spines["left"].set_visible(False)
    axes.grid(axis="x")


def _folded(name: str) -> str:
    """Return a label in short lines; a long pair is divided before its minus."""
    parts: list[str] = []
    for line in name.split("\n"):
        parts += line.replace(" − ", "\n− ").split("\n") if len(line) > LABEL_WIDTH else [line]
    return "\n".join(textwrap.fill(part, LABEL_WIDTH) for part in parts)


class Curve(NamedTuple):
    """A line through float (points,), and the band around it, if it has one."""

    x: np.ndarray
    y: np.ndarray
    low: np.ndarray | None = None
    high: np.ndarray | None = None
    steps: bool = False  # whether the line stays at a value until the next point


def draw_curves(axes: Axes, curves: Mapping[str, Curve], look: Mapping[str, Look]) -> None:
    """Draw each level's curve over whole numbers; of more than `CROWD`, without the bands."""
    crowded = len(curves) > CROWD
    for name, curve in curves.items():
        if not crowded and curve.low is not None and curve.high is not None:
            band: Any = {"color": look[name].color, "alpha": 0.13, "lw": 0}
            axes.fill_between(curve.x, curve.low, curve.high, **band)
        line = look[name].line | {"lw": 1.4 if crowded else 1.8, "ms": 4.5}
        drawstyle: Any = "steps-post" if curve.steps else "default"
        axes.plot(curve.x, curve.y, **line, drawstyle=drawstyle, label=name)
    style.whole_numbers(axes.xaxis)
    axes.grid(axis="y")


def name_curves(axes: Axes, curves: Mapping[str, Curve], look: Mapping[str, Look]) -> None:
    """Name the curves in a legend, or more than `CROWD` of them beside their right ends: the axes
    must have their final vertical scale and limits.
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
    places = apart(np.array([ends[name] for name in order]), LINE_HEIGHT)
    places += min(0.0, 1 - LINE_HEIGHT / 2 - places[-1])  # below the top, or else
    places += max(0.0, LINE_HEIGHT / 2 - places[0])  # above the axis
    line = {"arrowstyle": "-", "lw": 1.2, "shrinkB": 0, "relpos": (0, 0.5)}
    font: Any = {"xycoords": "axes fraction", "va": "center", "fontsize": 9}
    for name, place in zip(order, places, strict=True):
        arrow, xy = line | {"color": look[name].color}, (1.0, ends[name])
        axes.annotate(name, xy, (1.08, place), arrowprops=arrow, annotation_clip=False, **font)


def apart(places: np.ndarray, gap: float) -> np.ndarray:
    """Return ascending places, float (n,), moved at least a gap apart, by the least squares."""
    steps = gap * np.arange(len(places))
    return isotonic_regression(places - steps).x + steps


def matrix(
    axes: Axes,
    names: Sequence[str],
    values: np.ndarray,
    cells: Mapping[tuple[int, int], tuple[str, bool]],
    *,
    color: str | None = None,
    **image: Any,
) -> None:
    """Draw values, float (names, names), as colors, with the text of some cells, which may be bold,
    in one `color`, by default that of text. `image` goes to `imshow`.
    """
    axes.imshow(values, aspect="auto", **image)
    font: Any = {"ha": "center", "va": "center", "fontsize": 9.5, "color": color or style.ink()}
    for (row, column), (text, bold) in cells.items():
        axes.text(column, row, text, fontweight="bold" if bold else "normal", **font)
    places, folded = range(len(names)), list(map(_folded, names))
    words = [name.replace(" ", "\n", 1) for name in names]
    if max(map(len, "\n".join(words).split("\n"))) * len(names) <= MATRIX_WIDTH:
        axes.set_xticks(places, words)
    else:
        axes.set_xticks(places, folded, rotation=40, ha="right", rotation_mode="anchor")
    axes.set_yticks(places, folded)
    axes.tick_params(left=False, bottom=False)
    axes.spines[:].set_visible(False)


def from_ground(color: str, *, below: str | None = None) -> Colormap:
    """Return a color map from the figure's background to a color, or from `below` through it."""
    colors = [*filter(None, [below]), rcParams["figure.facecolor"], color]
    return LinearSegmentedColormap.from_list("ground", colors)


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
        axes.plot([], [], **verdict_look(verdict).line, lw=2.6, ms=6.5, label=verdict.value)


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

"""The look of every figure: colors, fonts, sizes, markers, legends and scales."""

from collections.abc import Sequence
from typing import Any

from matplotlib import rcParams
from matplotlib.axes import Axes
from matplotlib.axis import Axis, XAxis
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter, NullLocator, ScalarFormatter

# Okabe and Ito, for color-blind readers, too: https://jfly.uni-koeln.de/color/
BLUE, ORANGE, GREEN, VERMILION = "#0072B2", "#E69F00", "#009E73", "#D55E00"
PURPLE, SKY, BLACK = "#CC79A7", "#56B4E9", "#000000"
GRAY = "#8A8A8A"  # visible on white and on black
INK, FAINT = "#222222", "#DDDDDD"
# Ground (also of a dark page), text and grid of a dark figure.
NIGHT, CHALK, DUSK = "#16181C", "#E4E4E4", "#3C4048"
SERIES = (BLUE, ORANGE, GREEN, VERMILION, PURPLE, SKY, BLACK)
# Of the levels of a comparison, the reference is gray. On black the light blue is more visible.
LEVELS_ON_WHITE = (GRAY, BLUE, VERMILION, GREEN, ORANGE, PURPLE, SKY)
LEVELS_ON_BLACK = (GRAY, SKY, VERMILION, GREEN, ORANGE, PURPLE, BLUE)
VIRIDIS_ON_WHITE, VIRIDIS_ON_BLACK = (0.0, 0.82), (0.3, 1.0)  # its visible parts, for numbers

MARKERS = "os^DvPX"
DASHES: tuple[Any, ...] = ("-", (0, (4, 1.5)), (0, (1.2, 1.2)))
FINE_DASHES: Any = (0, (2, 1.5))
GUIDE: Any = {"lw": 0.8, "ls": (0, (4, 3))}  # a line to compare with

DPI = 200  # 8 inches are shown 800 pixels wide, sharp on dense screens too
WIDTH = 8.0  # inches; a run's figures
COLUMN = 6.0  # inches; a report's figures, whose text is readable on a phone
LEGEND_ROOM, LEGEND_SAMPLE = 80, 8  # widths in characters: of a legend, of the sample of a line
DECADE = 10.0  # values that span as much are drawn on a logarithmic axis


def _settings(text: str, ground: str, grid: str) -> dict[Any, Any]:
    """Return Matplotlib's settings, given the colors that depend on the background."""
    texts = ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color")
    grounds = ("figure.facecolor", "axes.facecolor", "savefig.facecolor")
    off = ("axes.spines.top", "axes.spines.right", "legend.frameon")
    return {
        "font.size": 10.5,
        "axes.titlesize": 11.5,
        "axes.titlelocation": "left",
        "figure.titlesize": 13,
        "figure.titleweight": "bold",
        "axes.axisbelow": True,
        "grid.color": grid,
        **dict.fromkeys(texts, text),
        **dict.fromkeys(grounds, ground),
        **dict.fromkeys(off, False),
    }


STYLE, DARK = _settings(INK, "white", FAINT), _settings(CHALK, NIGHT, DUSK)


def ink() -> str:
    """Return the color of text and means in the current style."""
    return rcParams["text.color"]


def is_dark() -> bool:
    """Return whether the current style is that of dark pages."""
    return rcParams["figure.facecolor"] == NIGHT


def level_colors() -> Sequence[str]:
    """Return the colors of levels in the current style, that of the reference first."""
    return LEVELS_ON_BLACK if is_dark() else LEVELS_ON_WHITE


def new_figure(height: float, title: str) -> Figure:
    """Return an empty figure of a report; its height is in inches, its title above all axes."""
    figure = Figure((COLUMN, height), layout=ConstrainedLayoutEngine(w_pad=0.08, h_pad=0.08))
    figure.suptitle(title, x=0.02, ha="left")
    return figure


def new_axes(height: float, title: str) -> tuple[Figure, Axes]:
    """Return an empty figure of a report, and the only axes on it."""
    figure = new_figure(height, title)
    return figure, figure.subplots()


def legend(axes: Axes, columns: int = 3) -> None:
    """Add the axes' legend below the figure, with fewer columns where the labels are long."""
    handles, labels = axes.get_legend_handles_labels()
    widest = max((len(line) for label in labels for line in label.split("\n")), default=0)
    columns = max(1, min(columns, LEGEND_ROOM // (widest + LEGEND_SAMPLE)))
    axes.figure.legend(handles, labels, loc="outside lower center", ncols=columns, fontsize=10)


def bars(
    axes: Axes, values: Sequence[float], texts: Sequence[str], names: Sequence[str], color: str
) -> None:
    """Draw horizontal bars, the first on top, with texts instead of an axis."""
    axes.bar_label(axes.barh(range(len(values)), values, color=color, height=0.7), texts)
    axes.set_yticks(range(len(values)), names)
    axes.set_ylim(len(values) - 0.5, -0.5)
    axes.tick_params(left=False)
    axes.xaxis.set_visible(False)
    axes.spines["bottom"].set_visible(False)


def log_axis(axis: Axis, least: int = 4) -> None:
    """Make an axis with values above zero, all drawn, logarithmic, with at least `least` ticks."""
    (axis.axes.set_xscale if isinstance(axis, XAxis) else axis.axes.set_yscale)("log")
    axis.set_minor_locator(NullLocator())
    axis.set_minor_formatter(NullFormatter())
    low, high = axis.get_view_interval()
    for subs in ((1,), (1, 3), (1, 2, 5), (1, 2, 3, 5), (1, 1.5, 2, 3, 4, 5, 6, 8)):
        axis.set_major_locator(LogLocator(subs=subs, numticks=12))
        if sum(low <= tick <= high for tick in axis.get_majorticklocs()) >= least:
            break
    else:
        axis.set_major_locator(MaxNLocator(5, min_n_ticks=least))
    axis.set_major_formatter(lambda value, _: f"{value:.4g}")


def linear_axis(axis: Axis, most: int = 7, *, integer: bool = False) -> None:
    """Divide an axis into at most so many intervals between round numbers."""
    steps = (1, 2, 2.5, 5, 10)
    axis.set_major_locator(MaxNLocator(most, steps=steps, min_n_ticks=4, integer=integer))
    axis.set_major_formatter(ScalarFormatter(useOffset=False))


def value_axis(axis: Axis, values: Sequence[float]) -> None:
    """Scale an axis of values, logarithmically where they span a decade."""
    spans_a_decade = min(values) > 0 and max(values) / min(values) >= DECADE
    (log_axis if spans_a_decade else linear_axis)(axis)


def whole_numbers(axis: Axis) -> None:
    """Give an axis of epochs, seeds or trials ticks at whole numbers only."""
    axis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))

"""The figures of a report, laid out, and what can be read off them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Text

from src.analysis.findings import Findings
from src.reporting.activation_exhibits import Profile
from src.reporting.exhibits import Exhibit
from tests.support.simulated_runs import costs, curve


@dataclass(frozen=True)
class Drawn:
    """Every figure by its name, laid out, with its texts that are seen."""

    figures: Mapping[str, Figure]
    texts: Mapping[str, list[Text]]


def draw(exhibits: Iterable[Exhibit], style: Any) -> Drawn:
    """Lay every exhibit's figure out in a style."""
    drawn = {}
    for exhibit in exhibits:
        with rc_context(style):
            drawn[exhibit.name] = exhibit.draw()
            drawn[exhibit.name].draw_without_rendering()
    return Drawn(drawn, {name: visible(figure) for name, figure in drawn.items()})


def profile(found: Findings) -> Profile:
    """Return simulated curves and costs of the activations: each steeper than the one before."""
    return Profile(
        curves={name: curve(number) for number, name in enumerate(found.levels, 1)},
        learned={name: [curve(0.5), curve(9)] for name in found.betas},
        start=dict.fromkeys(found.betas, 1.0),
        costs=costs(found.levels),
    )


def visible(figure: Figure) -> list[Text]:
    """Return the texts that are seen: not the labels of ticks outside of their axis."""
    hidden = set()
    for axes in figure.findobj(Axes):
        for axis in (axes.xaxis, axes.yaxis):
            low, high = sorted(axis.get_view_interval())
            for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks()):
                if not (low <= tick.get_loc() <= high and axes.get_visible()):
                    hidden |= {tick.label1, tick.label2}
    return [
        text
        for text in figure.findobj(Text)
        if text.get_visible() and text.get_text().strip() and text not in hidden
    ]


def said(figure: Figure) -> list[str]:
    """Return the texts that are seen, each in one line."""
    return [" ".join(text.get_text().split()) for text in visible(figure)]


def rows(axes: Axes) -> list[str]:
    """Return the first line of each row's label, from the top."""
    return [label.get_text().split("\n")[0] for label in axes.get_yticklabels()]


def dots(axes: Axes, count: int) -> list[Line2D]:
    """Return the lines of so many points, which are drawn as dots, by their place from the top."""
    found = [
        line
        for line in axes.lines
        if len(line.get_xdata()) == count and line.get_linestyle() == "None"
    ]
    return sorted(found, key=lambda line: np.mean(line.get_ydata()))


def xs(line: Line2D) -> list[float]:
    """Return the x of each point."""
    return np.asarray(line.get_xdata()).tolist()


def labelled(axes: Axes) -> dict[str, Line2D]:
    """Return the lines with a label, by it."""
    return {line.get_label(): line for line in axes.lines if line.get_label()[0] != "_"}

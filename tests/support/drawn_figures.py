"""The figures of a report, laid out, and what can be read off them."""

from collections.abc import Callable, Iterable
from itertools import combinations
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Text

from src.analysis.findings import Findings
from src.evaluation import style
from src.reporting.activation_exhibits import Profile
from src.reporting.exhibits import Exhibit
from tests.support.simulated_runs import costs, curve


def draw(exhibits: Iterable[Exhibit], settings: Any) -> dict[str, Figure]:
    """Lay the figure of every exhibit out in a style; return them by name."""
    with rc_context(settings):
        figures = {exhibit.name: exhibit.draw() for exhibit in exhibits}
        for figure in figures.values():
            figure.draw_without_rendering()
    return figures


def panels_of(draw: Callable[..., Figure], *given: Any) -> list[Axes]:
    """Draw a figure in the light style; return its axes."""
    with rc_context(style.STYLE):
        return draw(*given).axes


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
    texts = [text for text in figure.findobj(Text) if text not in hidden]
    return [text for text in texts if text.get_visible() and text.get_text().strip()]


def said(figure: Figure) -> list[str]:
    """Return the texts that are seen, each in one line."""
    return [" ".join(text.get_text().split()) for text in visible(figure)]


def rows(axes: Axes) -> list[str]:
    """Return the first line of each row's label, from the top."""
    return [label.get_text().split("\n")[0] for label in axes.get_yticklabels()]


def dots(axes: Axes, count: int) -> list[Line2D]:
    """Return the lines of so many points, which are drawn as dots, by their place from the top."""
    found = [line for line in axes.lines if line.get_linestyle() == "None"]
    found = [line for line in found if len(line.get_xdata()) == count]
    return sorted(found, key=lambda line: np.mean(line.get_ydata()))


def xs(line: Line2D) -> list[float]:
    """Return the x of each point."""
    return np.asarray(line.get_xdata()).tolist()


def labelled(axes: Axes) -> dict[str, Line2D]:
    """Return the lines with a label, by it."""
    return {line.get_label(): line for line in axes.lines if line.get_label()[0] != "_"}


def check_layout(figure: Figure) -> None:
    """Assert that no text that is seen leaves the canvas or covers another."""
    boxes = {text: Text.get_window_extent(text) for text in visible(figure)}  # without arrows
    assert len(boxes) > 2
    for text, box in boxes.items():
        assert figure.bbox.contains(*box.min), text
        assert figure.bbox.contains(*box.max), text
    for (one, box), (other, beside) in combinations(boxes.items(), 2):
        if one.get_rotation() and other.get_rotation():
            continue  # aslant, their boxes say little
        # The boxes have a little air around the letters, so that they may touch.
        across = min(box.x1, beside.x1) - max(box.x0, beside.x0)
        down = min(box.y1, beside.y1) - max(box.y0, beside.y0)
        assert across < 1 or down < 2, (one, other)


def contrast(one: Any, other: Any) -> float:
    """Return the ratio of two colors' luminances by WCAG 2, from 1 to 21."""
    rgb = np.array([to_rgb(one), to_rgb(other)])
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    dark, bright = sorted(linear @ [0.2126, 0.7152, 0.0722])
    return (bright + 0.05) / (dark + 0.05)

"""The exhibits of a report: its figures with their captions, each in a light and a dark version."""

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure

from src.analysis.findings import Findings
from src.data import sources
from src.evaluation import figures, style
from src.reporting import captions, comparison_figures
from src.reporting.captions import Caption

STYLES: dict[str, Any] = {"": style.STYLE, "-dark": style.DARK}  # by suffix of the file name


@dataclass(frozen=True)
class Exhibit:
    """A figure, drawn in the style of Matplotlib's current settings, and its caption. The name is
    that of its files, and of the exhibit in the page.
    """

    name: str
    caption: Caption
    draw: Callable[[], Figure]


@dataclass(frozen=True)
class Embedded:
    """An exhibit in the page: its caption, and both versions as data URIs."""

    caption: Caption
    light: str
    dark: str


def of(
    found: Findings,
    images: Mapping[int, np.ndarray] | None,
    labels: np.ndarray,
    classes: Sequence[str] = sources.DIGITS,
) -> list[Exhibit]:
    """Return the exhibits of any comparison, as far as there are findings for them, given the
    held-out images to show, uint8 (28, 28), by position, if available, all true labels, uint8
    (images,), and the names of the ten classes.
    """
    drawn = comparison_figures
    general = ["accuracy", "differences", "power", "learning_curves", "calibration"]
    general += ["error_overlap"] * (found.overlap is not None)
    general += [*["difference_table"] * (len(found.pairs) > drawn.MANY_PAIRS)]
    exhibits = [
        Exhibit(name, getattr(captions, name)(found), partial(getattr(drawn, name), found))
        for name in general
    ]
    if found.times and found.times.estimates:
        caption = captions.epoch_time(found.times, found.reference, found.factor)
        times = partial(drawn.epoch_time, found, found.times)
        exhibits.append(Exhibit("epoch_time", caption, times))
    if images is not None and any(map(len, found.uniquely_misclassified.values())):
        caption = captions.uniquely_misclassified(found)
        unique = partial(drawn.uniquely_misclassified, found, images, labels, classes)
        exhibits.append(Exhibit("uniquely_misclassified", caption, unique))
    return exhibits


def draw(exhibits: Sequence[Exhibit], folder: Path) -> dict[str, Embedded]:
    """Write both versions of every figure into a folder, as PNG; return the exhibits as the page
    has them, by name.
    """
    embedded = {}
    for exhibit in exhibits:
        for ending, settings in STYLES.items():
            with rc_context(settings):
                figures.save(exhibit.draw(), folder / f"{exhibit.name}{ending}.png")
        drawn = ((folder / f"{exhibit.name}{ending}.png").read_bytes() for ending in STYLES)
        uris = (f"data:image/png;base64,{base64.b64encode(png).decode()}" for png in drawn)
        embedded[exhibit.name] = Embedded(exhibit.caption, *uris)
    return embedded

"""The exhibit of a factor whose levels are numbers: accuracy against value."""

from collections.abc import Mapping
from functools import partial

import numpy as np
from matplotlib.figure import Figure

from src.analysis.findings import Findings
from src.analysis.run_set import RunSet
from src.evaluation.style import GRAY, ink, legend, linear_axis, new_figure, value_axis
from src.reporting.captions import Caption, named, points
from src.reporting.drawing import interval, looks_of
from src.reporting.exhibits import Exhibit
from src.runtime.formatting import count, percent, span


def of(runs: RunSet, found: Findings) -> list[Exhibit]:
    """Return the exhibit of a numeric factor for a set of runs and the findings on it."""
    values = {name: float(runs.values.get(name, name)) for name in found.levels}
    return [Exhibit("values", caption(values, found), partial(figure, values, found))]


def figure(values: Mapping[str, float], found: Findings) -> Figure:
    """Draw the accuracy of every run against its level's value, one line per seed."""
    drawn = new_figure(4.2, f"Accuracy by {found.factor.noun}")
    axes = drawn.subplots()
    names = sorted(found.levels, key=values.__getitem__)
    x = [values[name] for name in names]
    runs = 100 * np.array([found.accuracy[name] for name in names])
    axes.plot(x, runs, color=GRAY, lw=0.9, alpha=0.6)
    axes.plot([], [], color=GRAY, lw=0.9, label="one seed")
    axes.plot(x, [100 * found.means[name].value for name in names], color=ink(), lw=1.8)
    look = looks_of(found)
    for name, place in zip(names, x, strict=True):
        interval(axes, place, found.means[name], look[name], upright=True)
    axes.plot([], [], "o-", color=ink(), lw=1.8, label="mean with 95% CI")
    middle = 100 * found.means[found.reference].value
    effect = 100 * found.smallest_effect
    axes.axhspan(middle - effect, middle + effect, color=GRAY, alpha=0.16, lw=0)
    label = f"within {points(found.smallest_effect, 2)} of {found.reference}"
    axes.fill_between([], [], color=GRAY, alpha=0.16, label=label)
    value_axis(axes.xaxis, x)
    axes.set_xticks(x, [f"{one:g}" for one in x], rotation=45 if len(x) > 6 else 0)
    axes.set_xlabel(found.factor.noun[0].upper() + found.factor.noun[1:])
    axes.set_ylabel("Held-out accuracy (%)")
    axes.grid(axis="y")
    linear_axis(axes.yaxis)
    legend(axes)
    return drawn


def caption(values: Mapping[str, float], found: Findings) -> Caption:
    """Say where the accuracy is highest, and whether that is an end of what was tried."""
    names = sorted(found.levels, key=values.__getitem__)
    best = max(names, key=lambda name: found.means[name].value)
    mean = found.means[best]
    noun = found.factor.noun
    finding = (
        f"The mean accuracy is highest at {named(found.factor, best)}: {percent(mean.value)} "
        f"(95% CI {span(100 * mean.low, 100 * mean.high)})."
    )
    if best in (names[0], names[-1]):
        end, way = ("lowest", "lower") if best == names[0] else ("highest", "higher")
        finding += f" That is the {end} {noun} tried: a {way} one may be better still."
    else:
        finding += f" Both a lower and a higher {noun} were tried."
    return Caption(
        finding,
        f"Each gray line is one of {count(len(found.seeds), 'seed')}, the black line their mean; "
        "the bars are 95% CIs for new seeds on these images. Inside the band, the difference from "
        f"{named(found.factor, found.reference)} is smaller than what matters here.",
    )

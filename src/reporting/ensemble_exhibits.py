"""The exhibit of ensembles: the gain of averaging a level's seeds."""

from collections.abc import Mapping
from functools import partial

from matplotlib.figure import Figure

from src.analysis import ensemble
from src.analysis.ensemble import EnsembleCurve
from src.analysis.findings import Findings
from src.analysis.run_set import RunSet
from src.core.formatting import count, percent, points
from src.evaluation import style
from src.reporting import drawing
from src.reporting.captions import CROWD, Caption, named
from src.reporting.drawing import Curve, looks_of
from src.reporting.exhibits import Exhibit


def of(runs: RunSet, found: Findings) -> list[Exhibit]:
    """Return the exhibit of ensembles."""
    curves = {name: ensemble.curve(runs.probabilities(name), runs.labels) for name in found.levels}
    return [Exhibit("ensembles", caption(found, curves), partial(figure, found, curves))]


def figure(found: Findings, curves: Mapping[str, EnsembleCurve]) -> Figure:
    """Draw the accuracy of each level's averaged probabilities against the number of seeds."""
    plot, axes = style.new_axes(4.3, "Accuracy of the seeds as an ensemble")
    lines = {
        name: Curve(one.members, 100 * one.mean, 100 * one.low, 100 * one.high)
        for name, one in curves.items()
    }
    drawing.draw_curves(axes, lines, looks_of(found))
    style.linear_axis(axes.yaxis)
    axes.set(xlabel="Seeds averaged", ylabel="Held-out accuracy (%)")
    drawing.name_curves(axes, lines, looks_of(found))
    return plot


def caption(found: Findings, curves: Mapping[str, EnsembleCurve]) -> Caption:
    """Say which ensemble is best, and how much it gains over its members."""
    best = max(curves, key=lambda name: curves[name].mean[-1])
    gains = {name: float(curve.mean[-1] - curve.mean[0]) for name, curve in curves.items()}
    least, most = min(gains, key=gains.__getitem__), max(gains, key=gains.__getitem__)
    size, means = count(len(found.seeds), "seed"), curves[best].mean
    spread = "" if len(curves) > CROWD else ", the band spans the worst to the best"
    subsets = max(int(curve.subsets.max()) for curve in curves.values())
    which = f"at most {subsets:,} subsets" if subsets >= ensemble.MOST_SUBSETS else "all subsets"
    return Caption(
        f"All {size} of {named(found.factor, best)} together attain {percent(means[-1])}, the most "
        f"of any {found.factor.noun}; one alone, {percent(means[0])} on average. The gain over one "
        f"seed is {points(gains[least])} ({least}) to {points(gains[most])} ({most}).",
        f"The runs' probabilities are averaged, over {which} of each size; the line is the mean "
        f"over the subsets{spread}. The spread narrows by itself, as larger subsets share members: "
        "it is no confidence interval.",
    )

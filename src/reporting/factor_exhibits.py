"""The exhibits of a factor: ensembles, a numeric factor's values, and models by their cost."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter

from src.analysis import ensemble
from src.analysis.ensemble import EnsembleCurve
from src.analysis.findings import Findings
from src.analysis.run_set import RunSet
from src.config.factor import VARIANT
from src.core.formatting import count, listed, percent, points, span
from src.evaluation import style
from src.reporting import activation_exhibits, drawing, tuning_exhibits
from src.reporting.captions import CROWD, Caption, named
from src.reporting.evidence import Evidence
from src.reporting.exhibits import Exhibit

MODEL = "model"


def of(evidence: Evidence, found: Findings) -> list[Exhibit]:
    """Return the exhibits of the factor of a set of runs."""
    runs, more = evidence.runs, []
    if evidence.tuning:
        more += tuning_exhibits.of(evidence.tuning, found)
    if runs.ensembles:
        more.append(ensembles(runs, found))
    if evidence.profile:
        return [*activation_exhibits.of(found, evidence.profile), *more]
    if found.factor.numeric:
        return [by_value(runs, found), *more]
    return [*(by_cost(found, evidence.parameters) if has_models(runs) else []), *more]


def has_models(runs: RunSet) -> bool:
    """Return whether each level is another model."""
    words = [ones[0].params.get(MODEL) for ones in runs.trainings.values()]
    differ = runs.factor.key == VARIANT and None not in words and len(set(words)) == len(words)
    return runs.factor.key == MODEL or differ


def ensembles(runs: RunSet, found: Findings) -> Exhibit:
    """Return the exhibit of ensembles."""
    curves = {name: runs.ensembles[name] for name in found.levels}
    caption, draw = _ensembles_caption(found, curves), partial(_ensembles_figure, found, curves)
    return Exhibit("ensembles", caption, draw)


def _ensembles_figure(found: Findings, curves: Mapping[str, EnsembleCurve]) -> Figure:
    figure, axes = style.new_axes(4.3, "Accuracy of the seeds as an ensemble")
    lines = {}
    for name, one in curves.items():
        lines[name] = drawing.Curve(one.members, 100 * one.mean, 100 * one.low, 100 * one.high)
    drawing.draw_curves(axes, lines, drawing.looks_of(found))
    style.linear_axis(axes.yaxis)
    axes.set(xlabel="Seeds averaged", ylabel="Held-out accuracy (%)")
    drawing.name_curves(axes, lines, drawing.looks_of(found))
    return figure


def _ensembles_caption(found: Findings, curves: Mapping[str, EnsembleCurve]) -> Caption:
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
        "it is not a confidence interval.",
    )


def by_value(runs: RunSet, found: Findings) -> Exhibit:
    """Return the exhibit of a numeric factor."""
    values = {name: float(runs.values.get(name, name)) for name in found.levels}
    return Exhibit("values", _values_caption(values, found), partial(_values_figure, values, found))


def _values_figure(values: Mapping[str, float], found: Findings) -> Figure:
    figure, axes = style.new_axes(4.2, f"Accuracy by {found.factor.noun}")
    names = sorted(found.levels, key=values.__getitem__)
    x = [values[name] for name in names]
    seeds: Any = {"color": style.GRAY, "lw": 0.9}
    axes.plot(x, 100 * np.array([found.accuracy[name] for name in names]), **seeds, alpha=0.6)
    axes.plot([], [], **seeds, label="one seed")
    mean: Any = {"color": style.ink(), "lw": 1.8}
    axes.plot(x, [100 * found.means[name].value for name in names], **mean)
    axes.plot([], [], "o-", **mean, label="mean with 95% CI")
    for name, look in drawing.looks_of(found).items():
        drawing.interval(axes, values[name], found.means[name], look, upright=True)
    middle, effect = 100 * found.means[found.reference].value, 100 * found.smallest_effect
    label = f"within {points(found.smallest_effect, 2)} of {found.reference}"
    band: Any = {"color": style.GRAY, "alpha": 0.16, "lw": 0, "label": label}
    axes.axhspan(middle - effect, middle + effect, **band)
    style.value_axis(axes.xaxis, x)
    axes.set_xticks(x, [f"{one:g}" for one in x], rotation=45 if len(x) > 6 else 0)
    noun = found.factor.noun
    axes.set(xlabel=noun[0].upper() + noun[1:], ylabel="Held-out accuracy (%)")
    style.linear_axis(axes.yaxis)
    axes.grid(axis="y")
    style.legend(axes)
    return figure


def _values_caption(values: Mapping[str, float], found: Findings) -> Caption:
    names = sorted(found.levels, key=values.__getitem__)
    best = max(names, key=lambda name: found.means[name].value)
    mean, noun = found.means[best], found.factor.noun
    where = f"Both a lower and a higher {noun} were tried."
    if best in (names[0], names[-1]):
        end, way = ("lowest", "lower") if best == names[0] else ("highest", "higher")
        where = f"That is the {end} {noun} tried: a {way} one may be better still."
    return Caption(
        f"The mean accuracy is highest at {named(found.factor, best)}: {percent(mean.value)} "
        f"(95% CI {span(100 * mean.low, 100 * mean.high)}). {where}",
        f"Each gray line is one of {count(len(found.seeds), 'seed')}, the black line their mean; "
        f"the bars are 95% CIs {found.intervals}. Inside the band, the difference from "
        f"{named(found.factor, found.reference)} is smaller than what matters here.",
    )


def by_cost(found: Findings, parameters: Mapping[str, int]) -> list[Exhibit]:
    """Return the exhibit of models, if a cost is known; `parameters` may be empty."""
    costs: dict[str, Mapping[str, float]] = {}
    if found.times and not found.times.apart:
        seconds = found.times.seconds.items()
        costs["Seconds per epoch"] = {name: float(np.median(ones)) for name, ones in seconds}
    costs |= {"Parameters": parameters} if parameters else {}
    means = {name: found.means[name].value for name in found.levels}
    best = {label: front(cost, means) for label, cost in costs.items()}
    caption, draw = _pareto_caption(found, best), partial(_pareto_figure, found, costs, best)
    return [Exhibit("pareto", caption, draw)] if costs else []


def front(costs: Mapping[str, float], accuracy: Mapping[str, float]) -> list[str]:
    """Return the levels that no other beats in both cost and accuracy, the cheapest first."""
    kept: list[str] = []
    for name in sorted(costs, key=lambda name: (costs[name], -accuracy[name])):
        if not kept or accuracy[name] > accuracy[kept[-1]]:
            kept.append(name)
    return kept


def _pareto_figure(
    found: Findings, costs: Mapping[str, Mapping[str, float]], fronts: Mapping[str, Sequence[str]]
) -> Figure:
    figure = style.new_figure(0.9 + 3.0 * len(costs), "Accuracy against cost")
    panels = figure.subplots(len(costs), 1, squeeze=False)[:, 0]
    for axes, (label, cost) in zip(panels, costs.items(), strict=True):
        best = fronts[label]
        x, y = zip(*((cost[name], 100 * found.means[name].value) for name in best), strict=True)
        axes.step(x, y, where="post", color=style.ink(), **style.GUIDE)
        font: Any = {"textcoords": "offset points", "fontsize": 10}
        for name, look in drawing.looks_of(found).items():
            drawing.interval(axes, cost[name], found.means[name], look, upright=True)
            below, weight = (5, "bold") if name in best else (-12, "normal")
            at = cost[name], 100 * found.means[name].value
            axes.annotate(name, at, (8, below), fontweight=weight, **font)
        axes.margins(x=0.16, y=0.14)
        style.value_axis(axes.xaxis, list(cost.values()))
        if max(cost.values()) >= 1e4:
            axes.xaxis.set_major_formatter(EngFormatter(sep=""))  # 500k, 1M
        axes.set(xlabel=label, ylabel="Held-out accuracy (%)")
        axes.grid()
    return figure


def _pareto_caption(found: Findings, fronts: Mapping[str, Sequence[str]]) -> Caption:
    parts = []
    for label, best in fronts.items():
        parts.append(f"By {label.lower()}, the Pareto front is {listed(best)}")
        if beaten := [name for name in found.levels if name not in best]:
            verb = "is" if len(beaten) == 1 else "are"
            parts[-1] += f"; {listed(beaten)} {verb} beaten by a cheaper one"
    return Caption(
        f"{'. '.join(parts)}.",
        f"The markers are mean accuracies with 95% CIs {found.intervals}, the median epoch's time "
        "and the number of parameters. The dashed line is the Pareto front: a model on it "
        "(bold) has the highest mean of all that cost no more; the verdicts say whether two models "
        "differ significantly.",
    )

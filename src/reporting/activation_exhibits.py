"""The exhibits that only a comparison of activations has: their cost, their β, their shapes."""

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, MultipleLocator

from src.analysis.findings import Findings
from src.evaluation.style import BLUE, FINE_DASHES, GUIDE, ORANGE, ink, legend, new_figure
from src.reporting.activation_measures import Cost, Curve, Profile
from src.reporting.captions import Caption
from src.reporting.drawing import label_rows, looks, looks_of
from src.reporting.exhibits import Exhibit
from src.runtime.formatting import count, listed, signed, span


def of(found: Findings, own: Profile) -> list[Exhibit]:
    """Return the exhibits on the activations themselves.

    Args:
        found: the findings.
        own: the profile of the activations.
    """
    exhibits = [
        Exhibit(
            "activation_cost",
            cost_caption(own.costs, found.reference),
            partial(cost_figure, own.costs),
        ),
        Exhibit(
            "shapes", shapes_caption(own.curves), partial(shapes_figure, own.curves, own.learned)
        ),
    ]
    if found.betas:
        exhibits.append(
            Exhibit(
                "betas", betas_caption(found, own.start), partial(betas_figure, found, own.start)
            )
        )
    return exhibits


def cost_figure(costs: Mapping[str, Cost]) -> Figure:
    """Draw the cost of each activation alone per element, the cheapest on top."""
    order = sorted(costs, key=lambda name: costs[name].median_total)
    figure = new_figure(1.7 + 0.42 * len(order), "Cost of the activation alone")
    axes = figure.subplots()
    for row, name in enumerate(order):
        forward, backward = costs[name].median_forward, costs[name].added_by_gradient
        first = row == 0
        axes.barh(row, forward, 0.6, color=BLUE, label="forward" if first else None)
        axes.barh(
            row, backward, 0.6, left=forward, color=ORANGE, label="backward" if first else None
        )
        total = costs[name].median_total
        axes.text(total, row, f"  {total:.2f}", va="center")
    label_rows(axes, order)
    axes.set_xlim(0, 1.12 * max(cost.median_total for cost in costs.values()))
    axes.set_xlabel("Nanoseconds per element")
    legend(axes)
    return figure


def cost_caption(costs: Mapping[str, Cost], reference: str) -> Caption:
    """Say what the reference costs per element, and how many times as much the others do."""
    standard = costs[reference].median_total
    others = listed(
        [
            f"{name} {cost.median_total / standard:.2f}×"
            for name, cost in costs.items()
            if name != reference
        ]
    )
    return Caption(
        f"Forward plus backward, {reference} costs {standard:.2f} ns per element; relative "
        f"to that, {others}.",
        f"Medians of {count(len(costs[reference].forward), 'interleaved round')} on the machine "
        "that made this report, on a tensor larger than a core's cache, in the numeric precision "
        "of the runs. The backward part is what the gradient adds.",
    )


def betas_figure(found: Findings, start: Mapping[str, float]) -> Figure:
    """Draw the learned β of every layer and seed by epoch.

    Args:
        found: the findings.
        start: the initial β, by activation.
    """
    layers = list(next(iter(found.betas.values())))
    across = min(3, len(layers))
    down = -(-len(layers) // across)
    figure = new_figure(1.1 + 1.75 * down, "β of every layer by epoch, one line per seed")
    look = looks_of(found)
    grid = np.ravel(figure.subplots(down, across, sharex=True, sharey=True, squeeze=False))
    for number, (axes, layer) in enumerate(zip(grid, layers, strict=False), 1):
        for name, by_layer in found.betas.items():
            values = by_layer[layer]
            epochs = np.arange(values.shape[1] + 1)
            lines = np.column_stack([np.full(len(values), start[name]), values])
            axes.axhline(start[name], color=ink(), **GUIDE)
            axes.plot(epochs, lines.T, color=look[name].color, lw=1, alpha=0.55)
            axes.plot(epochs, np.median(lines, axis=0), color=look[name].color, lw=2.2, label=name)
        ends = [f"{np.median(by_layer[layer][:, -1]):.2f}" for by_layer in found.betas.values()]
        axes.set_title(f"Layer {number} → {listed(ends)}", fontsize=10.5)
        axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))
        axes.grid(axis="y")
    for axes in grid[len(layers) :]:
        axes.set_visible(False)
    figure.supxlabel("Epoch", fontsize=10.5)
    if len(found.betas) > 1:
        legend(grid[0], 1)
    return figure


def betas_caption(found: Findings, start: Mapping[str, float]) -> Caption:
    """Say what β is learned in which layers, and how far the seeds agree."""
    sentences = []
    for name, layers in found.betas.items():
        ends = [values[:, -1] for values in layers.values()]
        medians = [float(np.median(end)) for end in ends]
        up = [number for number, end in enumerate(ends, 1) if (end > start[name]).all()]
        down = [number for number, end in enumerate(ends, 1) if (end < start[name]).all()]
        least, most = int(np.argmin(medians)), int(np.argmax(medians))
        spread = max(float(np.ptp(end)) for end in ends)
        reached = f"{signed(medians[least])} in layer {least + 1}"
        if len(ends) > 1:
            reached += f" (lowest) and {signed(medians[most])} in layer {most + 1} (highest)"
        sentences.append(
            f"{name}: starting at {signed(start[name])}, the median β reaches {reached}. With "
            f"every seed, β rises in {_layers(up)} and falls in {_layers(down)}; within a layer, "
            f"seeds differ by at most {spread:.2f}."
        )
    return Caption(
        " ".join(sentences),
        "Each thin line is a seed, the thick line their median; the dashed line marks the initial "
        "β. Layers are counted from the input.",
    )


def shapes_figure(curves: Mapping[str, Curve], learned: Mapping[str, Sequence[Curve]]) -> Figure:
    """Draw the activations and their derivatives.

    Args:
        curves: with the initial β, by activation, the reference first.
        learned: with the smallest and the largest learned β, by activation.
    """
    figure = new_figure(4.2, "The activations and their derivatives")
    panels = figure.subplots(1, 2)
    for axes, part, title in zip(panels, ("value", "slope"), ("f(x)", "f′(x)"), strict=True):
        for name, look in looks(list(curves)).items():
            curve = curves[name]
            axes.plot(curve.x, getattr(curve, part), color=look.color, lw=2, label=name)
            for one in learned.get(name, ()):
                axes.plot(one.x, getattr(one, part), color=look.color, lw=1.2, ls=FINE_DASHES)
        axes.set_title(title)
        axes.xaxis.set_major_locator(MultipleLocator(2))
        axes.set_xlim(curve.x[0], curve.x[-1])
        axes.set_xlabel("x")
        axes.grid()
    if learned:
        panels[0].plot([], [], color=ink(), lw=1.2, ls=FINE_DASHES, label="with learned β")
    legend(panels[0])
    return figure


def shapes_caption(curves: Mapping[str, Curve]) -> Caption:
    """Say how far each activation dips below zero, and what its slopes are."""
    dips = []
    for name, curve in curves.items():
        lowest = int(curve.value.argmin())
        inside = 0 < lowest < len(curve.x) - 1
        if inside and curve.value[lowest] < -0.001:
            dips.append(f"{name} {signed(curve.value[lowest])} at x = {signed(curve.x[lowest], 1)}")
    steep = []
    for name, curve in curves.items():
        # To five decimals, because float32 has no 0.3, and its neighbor would be rounded outward.
        low, high = (round(float(end), 5) for end in (curve.slope.min(), curve.slope.max()))
        steep.append(f"{name} {span(low, high)}")
    below = f"Minima below zero: {listed(dips)}. " if dips else "None has a minimum below zero. "
    return Caption(
        f"{below}Slopes: {listed(steep)}.",
        "Computed with the layers that the runs used; derivatives by automatic differentiation.",
    )


def _layers(numbers: Sequence[int]) -> str:
    if not numbers:
        return "no layer"
    return f"layer{'s' * (len(numbers) > 1)} {listed([str(number) for number in numbers])}"

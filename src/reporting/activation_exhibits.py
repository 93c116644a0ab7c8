"""The exhibits of activations only, and the data of these, which activation_profile.py measures."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, MultipleLocator

from src.analysis.findings import Findings
from src.core.formatting import count, listed, signed, span
from src.evaluation.style import BLUE, FINE_DASHES, GUIDE, ORANGE, ink, legend, new_axes, new_figure
from src.reporting.captions import Caption
from src.reporting.drawing import label_rows, looks, looks_of
from src.reporting.exhibits import Exhibit


@dataclass(frozen=True)
class Curve:
    """A function and its derivative, both float (points,)."""

    x: np.ndarray
    value: np.ndarray
    slope: np.ndarray


@dataclass(frozen=True)
class Cost:
    """Nanoseconds per element, float (rounds,); `backward` is what the gradient adds."""

    forward: np.ndarray
    backward: np.ndarray

    @property
    def medians(self) -> tuple[float, float, float]:
        """The median forward pass, what the gradient adds to that, and the median of their sum."""
        forward, total = np.median([self.forward, self.forward + self.backward], axis=1).tolist()
        return forward, total - forward, total


@dataclass(frozen=True)
class Profile:
    """The activations of a set of runs by themselves, by name."""

    curves: Mapping[str, Curve]  # with the initial β, the reference first
    learned: Mapping[str, list[Curve]]  # with the smallest and largest β, if it is learned
    start: Mapping[str, float]  # the initial β, if it is learned
    costs: Mapping[str, Cost]  # of each layer alone


def final_betas(layers: Mapping[str, np.ndarray]) -> list[float]:
    """Return the median over seeds of each layer's last β, of β by layer, float (seeds, epochs)."""
    return [float(np.median(values[:, -1])) for values in layers.values()]


def of(found: Findings, own: Profile) -> list[Exhibit]:
    """Return the exhibits on the activations themselves."""
    caption, cost = cost_caption(own.costs, found.reference), partial(cost_figure, own.costs)
    shapes = Exhibit("shapes", shapes_caption(own.curves), partial(_shapes_figure, own))
    exhibits = [Exhibit("activation_cost", caption, cost), shapes]
    if found.betas:
        betas = partial(betas_figure, found, own.start)
        exhibits.append(Exhibit("betas", betas_caption(found, own.start), betas))
    return exhibits


def cost_figure(costs: Mapping[str, Cost]) -> Figure:
    """Draw the cost of each activation alone per element, the cheapest on top."""
    order = sorted(costs, key=lambda name: costs[name].medians[-1])
    figure, axes = new_axes(1.7 + 0.42 * len(order), "Cost of the activation alone")
    forward, backward, totals = zip(*(costs[name].medians for name in order), strict=True)
    rows = range(len(order))
    axes.barh(rows, forward, 0.6, color=BLUE, label="forward")
    bars = axes.barh(rows, backward, 0.6, left=forward, color=ORANGE, label="backward")
    axes.bar_label(bars, [f"  {total:.2f}" for total in totals])
    label_rows(axes, order)
    axes.set_xlim(0, 1.12 * totals[-1])
    axes.set_xlabel("Nanoseconds per element")
    legend(axes)
    return figure


def cost_caption(costs: Mapping[str, Cost], reference: str) -> Caption:
    """Say what the reference costs per element, and how many times as much the others do."""
    totals = {name: cost.medians[-1] for name, cost in costs.items()}
    standard = totals.pop(reference)
    others = [f"{name} {total / standard:.2f}×" for name, total in totals.items()]
    return Caption(
        f"Forward plus backward, {reference} costs {standard:.2f} ns per element; relative "
        f"to that, {listed(others)}.",
        f"Medians of {count(len(costs[reference].forward), 'interleaved round')} on the machine "
        "that made this report, on a tensor larger than a core's cache, in the numeric precision "
        "of the runs. The backward part is what the gradient adds.",
    )


def betas_figure(found: Findings, start: Mapping[str, float]) -> Figure:
    """Draw the learned β of every layer and seed by epoch, from the initial β, by activation."""
    layers = list(next(iter(found.betas.values())))
    across, down = min(3, len(layers)), -(-len(layers) // 3)
    figure = new_figure(1.1 + 1.75 * down, "β of every layer by epoch, one line per seed")
    look = looks_of(found)
    grid = np.ravel(figure.subplots(down, across, sharex=True, sharey=True, squeeze=False))
    for place, (axes, layer) in enumerate(zip(grid, layers, strict=False)):
        for name, by_layer in found.betas.items():
            values, color = by_layer[layer], look[name].color
            lines = np.insert(values, 0, start[name], axis=1)
            axes.axhline(start[name], color=ink(), **GUIDE)
            axes.plot(lines.T, color=color, lw=1, alpha=0.55)
            axes.plot(np.median(lines, axis=0), color=color, lw=2.2, label=name)
        ends = [f"{final_betas(by_layer)[place]:.2f}" for by_layer in found.betas.values()]
        axes.set_title(f"Layer {place + 1} → {listed(ends)}", fontsize=10.5)
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
        ends = np.array([values[:, -1] for values in layers.values()])
        medians, spread = final_betas(layers), np.ptp(ends, axis=1).max()
        up = np.flatnonzero((ends > start[name]).all(axis=1)) + 1
        down = np.flatnonzero((ends < start[name]).all(axis=1)) + 1
        least, most = int(np.argmin(medians)), int(np.argmax(medians))
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


def _shapes_figure(own: Profile) -> Figure:
    figure = new_figure(4.2, "The activations and their derivatives")
    panels = figure.subplots(1, 2)
    for axes, part, title in zip(panels, ("value", "slope"), ("f(x)", "f′(x)"), strict=True):
        for name, look in looks(list(own.curves)).items():
            curve = own.curves[name]
            axes.plot(curve.x, getattr(curve, part), color=look.color, lw=2, label=name)
            for one in own.learned.get(name, ()):
                axes.plot(one.x, getattr(one, part), color=look.color, lw=1.2, ls=FINE_DASHES)
        axes.set_title(title)
        axes.xaxis.set_major_locator(MultipleLocator(2))
        axes.set_xlim(curve.x[0], curve.x[-1])
        axes.set_xlabel("x")
        axes.grid()
    if own.learned:
        panels[0].plot([], [], color=ink(), lw=1.2, ls=FINE_DASHES, label="with learned β")
    legend(panels[0])
    return figure


def shapes_caption(curves: Mapping[str, Curve]) -> Caption:
    """Say how far each activation dips below zero, and what its slopes are."""
    dips, slopes = [], []
    for name, curve in curves.items():
        lowest = int(curve.value.argmin())
        if 0 < lowest < len(curve.x) - 1 and curve.value[lowest] < -0.001:
            dips.append(f"{name} {signed(curve.value[lowest])} at x = {signed(curve.x[lowest], 1)}")
        # To five decimals, because float32 has no 0.3, and its neighbor would be rounded outward.
        low, high = (round(float(end), 5) for end in (curve.slope.min(), curve.slope.max()))
        slopes.append(f"{name} {span(low, high)}")
    below = f"Minima below zero: {listed(dips)}. " if dips else "None has a minimum below zero. "
    return Caption(
        f"{below}Slopes: {listed(slopes)}.",
        "Computed with the layers that the runs used; derivatives by automatic differentiation.",
    )


def _layers(numbers: np.ndarray) -> str:
    plural = "s" * (len(numbers) > 1)
    return f"layer{plural} {listed(list(map(str, numbers)))}" if len(numbers) else "no layer"

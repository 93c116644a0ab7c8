"""Two scores and how often such a gap arises from nothing: in two sentences, and as a figure."""

import numpy as np
from matplotlib.figure import Figure

from src.analysis.gap import Gap, SameImages
from src.core.formatting import percent, signed, span
from src.evaluation import style

LEAST = 1e-4  # the smallest share of pairs that is told from zero


def sentences(gap: Gap, scores: tuple[str, str], study: str | None = None) -> tuple[str, str]:
    """Return two sentences on a gap between scores, given as they were printed."""
    first, second = (f"{right:,}" for right in gap.right)
    independent = (
        f"{scores[0]} and {scores[1]} are {first} and {second} of {gap.images:,} images, "
        f"{gap.apart:,} apart: if two models are both right on {percent(gap.accuracy, 3)} of all "
        f"images, and each is scored on {gap.images:,} of its own, they end up at least that far "
        f"apart in {share(gap.independent[gap.apart])} of pairs."
    )
    if gap.same is None:
        return independent, (
            "On the same images shared errors make such a gap rarer, and an effect of the seed on "
            "the whole model makes it more frequent: `--like STUDY` takes both from a study."
        )
    noise, changes = gap.same.noise, gap.same.changes[gap.apart]
    return independent, (
        f"On the same images, two runs that differ in the seed alone and disagree as those of the "
        f"study {study} do (on {percent(noise.disagreement, 0)} as many images as if their errors "
        f"were independent) end up that far apart in {share(changes)} of pairs, and with that "
        f"study's seed effect (a variance over seeds {signed(noise.variance_ratio, 1)} times that "
        f"of independent changes of images, 95% interval {span(noise.low, noise.high, 1)}) in "
        f"{_with_seeds(gap.same, gap.apart)}."
    )


def _with_seeds(same: SameImages, apart: int) -> str:
    value, *ends = (share(shares[apart]) for shares in (same.seeds, same.low, same.high))
    return value if ends == [value] * 2 else f"{value} ({' to '.join(ends)})"


def share(of_pairs: float) -> str:
    """Return a share of pairs with two digits: `0.57%`, `35%`, `less than 0.01%`."""
    if of_pairs < LEAST:
        return f"less than {100 * LEAST:g}%"
    digits = int(np.clip(1 - np.floor(np.log10(100 * of_pairs)), 0, 3))
    return percent(of_pairs, digits)


def figure(gap: Gap, study: str | None = None) -> Figure:
    """Draw the share of pairs at least so far apart against the distance, in the current style."""
    here, own = gap.apart, f"each on {gap.images:,} of its own: {share(gap.independent[gap.apart])}"
    curves = [(gap.independent, style.GRAY, "o", own)]
    if gap.same:
        changes = f"the same images, as in {study}: {share(gap.same.changes[here])}"
        seeds = f"and with its seed effect: {_with_seeds(gap.same, here)}"
        curves.append((gap.same.changes, style.BLUE, "s", changes))
        curves.append((gap.same.seeds, style.VERMILION, "D", seeds))
    drawn, axes = style.new_axes(3.6, f"Equal models {here:,} or more images apart")
    x = np.arange(min(gap.images, max(2 * here, 10)) + 1)
    if gap.same:
        band = (gap.same.low[x], gap.same.high[x])
        axes.fill_between(x, *band, color=style.VERMILION, alpha=0.13, lw=0)
    for curve, color, marker, label in curves:
        axes.plot(
            x, curve[x], marker, color=color, lw=1.8, ls="-", ms=7, markevery=[here], label=label
        )
    axes.axvline(here, color=style.ink(), **style.GUIDE)
    style.linear_axis(axes.xaxis, 6, integer=True)
    axes.xaxis.set_major_formatter(lambda images, _: f"{images:,.0f}")
    axes.set_yscale("log")
    axes.set_ylim(LEAST, 1.3)
    axes.yaxis.set_major_formatter(lambda value, _: f"{100 * value:g}%")
    axes.set_xlabel("Distance between the two scores (images)")
    axes.set_ylabel("Pairs at least that far apart")
    axes.grid(axis="y")
    style.legend(axes, columns=1)
    return drawn

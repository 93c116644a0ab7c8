"""What each figure of the report shows, in words: sentences made from the findings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from src.evidence import statistics
from src.evidence.findings import FEW, GOAL, Findings, Pair
from src.evidence.statistics import Estimate
from src.reporting.activation_profile import Cost, Curve
from src.runtime.formatting import count, listed, p_text, percent, signed, span


@dataclass(frozen=True)
class Caption:
    """What a figure shows, and how to read it."""

    finding: str
    reading: str


def headline(found: Findings) -> str:
    """Say in one sentence what the study comes to."""
    shown = sum(pair.comparison.significant for pair in found.pairs)
    total = len(found.pairs)
    if not shown:
        between = "the two activations" if total == 1 else "any two of the activations"
        return f"No difference in accuracy between {between} can be shown."
    if total == 1:
        return "The two activations differ in accuracy, beyond chance."
    verb = "differs" if shown == 1 else "differ"
    text = f"{shown} of {total} pairs of activations {verb} in accuracy beyond chance"
    if shown == total:
        return f"{text}."
    return f"{text}; in the other{'s' * (total - shown > 1)} no difference can be shown."


def accuracy(found: Findings) -> Caption:
    """Say which activation has the highest mean, and how far apart all are."""
    ranked = sorted(found.means, key=lambda name: found.means[name].value)
    worst, best = ranked[0], ranked[-1]
    gap = found.means[best].value - found.means[worst].value
    spreads = [100 * values.std(ddof=1) for values in found.accuracy.values()]
    return Caption(
        f"{best} has the highest mean, {_mean(found.means[best])}; {worst} the lowest, "
        f"{_mean(found.means[worst])}: {points(gap)} apart. The seed alone moves a run by "
        f"{_range(spreads, 3)} points (standard deviation).",
        f"A dot is a run ({count(len(found.seeds), 'seed')} of each activation, "
        f"{found.images:,} images); the diamond is their mean, the bar its 95 % interval for other "
        "seeds on these very images.",
    )


def differences(found: Findings) -> Caption:
    """Say how many pairs differ beyond chance, and which; or that none can be shown to."""
    shown = [pair for pair in found.pairs if pair.comparison.significant]
    total = len(found.pairs)
    largest = max(found.pairs, key=lambda pair: abs(pair.comparison.difference.value))
    interval = _points_span(largest.comparison.difference)
    seen = f"{points(largest.comparison.difference.value)} (95 % interval {interval})"
    if shown:
        names = listed([_beats(pair) for pair in shown], most=4)
        many = f"{len(shown)} of {total} pairs {'differs' if len(shown) == 1 else 'differ'}"
        finding = f"{'The two differ' if total == 1 else many} beyond chance: {names}."
    elif total == 1:
        finding = f"No difference can be shown: {largest.name} is {seen}."
    else:
        finding = (
            f"In none of the {total} pairs a difference can be shown. The largest, "
            f"{largest.name}, is {seen}."
        )
    correction = " after Holm's correction" if total > 1 else ""
    return Caption(
        finding,
        "The diamond is the mean difference, the thick bar its 95 % interval for other seeds and "
        f"other images; its colour says what the test shows{correction}. The thin bar is the "
        "bootstrap's interval; a dot is the difference of one seed's two runs.",
    )


def power(found: Findings) -> Caption:
    """Say how many seeds would show 0.02 points, and what this many can show."""
    pairs = [pair for pair in found.pairs if pair.comparison.second == found.reference]
    here = _needed({pair.comparison.first: pair.seeds_needed for pair in pairs})
    anywhere = _needed({pair.comparison.first: pair.seeds_needed_new_images for pair in pairs})
    least = [100 * pair.minimum_detectable_effect for pair in pairs]
    wanted = points(statistics.EFFECT_OF_INTEREST, 2)
    return Caption(
        f"To show a difference of {wanted} from {found.reference} on these images takes {here}; "
        f"on other images too, {anywhere}. The "
        f"{count(len(found.seeds), 'seed')} of this study show {_range(least, 3)} points or more.",
        "The chance that a true difference of this size is found at the 5 % level, before Holm's "
        "correction; the horizontal line is 80 %. The spread over seeds and images is estimated "
        "from this study.",
    )


def epoch_time(found: Findings) -> Caption:
    """Say which activations take longer than the reference, and how much."""
    slower, quicker, alike = [], [], []
    for name, ratio in found.times.estimates.items():
        text = f"{name} {ratio.value:.2f} × ({span(ratio.low, ratio.high)})"
        where = slower if ratio.low > 1 else quicker if ratio.high < 1 else alike
        where.append(text)
    parts = []
    if slower:
        parts.append(f"An epoch takes longer than with {found.reference}: {listed(slower)}.")
    if quicker:
        parts.append(f"An epoch is shorter than with {found.reference}: {listed(quicker)}.")
    if alike:
        parts.append(f"No difference from {found.reference} in time can be shown: {listed(alike)}.")
    return Caption(
        " ".join(parts),
        "A dot is the ratio of two runs of one seed, each taken by its median epoch without the "
        "first, which compiles; the diamond is their geometric mean, the bar its 95 % interval.",
    )


def activation_cost(costs: Mapping[str, Cost], reference: str) -> Caption:
    """Say what the reference costs per element, and how many times that the others do."""
    total = {name: np.median(cost.forward + cost.backward) for name, cost in costs.items()}
    ratios = {
        name: np.median(
            (cost.forward + cost.backward) / (costs[reference].forward + costs[reference].backward)
        )
        for name, cost in costs.items()
        if name != reference
    }
    others = listed([f"{name} {ratio:.1f} ×" for name, ratio in ratios.items()])
    return Caption(
        f"Forward and backward, {reference} costs {total[reference]:.2f} ns per element; relative "
        f"to it, {others}.",
        f"Medians of {count(len(costs[reference].forward), 'round')} on the machine that made "
        "this report, measured in turn, of a tensor larger than a core's cache, in the number "
        "format of the trainings. The backward way is what the gradient adds.",
    )


def learning_curves(found: Findings) -> Caption:
    """Say where the curves end, and when they reach 99 %."""
    last = found.last_errors
    least, most = min(last, key=last.get), max(last, key=last.get)
    reached = [_epochs(name, epochs) for name, epochs in found.epochs_to_goal.items()]
    epochs = next(iter(found.error_rates.values())).shape[1]
    return Caption(
        f"After {count(epochs, 'epoch')} the median validation error lies between "
        f"{percent(last[least])} ({least}) and {percent(last[most])} ({most}). Epochs to "
        f"{100 * GOAL:.0f} %: {listed(reached)}.",
        "The line is the median of the seeds, the band reaches from the best to the worst; the "
        f"dashed line is {100 * GOAL:.0f} % right.",
    )


def calibration(found: Findings) -> Caption:
    """Say whether the confidence is too low or too high, and by how much."""
    gaps = {name: one.confidence - one.accuracy for name, one in found.calibration.items()}
    low = [name for name, gap in gaps.items() if gap < 0]
    everyone = "Every activation is"
    if len(low) == len(gaps):
        finding = f"{everyone} less sure than it is right"
    elif not low:
        finding = f"{everyone} surer than it is right"
    else:
        high = [name for name in gaps if name not in low]
        verb, other = ("is" if len(names) == 1 else "are" for names in (low, high))
        finding = f"{listed(low)} {verb} less sure than right, {listed(high)} {other} surer"
    errors = [f"{name} {100 * one.error.value:.2f}" for name, one in found.calibration.items()]
    return Caption(
        f"{finding}. Expected calibration error, in points: {listed(errors)}.",
        "Above, how often predictions of a confidence are right, all seeds together (bins of "
        f"{FEW} predictions or more); on the dashed line confidence is right. Below, how many "
        "images there are of each confidence.",
    )


def error_overlap(found: Findings) -> Caption:
    """Say whether the activation changes the errors more than the seed does."""
    own = np.diag(found.overlap)
    other = found.overlap[~np.eye(len(own), dtype=bool)]
    if other.mean() >= own.mean():
        word = "another activation changes which images are misread no more than another seed does"
    elif other.mean() >= 0.9 * own.mean():
        word = (
            "another activation changes which images are misread hardly more than another seed does"
        )
    else:
        word = "another activation changes which images are misread more than another seed does"
    return Caption(
        f"Two seeds of one activation share {_range(100 * own)} % of their errors, runs of two "
        f"activations {_range(100 * other)} %: {word}.",
        "Images that two runs both misread, over those that at least one does, averaged over runs "
        "of different seeds; on the diagonal, of one activation.",
    )


def uniquely_misclassified(found: Findings) -> Caption:
    """Say how many images each activation alone gets wrong."""
    counts = [f"{name} {len(places)}" for name, places in found.uniquely_misclassified.items()]
    return Caption(
        f"Of {count(found.images, 'image')}, misread by one activation alone: {listed(counts)}.",
        "By the vote of an activation's seeds: an image counts as misread if more than half of "
        "them misread it. The clearest cases come first, with how many seeds misread them.",
    )


def betas(found: Findings, start: Mapping[str, float]) -> Caption:
    """Say where β goes, in which layers, and how far the seeds agree."""
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
            reached += f", the lowest, and {signed(medians[most])} in layer {most + 1}, the highest"
        sentences.append(
            f"{name}: from {signed(start[name])} β goes to {reached} (medians of the seeds). All "
            f"seeds end higher in {_layers(up)}, lower in {_layers(down)}; within a layer they lie "
            f"at most {spread:.2f} apart."
        )
    return Caption(
        " ".join(sentences),
        "A thin line is a seed, the thick one their median, the dashed line where β starts; layers "
        "are counted from the image.",
    )


def shapes(curves: Mapping[str, Curve]) -> Caption:
    """Say how far each activation goes below zero, and how steep it gets."""
    dips = []
    for name, curve in curves.items():
        lowest = int(curve.value.argmin())
        inside = 0 < lowest < len(curve.x) - 1
        if inside and curve.value[lowest] < -0.001:
            dips.append(
                f"{name} dips to {signed(curve.value[lowest])} at {signed(curve.x[lowest], 1)}"
            )
    steep = []
    for name, curve in curves.items():
        # To five decimals, because float32 has no 0.3, and its neighbour would be rounded outwards.
        ends = (round(float(end), 5) for end in (curve.slope.min(), curve.slope.max()))
        steep.append(f"{name} {span(*ends)}")
    below = f"Below zero, {listed(dips)}. " if dips else "None dips below zero and comes back. "
    return Caption(
        f"{below}The slope ranges over: {listed(steep)}.",
        "Computed from the layers that were trained, the derivative by automatic differentiation.",
    )


def points(difference: float, digits: int = 3) -> str:
    """Return a difference of fractions as `0.053 points`, with its sign if negative."""
    return f"{signed(100 * difference, digits)} points"


def _points_span(estimate: Estimate, digits: int = 3) -> str:
    return span(100 * estimate.low, 100 * estimate.high, digits)


def _mean(mean: Estimate) -> str:
    low, high = 100 * mean.low, 100 * mean.high
    return f"{percent(mean.value)} (95 % interval {span(low, high)})"


def _beats(pair: Pair) -> str:
    first, second = pair.comparison.first, pair.comparison.second
    value = pair.comparison.difference.value
    if value < 0:
        first, second = second, first
    test = p_text(pair.comparison.p_holm, statistics.ALPHA)
    return f"{first} beats {second} by {points(abs(value))} ({test})"


def _range(values: Sequence[float], digits: int = 0) -> str:
    low, high = f"{min(values):.{digits}f}", f"{max(values):.{digits}f}"
    return low if low == high else f"{low} to {high}"


def _needed(seeds: Mapping[str, int | None]) -> str:
    """Return how many seeds each activation needs; those that no number serves come last."""
    enough = [f"{count(needed, 'seed')} for {name}" for name, needed in seeds.items() if needed]
    never = [name for name, needed in seeds.items() if needed is None]
    return listed([*enough, *([f"over 10,000 for {listed(never)}"] if never else [])])


def _epochs(name: str, epochs: np.ndarray) -> str:
    missed = int(np.isnan(epochs).sum())
    if missed == len(epochs):
        return f"{name} never"
    text = f"{name} {np.nanmedian(epochs):g}"
    return f"{text} (but {missed} of {count(len(epochs), 'seed')} never)" if missed else text


def _layers(numbers: Sequence[int]) -> str:
    if not numbers:
        return "no layer"
    return f"layer{'s' * (len(numbers) > 1)} {listed([str(number) for number in numbers])}"

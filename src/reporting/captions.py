"""The captions of the report's figures: sentences made from the findings."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from src.evidence import statistics
from src.evidence.findings import FEW, GOAL, EpochTimes, Findings, Pair
from src.evidence.statistics import Estimate
from src.runtime.formatting import count, listed, p_text, percent, signed, span


@dataclass(frozen=True)
class Caption:
    """What a figure shows, and how to read it."""

    finding: str
    reading: str


def headline(found: Findings) -> str:
    """Say in one sentence how many pairs of activations differ."""
    significant = sum(pair.comparison.significant for pair in found.pairs)
    total = len(found.pairs)
    if total == 1 and significant:
        return "The two activations differ significantly in accuracy."
    if not significant:
        which = "the two" if total == 1 else "any two"
        return f"No detectable difference in accuracy between {which} activations."
    if significant == total:
        return f"All {total} pairs of activations differ significantly in accuracy."
    verb = "differs" if significant == 1 else "differ"
    others = "other shows" if total - significant == 1 else "others show"
    return (
        f"{significant} of {total} pairs of activations {verb} significantly in accuracy; the "
        f"{others} no detectable difference."
    )


def accuracy(found: Findings) -> Caption:
    """Say which activation has the highest mean, which the lowest, and how much seeds vary."""
    ranked = sorted(found.means, key=lambda name: found.means[name].value)
    worst, best = ranked[0], ranked[-1]
    gap = found.means[best].value - found.means[worst].value
    spreads = [100 * values.std(ddof=1) for values in found.accuracy.values()]
    return Caption(
        f"{best} has the highest mean, {_mean(found.means[best])}; {worst} has the lowest, "
        f"{_mean(found.means[worst])}, which is {points(gap)} less. The standard deviation across "
        f"seeds is {_range(spreads, 3)} pp.",
        f"Each dot is a run ({count(len(found.seeds), 'seed')} per activation, "
        f"{found.images:,} images); the diamond is the mean, the bar its 95% CI for new seeds on "
        "these images.",
    )


def differences(found: Findings) -> Caption:
    """Say which pairs differ significantly, or else which difference is the largest."""
    significant = [pair for pair in found.pairs if pair.comparison.significant]
    total = len(found.pairs)
    largest = max(found.pairs, key=lambda pair: abs(pair.comparison.difference.value))
    interval = _points_span(largest.comparison.difference)
    estimate = f"{points(largest.comparison.difference.value)} (95% CI {interval})"
    if significant:
        verb = "differs" if len(significant) == 1 else "differ"
        which = "The two differ" if total == 1 else f"{len(significant)} of {total} pairs {verb}"
        names = listed([_beats(pair) for pair in significant], most=4)
        finding = f"{which} significantly: {names}."
    elif total == 1:
        finding = f"No detectable difference: {largest.name} is {estimate}."
    else:
        finding = (
            f"None of the {total} pairs shows a detectable difference. The largest, "
            f"{largest.name}, is {estimate}."
        )
    correction = " after Holm's correction" if total > 1 else ""
    return Caption(
        finding,
        "The diamond is the mean difference, the thick bar its 95% CI for new seeds and new "
        f"images; the color shows whether the difference is significant{correction}. The thin bar "
        "is the bootstrap's 95% CI; each dot is the difference between one seed's two runs.",
    )


def power(found: Findings) -> Caption:
    """Say how many seeds detect the effect of interest, and what this study's seeds can detect."""
    pairs = [pair for pair in found.pairs if pair.comparison.second == found.reference]
    here = _needed({pair.comparison.first: pair.seeds_needed for pair in pairs})
    anew = _needed({pair.comparison.first: pair.seeds_needed_new_images for pair in pairs})
    least = [100 * pair.minimum_detectable_effect for pair in pairs]
    effect = points(statistics.EFFECT_OF_INTEREST, 2)
    return Caption(
        f"Detecting a difference of {effect} from {found.reference} takes, on these images, "
        f"{here}; on new images, {anew}. With the {count(len(found.seeds), 'seed')} of this study, "
        f"the minimum detectable effect on these images is {_range(least, 3)} pp.",
        "Power is the probability of detecting a true difference of this size at the 5% level, "
        "before Holm's correction; the horizontal line marks 80%. The variance across seeds and "
        "images is estimated from this study.",
    )


def epoch_time(times: EpochTimes, reference: str) -> Caption:
    """Say which activations take longer than the reference, and by what factor."""
    slower: list[str] = []
    faster: list[str] = []
    alike: list[str] = []
    for name, ratio in times.estimates.items():
        where = slower if ratio.low > 1 else faster if ratio.high < 1 else alike
        where.append(f"{name} {ratio.value:.2f}× ({span(ratio.low, ratio.high)})")
    parts = []
    if slower:
        parts.append(f"Epochs take longer than with {reference}: {listed(slower)}.")
    if faster:
        parts.append(f"Epochs are shorter than with {reference}: {listed(faster)}.")
    if alike:
        parts.append(f"No detectable difference in time from {reference}: {listed(alike)}.")
    return Caption(
        " ".join(parts),
        "Each dot is the ratio of two runs with the same seed, by their median epochs without the "
        "first, which compiles; the diamond is the geometric mean, the bar its 95% CI.",
    )


def learning_curves(found: Findings) -> Caption:
    """Say where the validation errors end, and when the accuracies reach 99%."""
    last = found.last_errors
    least, most = min(last, key=last.__getitem__), max(last, key=last.__getitem__)
    reached = [_epochs(name, epochs) for name, epochs in found.epochs_to_goal.items()]
    epochs = next(iter(found.error_rates.values())).shape[1]
    return Caption(
        f"After {count(epochs, 'epoch')}, the median validation error ranges from "
        f"{percent(last[least])} ({least}) to {percent(last[most])} ({most}). Epochs to reach "
        f"{100 * GOAL:.0f}% accuracy: {listed(reached)}.",
        "The line is the median across seeds, the band spans the best to the worst; the dashed "
        f"line marks {100 * GOAL:.0f}% accuracy.",
    )


def calibration(found: Findings) -> Caption:
    """Say which activations are underconfident or overconfident, and by how much."""
    gaps = {name: one.confidence - one.accuracy for name, one in found.calibration.items()}
    under = [name for name, gap in gaps.items() if gap < 0]
    over = [name for name in gaps if name not in under]
    if not over:
        finding = "Every activation is underconfident"
    elif not under:
        finding = "Every activation is overconfident"
    else:
        verb, other = ("is" if len(names) == 1 else "are" for names in (under, over))
        finding = f"{listed(under)} {verb} underconfident; {listed(over)} {other} overconfident"
    errors = [f"{name} {100 * one.error.value:.2f}" for name, one in found.calibration.items()]
    return Caption(
        f"{finding}. Expected calibration error in pp: {listed(errors)}.",
        "Above, accuracy by confidence, all seeds pooled (bins with at least "
        f"{FEW} predictions); on the dashed line, accuracy equals confidence. Below, the share of "
        "images by confidence.",
    )


def error_overlap(found: Findings) -> Caption:
    """Say whether the activation changes the errors more than the seed does."""
    own = np.diag(found.overlap)
    other = found.overlap[~np.eye(len(own), dtype=bool)]
    if other.mean() >= own.mean():
        more = "no more"
    elif other.mean() >= 0.9 * own.mean():
        more = "hardly more"
    else:
        more = "more"
    return Caption(
        f"Two seeds of one activation share {_range(100 * own)}% of their errors, runs of two "
        f"activations {_range(100 * other)}%: switching the activation changes which images are "
        f"misclassified {more} than switching the seed does.",
        "The images that both of two runs misclassify, divided by those that at least one does "
        "(Jaccard index), averaged over runs with different seeds; on the diagonal, of the same "
        "activation.",
    )


def uniquely_misclassified(found: Findings) -> Caption:
    """Say how many images each activation alone misclassifies."""
    counts = [f"{name} {len(places)}" for name, places in found.uniquely_misclassified.items()]
    return Caption(
        f"Images that one activation alone misclassifies, out of {found.images:,}: "
        f"{listed(counts)}.",
        "By majority vote of each activation's seeds: an image counts as misclassified if more "
        "than half of them get it wrong. The clearest cases come first: true label → the most "
        "common error, and how many seeds get the image wrong.",
    )


def points(difference: float, digits: int = 3) -> str:
    """Return a difference of fractions in percentage points, as `0.053 pp` or `−0.053 pp`."""
    return f"{signed(100 * difference, digits)} pp"


def _points_span(estimate: Estimate, digits: int = 3) -> str:
    return span(100 * estimate.low, 100 * estimate.high, digits)


def _mean(mean: Estimate) -> str:
    low, high = 100 * mean.low, 100 * mean.high
    return f"{percent(mean.value)} (95% CI {span(low, high)})"


def _beats(pair: Pair) -> str:
    first, second = pair.comparison.first, pair.comparison.second
    value = pair.comparison.difference.value
    if value < 0:
        first, second = second, first
    test = p_text(pair.comparison.p_holm, statistics.ALPHA)
    return f"{first} beats {second} by {points(abs(value))} ({test})"


def _range(values: Iterable[float], digits: int = 0) -> str:
    texts = [f"{value:.{digits}f}" for value in sorted(values)]
    low, high = texts[0], texts[-1]
    return low if low == high else f"{low} to {high}"


def _needed(seeds: Mapping[str, int | None]) -> str:
    """Return how many seeds each activation needs; those that need over 10,000 come last."""
    enough = [f"{count(needed, 'seed')} for {name}" for name, needed in seeds.items() if needed]
    never = [name for name, needed in seeds.items() if needed is None]
    return listed([*enough, *([f"over 10,000 for {listed(never)}"] if never else [])])


def _epochs(name: str, epochs: np.ndarray) -> str:
    missed = int(np.isnan(epochs).sum())
    if missed == len(epochs):
        return f"{name} never"
    text = f"{name} {np.nanmedian(epochs):g}"
    return f"{text} ({missed} of {count(len(epochs), 'seed')} never)" if missed else text

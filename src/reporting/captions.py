"""The captions of the report's figures."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from src.analysis.findings import FEW, GOAL, EpochTimes, Findings, Pair
from src.analysis.statistics import Estimate
from src.config.factor import Factor
from src.core.formatting import count, listed, percent, points, span
from src.reporting import verdict_words

CROWD = 7  # more levels than that are named in part, and drawn in another way


@dataclass(frozen=True)
class Caption:
    """The finding that a figure shows, and how to read it."""

    finding: str
    reading: str


def with_the_reference(found: Findings) -> list[Pair]:
    """Return the pairs of each level with the reference."""
    return [pair for pair in found.pairs if pair.comparison.second == found.reference]


def named(factor: Factor, level: str) -> str:
    """Return a level in prose: `ReLU`, but `learning rate 0.006`."""
    return f"{factor.noun} {level}" if factor.numeric else level


def _entry(factor: Factor, level: str, text: str) -> str:
    """Return an entry on a level in a list: `ReLU 1.20×`, but `1.20× at 0.006`."""
    return f"{text} at {level}" if factor.numeric else f"{level} {text}"


def accuracy(found: Findings) -> Caption:
    """Say which level has the highest mean, which the lowest, and how much seeds vary."""
    worst, best, gap = _extremes(found)
    spreads = [100 * values.std(ddof=1) for values in found.accuracy.values()]
    first = named(found.factor, best)
    first = first[0].upper() + first[1:] if found.factor.numeric else first
    return Caption(
        f"{first} has the highest mean, {_mean(found.means[best])}; "
        f"{worst} has the lowest, {_mean(found.means[worst])}, which is {points(gap)} less. The "
        f"standard deviation across seeds is {_range(spreads, 3)} pp.",
        f"Each dot is a run ({count(len(found.seeds), 'seed')} per {found.factor.noun}, "
        f"{found.images:,} images); the diamond is the mean, the bar its 95% CI {found.intervals}"
        ". All levels have the same images, which move all means alike: read differences below.",
    )


def differences(found: Findings) -> Caption:
    """Say which pairs differ significantly, or else which difference is the largest."""
    joint = "simultaneous 95% CI" if len(found.pairs) > 1 else "95% CI"
    return Caption(
        verdict_words.differences(found),
        f"The diamond is the mean difference, the bar its {joint} {found.intervals}; its color is "
        "the verdict. Inside the shaded band, differences are smaller than "
        f"{points(found.smallest_effect, None)}, the smallest that matters here. Each dot is the "
        "difference between one seed's two runs.",
    )


def difference_table(found: Findings) -> Caption:
    """Say how to read the matrix of differences."""
    worst, best, gap = _extremes(found)
    return Caption(
        f"From {named(found.factor, best)}, the best, to {worst}, the accuracy falls by "
        f"{points(gap)}.",
        "Accuracy of the row minus that of the column in hundredths of a percentage point. "
        f"{verdict_words.TABLE_KEY}",
    )


def power(found: Findings) -> Caption:
    """Say how many seeds detect the smallest effect that matters, and what this study's can."""
    pairs = with_the_reference(found)
    needed = _needed({pair.comparison.first: pair.seeds_needed for pair in pairs})
    least = [100 * pair.minimum_detectable_effect for pair in pairs]
    effect = points(found.smallest_effect, None)
    return Caption(
        f"Detecting a difference of {effect} from {named(found.factor, found.reference)} takes "
        f"{needed}. With the {count(len(found.seeds), 'seed')} of this study, the minimum "
        f"detectable effect is {_range(least, 3)} pp.",
        "Power is the probability that the interval behind the verdict excludes 0 if the true "
        "difference has this size; the horizontal line marks 80%. The variances across seeds and "
        "images are this study's estimates, taken as exact.",
    )


def epoch_time(times: EpochTimes, reference: str, factor: Factor) -> Caption:
    """Say which levels take longer than the reference, and by what factor."""
    slower, faster = "Epochs take longer than with", "Epochs are shorter than with"
    alike = "No detectable difference in time from"
    groups: dict[str, list[str]] = {slower: [], faster: [], alike: []}
    for name, ratio in times.estimates.items():
        text = f"{ratio.value:.2f}× ({span(ratio.low, ratio.high)})"
        where = slower if ratio.low > 1 else faster if ratio.high < 1 else alike
        groups[where].append(_entry(factor, name, text))
    standard = named(factor, reference)
    parts = [f"{start} {standard}: {_some(group)}." for start, group in groups.items() if group]
    if times.apart:
        parts.append(times_apart(times, reference, factor))
    return Caption(
        " ".join(parts),
        "Each dot is the ratio of two runs with the same seed, by their median epochs without the "
        "first, which compiles; the diamond is the geometric mean, the bar its 95% CI.",
    )


def times_apart(times: EpochTimes, reference: str, factor: Factor) -> str:
    """Say of which runs the times are not compared, because of their processors."""
    parts = []
    without = [named(factor, name) for name in times.apart if name not in times.estimates]
    some = [
        _entry(factor, name, f"{number} of {number + len(times.ratios[name])}")
        for name, number in times.apart.items()
        if name in times.estimates
    ]
    if without:
        parts.append(
            f"There is no ratio for {listed(without)}: the runs of one seed ran on another "
            f"processor than those of {named(factor, reference)}."
        )
    if some:
        parts.append(f"Pairs of runs on different processors are left out ({_some(some)}).")
    return " ".join(parts)


def learning_curves(found: Findings) -> Caption:
    """Say where the validation errors end, and when the accuracies reach 99%."""
    last = found.last_errors
    least, most = min(last, key=last.__getitem__), max(last, key=last.__getitem__)
    reached = [
        _entry(found.factor, name, epochs(values)) for name, values in found.epochs_to_goal.items()
    ]
    number = next(iter(found.error_rates.values())).shape[1]
    if all(np.isnan(one).all() for one in found.epochs_to_goal.values()):
        goal = f"No run reaches {100 * GOAL:.0f}% accuracy."
    else:
        goal = f"Epochs to reach {100 * GOAL:.0f}% accuracy: {_some(reached)}."
    band = "" if len(found.levels) > CROWD else ", the band spans the best to the worst"
    return Caption(
        f"After {count(number, 'epoch')}, the median validation error ranges from "
        f"{percent(last[least])} ({least}) to {percent(last[most])} ({most}). {goal}",
        f"The line is the median across seeds{band}; the dashed line marks {100 * GOAL:.0f}% "
        "accuracy.",
    )


def calibration(found: Findings) -> Caption:
    """Say the runs of which levels are underconfident or overconfident, and by how much."""
    gaps = {name: one.confidence - one.accuracy for name, one in found.calibration.items()}
    under = [name for name, gap in gaps.items() if gap < 0]
    over = [name for name in gaps if name not in under]
    if under and over:
        start = f"With {_some(under)}, the runs are underconfident"
        finding = f"{start}; with {_some(over)}, overconfident"
    else:
        trait = "over" if over else "under"
        finding = f"With every {found.factor.noun}, the runs are {trait}confident"
    sizes = {name: f"{100 * one.error.value:.2f}" for name, one in found.calibration.items()}
    errors = [_entry(found.factor, name, size) for name, size in sizes.items()]
    return Caption(
        f"{finding}. Expected calibration error in pp: {_some(errors)}.",
        "Above, accuracy by confidence, all seeds pooled (bins with at least "
        f"{FEW} predictions); on the dashed line, accuracy equals confidence. Below, the share of "
        "images by confidence.",
    )


def error_overlap(found: Findings) -> Caption:
    """Say whether the factor changes the errors more than the seed does."""
    noun, plural = found.factor.noun, found.factor.plural
    assert found.overlap is not None  # else it is not drawn
    own = np.diag(found.overlap)
    other = found.overlap[~np.eye(len(own), dtype=bool)]
    ratio = other.mean() / own.mean() if own.mean() else 1.0
    more = "no more" if ratio >= 1 else "hardly more" if ratio >= 0.9 else "more"
    return Caption(
        f"Two seeds of one {noun} share {_range(100 * own)}% of their errors, runs of two "
        f"{plural} {_range(100 * other)}%: switching the {noun} changes which images are "
        f"misclassified {more} than switching the seed does.",
        "The images that both of two runs misclassify, divided by those that at least one does "
        "(Jaccard index), averaged over runs with different seeds; on the diagonal, of the same "
        f"{noun}.",
    )


def uniquely_misclassified(found: Findings) -> Caption:
    """Say how many images each level alone misclassifies."""
    noun = found.factor.noun
    sizes = {name: len(places) for name, places in found.uniquely_misclassified.items()}
    counts = [_entry(found.factor, name, str(size)) for name, size in sizes.items()]
    shown = sum(map(bool, sizes.values()))
    part = f" The figure has the {CROWD} with the most." if shown > CROWD else ""
    return Caption(
        f"Images that one {noun} alone misclassifies, out of {found.images:,}: {listed(counts)}."
        f"{part}",
        f"By majority vote of each {noun}'s seeds: an image counts as misclassified if more "
        "than half of them get it wrong. The clearest cases come first: true label → the most "
        "common error, and how many seeds get the image wrong.",
    )


def _extremes(found: Findings) -> tuple[str, str, float]:
    """Return the levels with the lowest and the highest mean, and the difference of these."""
    ranked = sorted(found.means, key=lambda name: found.means[name].value)
    worst, best = ranked[0], ranked[-1]
    return worst, best, found.means[best].value - found.means[worst].value


def _mean(mean: Estimate) -> str:
    return f"{percent(mean.value)} (95% CI {span(100 * mean.low, 100 * mean.high)})"


def _range(values: Iterable[float], digits: int = 0) -> str:
    texts = [f"{value:.{digits}f}" for value in sorted(values)]
    low, high = texts[0], texts[-1]
    return low if low == high else f"{low} to {high}"


def _needed(seeds: Mapping[str, int | None]) -> str:
    """Return how many seeds each level needs; those that need over 10,000 come last."""
    enough = [f"{count(needed, 'seed')} for {name}" for name, needed in seeds.items() if needed]
    never = [name for name, needed in seeds.items() if needed is None]
    return listed([*enough, *([f"over 10,000 for {listed(never)}"] if never else [])])


def epochs(values: np.ndarray) -> str:
    """Return the median of the epochs that runs took, and how many never arrived (NaN)."""
    missed = int(np.isnan(values).sum())
    if missed == len(values):
        return "never"
    return f"{np.nanmedian(values):g}" + (f" ({missed} of {len(values)} never)" if missed else "")


def _some(entries: Sequence[str]) -> str:
    """Return a list without its last entries if it is long: the tables have all."""
    return listed(entries, most=CROWD)

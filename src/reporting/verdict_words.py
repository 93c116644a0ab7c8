"""The words for a verdict: of a pair, of a study, across studies, of a planned look, and for the
demo page. Differences are in percentage points (pp). Intervals are rounded outward, so that no
bound claims more than the data support.
"""

from collections.abc import Mapping, Sequence
from math import floor
from typing import Any

from src.analysis.findings import Findings, Pair
from src.analysis.statistics import ALPHA, MEANINGFUL
from src.analysis.verdicts import Look, Verdict
from src.config.factor import Factor
from src.core.formatting import count, listed, p_text, points, signed, span, up

VERBS = {
    Verdict.BETTER: "beats",
    Verdict.WORSE: "loses to",
    Verdict.EQUIVALENT: "is equivalent to",
    Verdict.UNDECIDED: "is undecided against",
}
TABLE_KEY = "Bold: the two differ significantly; = : equivalent; gray: undecided."


# One pair


def sentence(pair: Pair, factor: Factor | None = None) -> str:
    """Return the verdict on a pair in one or two sentences. If a `factor` is given and numeric, the
    first level has its noun: "Learning rate 0.003 beats 0.001 by …".
    """
    one = pair.comparison
    first, second = one.first, one.second
    value, low, high = (100 * getattr(one.difference, key) for key in ("value", "low", "high"))
    noun = f"{factor.noun} " if factor and factor.numeric else ""
    effect = points(one.smallest_effect, None)
    adjusted, kind = ("adjusted ", "simultaneous 95% CI") if one.pairs > 1 else ("", "95% CI")
    size, p_value, digits, remedy = "any difference is smaller than", one.difference.p_value, 2, ""
    if value < 0 and pair.verdict is not Verdict.UNDECIDED:
        first, second, value, low, high = second, first, -value, -high, -low
    widest = max(-low, high)
    if pair.verdict is Verdict.UNDECIDED:
        text = f"Undecided between {noun}{first} and {second}: {size} {up(widest)} pp"
        remedy = f" {_remedy(pair)}" if one.smallest_effect else ""
    elif pair.verdict is Verdict.EQUIVALENT:
        within, p_value = round(100 * one.smallest_effect, 12), one.p_equivalence
        digits = next((some for some in range(2, 8) if float(up(widest, some)) <= within), 8)
        if one.significant:
            size = f"{first} beats {second}, but by less than"
        text = f"{noun}{first} and {second} are equivalent: {size} {effect}"
    else:
        digits = next(some for some in range(2, 17) if floor(low * 10**some) > 0)
        text = f"{noun}{first} beats {second} by {value:.{digits}f} pp"
    text = text[0].upper() + text[1:] if noun else text
    test = adjusted + p_text(p_value, ALPHA)
    return f"{text} ({kind} {span(low, high, digits)}, {test}).{remedy}"


def _remedy(pair: Pair) -> str:
    """Say how many seeds or images might decide an undecided pair."""
    effect, images = points(pair.comparison.smallest_effect, None), pair.comparison.images
    if pair.more_seeds is not None:
        low, high = pair.more_seeds
        return f"{_more(low, high)} would probably show whether it reaches {effect}."
    if pair.images_needed is None or images is None or pair.images_needed <= images:
        return f"It is too close to {effect} for any number of seeds to show whether it reaches it."
    return (
        f"No number of seeds is likely to show whether it reaches {effect}: that takes about "
        f"{_two_digits(pair.images_needed)} images instead of {images:,}."
    )


def _more(low: int, high: int) -> str:
    """Return a range of numbers of seeds, with two digits each."""
    ends = list(dict.fromkeys(map(_two_digits, (low, high))))
    about = "About " * (len(ends) == 1 and low > 1)
    return f"{about}{' to '.join(ends)} more seed{'s' * (ends[-1] != '1')}"


def _two_digits(number: float) -> str:
    """Return an estimate of a number: 8, 27, 240, 3,300."""
    return f"{int(float(f'{number:.2g}')):,}"


def superiority(pair: Pair) -> str:
    """Say how likely a run of the level with the higher mean is to beat a run of the other."""
    first, second = pair.comparison.first, pair.comparison.second
    value, low, high = pair.superiority.value, pair.superiority.low, pair.superiority.high
    if pair.comparison.difference.value < 0:
        first, second, value, low, high = second, first, 1 - value, 1 - high, 1 - low
    return (
        f"A run of {first} beats a run of {second} on these images with a probability of "
        f"{signed(value)} (95% CI {span(low, high)})."
    )


def more_seeds(pair: Pair) -> str:
    """Return the cell that says how many more seeds would decide an undecided pair."""
    if pair.verdict is not Verdict.UNDECIDED:
        return "–"
    if pair.more_seeds is not None:
        return _more(*pair.more_seeds).partition(" more")[0].removeprefix("About ")
    images, needed = pair.comparison.images, pair.images_needed
    return "too few images" if needed and images and needed > images else "too close"


# A study


def headline(found: Findings) -> str:
    """Say in one sentence how many pairs of levels differ, are equivalent, or are undecided."""
    plural, effect = found.factor.plural, points(found.smallest_effect, None)
    reached = [pair.verdict for pair in found.pairs]
    total = len(reached)
    same, open_ = (reached.count(one) for one in (Verdict.EQUIVALENT, Verdict.UNDECIDED))
    different = total - same - open_
    all_of = f"The two {plural}" if total == 1 else f"All {total} pairs of {plural}"
    if different == total:
        return f"{all_of} differ significantly in accuracy."
    if same == total:
        return f"{all_of} are equivalent: less than {effect}{' of accuracy' * (total == 1)} apart."
    if open_ == total:
        size = f"one of {effect}" if total == 1 else f"differences of {effect}"
        which = "the" if total == 1 else "any"
        return (
            f"Undecided: no difference in accuracy between {which} two {plural} was detected, but "
            f"{size} or more cannot be ruled out."
        )
    counts = {
        f"differ{'s' * (different == 1)} significantly in accuracy": different,
        f"{'is' if same == 1 else 'are'} equivalent (less than {effect} apart)": same,
        f"{'is' if open_ == 1 else 'are'} undecided": open_,
    }
    parts = [f"{number} {text}" for text, number in counts.items() if number]
    return f"Of {total} pairs of {plural}, {listed(parts)}."


def differences(found: Findings) -> str:
    """Say which pairs differ significantly, or else which difference is the largest."""
    total = len(found.pairs)
    ranked = sorted(found.pairs, key=lambda pair: -abs(pair.comparison.difference.value))
    different = [pair for pair in ranked if pair.verdict.different]
    same = [pair.name for pair in found.pairs if pair.verdict is Verdict.EQUIVALENT]
    if different:
        several = f"{len(different)} of {total} pairs differ{'s' * (len(different) == 1)}"
        which = "The two differ" if total == 1 else several
        finding = f"{which} significantly: {listed([_beats(pair) for pair in different], most=4)}."
    else:
        largest, kind = ranked[0], "simultaneous 95% CI" if total > 1 else "95% CI"
        estimate = largest.comparison.difference
        interval = span(100 * estimate.low, 100 * estimate.high, 3)
        start = (
            f"No detectable difference: {largest.name}"
            if total == 1
            else f"None of the {total} pairs shows a detectable difference. The largest, "
            f"{largest.name},"
        )
        finding = f"{start} is {points(estimate.value)} ({kind} {interval})."
    if same and total == 1:
        return f"{finding} The two are equivalent."
    return f"{finding} Equivalent: {listed(same, most=4)}." if same else finding


def _beats(pair: Pair) -> str:
    one, value = pair.comparison, pair.comparison.difference.value
    first, second = (one.first, one.second) if value >= 0 else (one.second, one.first)
    test = p_text(pair.comparison.difference.p_value, ALPHA)
    return f"{first} beats {second} by {points(abs(value))} ({test})"


def how_to_read(found: Findings) -> list[str]:
    """Return two paragraphs: what the verdicts mean, and the columns of their table."""
    effect, share = points(found.smallest_effect, None), MEANINGFUL
    together = " that hold for all pairs at once" if len(found.pairs) > 1 else ""
    reason = f" The study's reason for {effect}: “{found.because}”" if found.because else ""
    return [
        f"Each verdict is {found.intervals} of the same kind. Differences are in "
        f"percentage points (pp) of accuracy, with 95% confidence intervals (CI){together}. A "
        f"difference below {effect} does not matter in this study: where the interval lies within "
        f"± that, the two are equivalent.{reason}",
        "P(first beats second) is the probability that a run of the first has a higher accuracy "
        "than a run of the second, each with its own seed, on these images, with its 95% CI for "
        f"new seeds. 0.5 is a toss-up; from {share} on (for a worse one, {1 - share} or less) a "
        "difference is meaningful if you train only once (Bouthillier et al. 2021). The last "
        "column is how many more seeds would probably (80%) show whether a difference reaches "
        f"{effect}: the interval then lies inside ± that or beyond it. It is a range because the "
        "variance over seeds is itself an estimate.",
    ]


def seed_effect(found: Findings) -> str:
    """Say whether seeds differ in accuracy by more than coin flips on these images would."""
    if found.seed_effect is None:
        return ""
    value, low, high = (getattr(found.seed_effect, key) for key in ("value", "low", "high"))
    size = (
        "The variance of the accuracy over seeds is "
        f"{signed(value)} times (95% CI {span(low, high)}) what it would be if each contested "
        "image were a coin flip of its own in every run (Jordan 2023)."
    )
    if low <= 1:
        reading = (
            "So which seed is the best may be nothing but coin flips on these images: picking it "
            "is not known to buy anything on others."
        )
        if high < 1.5:
            reading = (
                "So which seed is the best is coin flips on these images, as far as this study can "
                "show: picking it buys nothing on others."
            )
    else:
        reading = "So seeds do differ: a better one on these images tends to be better on others."
    return f"{size} {reading}"


# Several studies


def across(first: str, second: str, titles: Mapping[Verdict, Sequence[str]]) -> str:
    """Say which verdict on a pair was reached in which studies, given by their titles."""
    total = sum(map(len, titles.values()))
    parts = [
        f"{VERBS[one]} {second} in {len(titles[one])} of {total} ({', '.join(titles[one])})"
        for one in Verdict
        if one in titles
    ]
    return f"{first} {listed(parts)}."


# A planned look


def look(found: Look) -> str:
    """Say how many pairs are decided, and which are not, without a full stop."""
    if not found.pairs:
        return "no pair can be judged, because runs failed to learn"
    pairs = count(len(found.pairs), "pair")
    if not found.undecided:
        return f"all of {pairs} decided"
    names = [f"{first} and {second}" for first, second in found.undecided]
    return f"{len(found.pairs) - len(names)} of {pairs} decided, not yet {listed(names, most=3)}"


# The demo page


def for_the_demo(study: str, results: Mapping[str, Any]) -> str:
    """Return what a study, given its name and its results.json, found on the level furthest from
    its reference, and what that means to someone who draws a digit. Raise KeyError, TypeError or
    ValueError if the results are not those of a report.
    """
    reference, seeds, images = results["reference"], len(results["seeds"]), results["images"]
    pairs = [one for one in results["pairs"] if one["comparison"]["second"] == reference]
    pair = max(pairs, key=lambda one: abs(one["comparison"]["difference"]["value"]))
    difference = pair["comparison"]["difference"]
    value, low, high = (100 * difference[key] for key in ("value", "low", "high"))
    size = f"about {100 * abs(value):.0f}" if 100 * abs(value) >= 1 else "fewer than one"
    meaning = (
        "Significant, but far less than a drawing can show."
        if any(one["significant"] for one in pairs)
        else "No detectable difference, and none that you can see here. That is the point."
    )
    return (
        f"The study “{study}” trained each with {seeds} seeds and scored it on {images:,} held-out "
        f"images. Furthest from {reference} is {pair['comparison']['first']}, by "
        f"{signed(value, 3)} percentage points (95% interval {span(low, high, 3)}): {size} of "
        f"10,000 images. {meaning}"
    )

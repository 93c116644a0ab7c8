"""Remarks on the limits of a report."""

import json

from src.analysis.findings import Findings
from src.analysis.run_set import RunSet
from src.config import study_file
from src.core.formatting import count, listed, percent
from src.tracking import run_tags

ENOUGH = 5  # seeds; with fewer, intervals are narrower than they claim


def of(runs: RunSet, found: Findings) -> list[str]:
    """Return sentences to read before trusting a report."""
    return [
        *runs.remarks,
        *on_images(runs),
        *on_tuning(runs),
        *on_learning(found),
        *on_seeds(found),
    ]


def on_images(runs: RunSet) -> list[str]:
    """Return a sentence on held-out images that each seed draws anew."""
    if not runs.images_by_seed:
        return []
    return [
        "Each seed draws its own training, validation and held-out images, the same for all "
        f"{runs.factor.plural}. What was chosen before, such as the recipe, may have been chosen "
        "by images that a draw holds out."
    ]


def on_tuning(runs: RunSet) -> list[str]:
    """Return a sentence on what a study compares whose levels were tuned by one search each."""
    vary = json.loads(runs.tags.get(run_tags.VARY, "[]"))
    if run_tags.TUNE not in runs.tags or study_file.SEARCH in vary:
        return []
    return [
        f"One search per {runs.factor.noun} found the values of its runs, so the verdicts are on "
        f"these recipes, found by one search each, not on {listed(list(runs.trainings))} in "
        "general: another search may find others. With search under vary, each seed repeats it."
    ]


def on_learning(found: Findings) -> list[str]:
    """Return a sentence for each level with runs that are not better than a guess."""
    stuck = {name: int((values <= found.guess).sum()) for name, values in found.accuracy.items()}
    return [
        f"{number} of the {count(len(found.seeds), 'run')} with {name} did not learn: "
        f"predicting the most frequent class every time attains {percent(found.guess, 1)}, too. "
        "Its learning rate may be too high; these runs do not show what it can attain."
        for name, number in stuck.items()
        if number
    ]


def on_seeds(found: Findings) -> list[str]:
    """Return sentences on too few seeds, and on seeds beyond those that were planned."""
    seeds, looks, first_seeds = len(found.seeds), found.looks, found.first_seeds
    remarks = []
    if seeds < ENOUGH:
        remarks.append(
            f"With {count(seeds, 'seed')}, intervals are narrower than they claim: in simulated "
            "studies with 3 seeds, 95% intervals covered the truth in 92%, and 9.7% of families "
            f"of three pairs had a false alarm (with 10 seeds 94% and 4.3%). Use at least {ENOUGH}."
        )
    if looks and seeds > looks[-1]:
        remarks.append(
            f"The study was planned to end with {looks[-1]} seeds and has {seeds}: it was extended "
            "after its last planned look, so false alarms may exceed 5%."
        )
    elif looks and seeds not in looks:
        remarks.append(
            f"The study has {count(seeds, 'seed')}, but its looks are planned at "
            f"{listed(list(map(str, looks)))}: this is one more look, and should not end it."
        )
    elif not looks and first_seeds is not None and seeds > first_seeds:
        remarks.append(
            f"The study was begun with {count(first_seeds, 'seed')} and extended to {seeds} "
            "without planned looks: if its results had been seen by then, false alarms exceed 5%. "
            "Plan the looks instead, with until, at_most and looks under seeds."
        )
    return remarks

"""Remarks on the limits of a report."""

from src.analysis.findings import Findings
from src.analysis.run_set import RunSet
from src.core.formatting import count, listed, percent

ENOUGH = 5  # seeds; with fewer, intervals are narrower than they claim


def of(runs: RunSet, found: Findings) -> list[str]:
    """Return sentences to read before trusting a report."""
    return [*runs.remarks, *on_learning(found), *on_seeds(found)]


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

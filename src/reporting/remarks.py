"""Remarks on the limits of a report."""

from src.analysis.findings import Findings
from src.analysis.run_set import RunSet
from src.core.formatting import count, listed, percent


def of(runs: RunSet, found: Findings) -> list[str]:
    """Return sentences to read before trusting a report."""
    return [*runs.remarks, *on_learning(found), *on_seeds(found)]


def on_learning(found: Findings) -> list[str]:
    """Return a sentence for each level with runs that failed to learn."""
    number = count(len(found.seeds), "run")
    return [
        f"{name} failed to learn in {len(seeds)} of {number} (seed{'s' * (len(seeds) > 1)} "
        f"{listed(list(map(str, seeds)))}): these attain less than half of what the median run "
        f"attains above guessing ({percent(found.guess, 1)}). Its mean describes no run, so it is "
        "not judged. Its learning rate may be too high."
        for name, seeds in found.failed.items()
    ]


def on_seeds(found: Findings) -> list[str]:
    """Return sentences on looks and seeds beyond those that were planned."""
    seeds, looks, first_seeds = len(found.seeds), found.looks, found.first_seeds
    remarks = []
    if looks and seeds < looks[-1] and any(pair.verdict.different for pair in found.pairs):
        remarks.append(
            "The study stopped at a planned look, where a difference that is significant by then "
            "tends to be overestimated (python -m benchmarks.planned_looks). Its interval and p "
            "value allow for that; its estimate does not."
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

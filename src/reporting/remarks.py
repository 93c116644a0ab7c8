"""Remarks on the limits of a report."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from src.analysis.findings import Findings
from src.analysis.run_set import RunSet
from src.config import study_file
from src.core.formatting import count, listed, percent, seed_list
from src.tracking import run_tags


def of(runs: RunSet, found: Findings) -> list[str]:
    """Return sentences to read before trusting a report."""
    return [
        *runs.remarks,
        *on_registration(runs.tags),
        *on_images(runs),
        *on_tuning(runs),
        *on_learning(found),
        *on_seeds(found),
    ]


def on_registration(tags: Mapping[str, str]) -> list[str]:
    """Return sentences on the file of a study before its first run, on earlier runs, and on changes
    since, given the tags of its parent run; none for a sweep, which has no file.
    """
    if run_tags.STUDY not in tags:
        return []
    if run_tags.REGISTERED_SHA256 not in tags:
        return [
            "Not registered: the study's run in MLflow does not keep the study's file as of the "
            "first run, so it cannot show whether question, levels, comparison, smallest effect or "
            "looks were changed since."
        ]
    commit = tags.get(run_tags.REGISTERED_COMMIT, "")[:7]
    if not commit:
        version = "without a known git commit"
    elif tags.get(run_tags.REGISTERED_DIRTY) == "true":
        version = f"with changes that commit {commit} does not have"
    else:
        version = f"as of commit {commit}"
    time = datetime.fromisoformat(tags[run_tags.REGISTERED_TIME])
    remarks = [
        f"Registered before the first run: conf/study/{tags[run_tags.STUDY]}.yaml {version} "
        f"(SHA-256 {tags[run_tags.REGISTERED_SHA256][:12]}…), {time:%Y-%m-%d %H:%M} UTC."
    ]
    if earlier := tags.get(run_tags.REGISTERED_EARLIER):
        remarks.append(
            "Before that, MLflow already had runs of this study with other settings, data or code, "
            f"under run {earlier}."
        )
    changes = []
    for key in run_tags.JUDGED:
        old, new = (_value(key, tags.get(name)) for name in (run_tags.REGISTERED + key, key))
        if old != new:
            changes.append(f"{key} from {_shown(old, new)} to {_shown(new, old)}")
    if changes:
        remarks.append(f"Changed after the first run had started: {'; '.join(changes)}.")
    return remarks


def _value(key: str, tag: str | None) -> Any:
    return json.loads(tag) if tag and key in (run_tags.LEVELS, run_tags.LOOKS) else tag


def _shown(value: Any, other: Any) -> str:
    """Return a value as text; of a level that the other value has too, the overrides if they differ
    there.
    """
    if isinstance(value, dict):
        changed = {label for label in value if other.get(label, value[label]) != value[label]}
        words = {label: f"{label} ({' '.join(own)})" for label, own in value.items()}
        return listed([words[label] if label in changed else label for label in value])
    return listed(list(map(str, value))) if isinstance(value, list) else value or "none"


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
    """Return a sentence for each level with runs that failed to learn."""
    number = count(len(found.seeds), "run")
    return [
        f"{name} failed to learn in {len(some)} of {number} ({seed_list(some)}): these attain less "
        f"than half of what its best run attains above guessing ({percent(found.guess, 1)}). Its "
        "mean describes no run, so it is not judged. Its learning rate may be too high."
        for name, some in found.failed.items()
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

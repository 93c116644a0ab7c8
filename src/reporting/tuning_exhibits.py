"""The exhibits of a study whose levels were tuned: what it was worth, how it went, what won."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter, NullLocator
from mlflow import MlflowClient

from src.analysis import levels, load_runs, statistics, tuning_curves
from src.analysis.findings import Findings
from src.analysis.run_set import RunSet, is_ignored
from src.analysis.statistics import Estimate
from src.analysis.tuning_curves import TuningCurve
from src.reporting.captions import CROWD, Caption, points
from src.reporting.comparison_figures import (
    GRAY,
    ink,
    label_points,
    label_rows,
    legend,
    looks_of,
    mark_smallest_effect,
    new_figure,
)
from src.reporting.exhibits import Exhibit
from src.reporting.number_exhibits import DECADE
from src.runtime.errors import InputError
from src.runtime.formatting import count, listed, percent, span
from src.studies import level
from src.tracking import run_tags
from src.tuning.trials import Record, State, Trial


@dataclass(frozen=True)
class Tuned:
    """How a level was tuned.

    Attributes:
        trials: of its search, by number.
        winner: the number of the best.
        sampler: that chose the trials.
    """

    trials: Sequence[Trial]
    winner: int
    sampler: str

    @property
    def best(self) -> Trial:
        """The trial that won."""
        return next(one for one in self.trials if one.number == self.winner)

    @property
    def scores(self) -> np.ndarray:
        """Best validation accuracy of each trial, float (trials,); NaN for those that failed."""
        values = [
            one.value if one.ended and one.value is not None else np.nan for one in self.trials
        ]
        return np.array(values, float)


def of(client: MlflowClient, runs: RunSet, found: Findings) -> list[Exhibit]:
    """Return the exhibits on the tuning of a study; none if its levels were not tuned.

    Args:
        client: of the store that the runs and the searches are in.
        runs: the set.
        found: the findings on it.
    """
    if run_tags.TUNED not in runs.tags:
        return []
    told = json.loads(runs.tags[run_tags.TUNED])
    shown = {levels.shown(runs.factor.key, label): one for label, one in told.items()}
    tuned = {name: _read(client, shown[name]) for name in found.levels if name in shown}
    tuned = {name: one for name, one in tuned.items() if one.trials}
    if not tuned:
        return []
    curves = {name: tuning_curves.curve(one.scores, one.sampler) for name, one in tuned.items()}
    before = untuned(client, runs, _keys(tuned))
    if before is None:
        first = Exhibit("tuning_gain", search_caption(tuned), partial(search_gain, found, tuned))
    else:
        gains = gained(before, runs)
        first = Exhibit(
            "tuning_gain", gain_caption(gains, before.title), partial(gain_figure, found, gains)
        )
    return [
        first,
        Exhibit("tuning_curves", curves_caption(curves), partial(curves_figure, found, curves)),
        Exhibit("winners", winners_caption(tuned), partial(winners_figure, found, tuned)),
    ]


def _read(client: MlflowClient, winner: Mapping[str, Any]) -> Tuned:
    parent = client.get_run(winner["parent_id"])
    trials = Record(client, winner["parent_id"]).trials()
    return Tuned(trials, winner["trial"], parent.data.tags.get("sampler", ""))


def _keys(tuned: Mapping[str, Tuned]) -> list[str]:
    """Return the keys that were tuned."""
    return list(dict.fromkeys(key for one in tuned.values() for key in one.best.params))


# What it was worth


def untuned(client: MlflowClient, runs: RunSet, keys: Sequence[str]) -> RunSet | None:
    """Return the newest study of the same levels in the same recipe but for what was tuned.

    Args:
        client: of the store.
        runs: of the tuned study.
        keys: that were tuned.
    """
    for parent in load_runs.parents(client):
        tags = parent.data.tags
        alike = all(tags.get(key) == runs.tags.get(key) for key in ("experiment", "data_digest"))
        if not alike or run_tags.TUNED in tags or run_tags.STUDY not in tags:
            continue
        try:
            other = load_runs.load(client, parent.info.run_id)
        except InputError:  # deleted, unfinished or mixed: it tells nothing
            continue
        if _comparable(other, runs, keys):
            return other
    return None


def _comparable(other: RunSet, runs: RunSet, keys: Sequence[str]) -> bool:
    common = [name for name in runs.trainings if name in other.trainings]
    if not common or len(set(other.seeds) & set(runs.seeds)) < 2:
        return False
    if other.factor.key != runs.factor.key or not np.array_equal(other.labels, runs.labels):
        return False
    return all(_recipe(other, name, keys) == _recipe(runs, name, keys) for name in common)


def _recipe(runs: RunSet, name: str, keys: Sequence[str]) -> dict[str, str]:
    params = runs.trainings[name][0].params
    return {key: value for key, value in params.items() if not is_ignored(key) and key not in keys}


def gained(before: RunSet, runs: RunSet) -> dict[str, Estimate]:
    """Return what tuning added to the accuracy of each level that both studies have, a fraction,
    with intervals for new seeds and new images.
    """
    seeds = [seed for seed in runs.seeds if seed in before.seeds]
    old, new = before.correct, runs.correct
    at, now = ([one.seeds.index(seed) for seed in seeds] for one in (before, runs))
    return {
        name: statistics.crossed_effects_mean(
            new[name][now].astype(np.int8) - old[name][at].astype(np.int8)
        )
        for name in new
        if name in old
    }


def gain_figure(found: Findings, gains: Mapping[str, Estimate]) -> Figure:
    """Draw what tuning added to the held-out accuracy of each level."""
    drawn = new_figure(1.7 + 0.42 * len(gains), "What tuning was worth")
    axes = drawn.subplots()
    mark_smallest_effect(axes, found.smallest_effect)
    look = looks_of(found)
    for row, (name, gain) in enumerate(gains.items()):
        color = look[name].color
        axes.plot([100 * gain.low, 100 * gain.high], [row, row], color=color, lw=3)
        axes.plot(100 * gain.value, row, look[name].marker, color=color, ms=7)
    label_rows(axes, list(gains))
    label_points(axes)
    axes.set_xlabel("Held-out accuracy, tuned minus untuned (pp)")
    legend(drawn, axes, 2)
    return drawn


def gain_caption(gains: Mapping[str, Estimate], title: str) -> Caption:
    """Say what tuning added to the accuracy of each level."""
    parts = [
        f"{points(gain.value)} to {name} ({span(100 * gain.low, 100 * gain.high, 3)})"
        for name, gain in gains.items()
    ]
    return Caption(
        f"Tuning was worth {listed(parts)}.",
        f"Held-out accuracy of the tuned runs minus that of the same seeds in the untuned study "
        f"{title}, with 95% CIs for new seeds and new images, not corrected for their number.",
    )


def search_gain(found: Findings, tuned: Mapping[str, Tuned]) -> Figure:
    """Draw how far the best trial of each level's search is from its median trial."""
    drawn = new_figure(1.7 + 0.42 * len(tuned), "What tuning was worth, in validation")
    axes = drawn.subplots()
    look = looks_of(found)
    for row, (name, one) in enumerate(tuned.items()):
        middle, best = 100 * float(np.nanmedian(one.scores)), 100 * float(np.nanmax(one.scores))
        first = row == 0
        axes.plot([middle, best], [row, row], color=GRAY, lw=2)
        axes.plot(middle, row, "|", color=ink(), ms=12, label="median trial" if first else None)
        axes.plot(best, row, look[name].marker, color=look[name].color, ms=8)
    axes.plot([], [], "o", color=GRAY, ms=7, label="best trial")
    label_rows(axes, list(tuned))
    axes.xaxis.set_major_locator(MaxNLocator(6))
    axes.set_xlabel("Validation accuracy (%)")
    legend(drawn, axes, 2)
    return drawn


def search_caption(tuned: Mapping[str, Tuned]) -> Caption:
    """Say how far the best trial of each level is above its median one."""
    parts = [
        f"{points(float(np.nanmax(one.scores) - np.nanmedian(one.scores)))} for {name}"
        for name, one in tuned.items()
    ]
    return Caption(
        f"In validation, the best trial is above the median one by {listed(parts)}.",
        "Validation accuracies of the trials, of one seed each and chosen by: the best is too high "
        "to expect it again. There is no untuned study of the same recipe to compare with.",
    )


# How it went


def curves_figure(found: Findings, curves: Mapping[str, TuningCurve]) -> Figure:
    """Draw the best validation accuracy of each level's search against its budget."""
    drawn = new_figure(4.2, "Tuning curves")
    axes = drawn.subplots()
    look = looks_of(found)
    for name, curve in curves.items():
        color = look[name].color
        line = curve.best_so_far if curve.median is None else curve.median
        axes.plot(
            curve.budget,
            100 * line,
            color=color,
            marker=look[name].marker,
            ls=look[name].dashes,
            drawstyle="steps-post" if curve.median is None else "default",
            ms=4.5,
            mew=0,
            lw=1.8,
            label=name,
        )
        if curve.low is not None and curve.high is not None and len(curves) <= CROWD:
            axes.fill_between(
                curve.budget, 100 * curve.low, 100 * curve.high, color=color, alpha=0.12, lw=0
            )
    scores = np.concatenate([curve.best_so_far for curve in curves.values()])
    low, high = 100 * scores[scores > 0].min(), 100 * scores.max()
    room = max(0.15 * (high - low), 0.02)
    axes.set_ylim(low - room, min(100.0, high + 2 * room))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.yaxis.set_major_locator(MaxNLocator(6))
    axes.grid(axis="y")
    axes.set_xlabel("Trials")
    axes.set_ylabel("Best validation accuracy (%)")
    legend(drawn, axes, 3)
    return drawn


def curves_caption(curves: Mapping[str, TuningCurve]) -> Caption:
    """Say what each search found, and what the lines and bands are."""
    parts = [f"{name} {percent(curve.best_so_far[-1])}" for name, curve in curves.items()]
    trials = max(len(curve.budget) for curve in curves.values())
    independent = all(curve.median is not None for curve in curves.values())
    reading = (
        "The line is the median best of so many random trials; the band holds the whole curve in "
        "95% of searches, and has no upper end where so few trials cannot give one."
        if independent
        else "Each line is one search, the best so far: its trials depend on those before, so "
        "there is no band, and another search may go another way."
    )
    return Caption(
        f"After {count(trials, 'trial')} per level, the best validation accuracies are "
        f"{listed(parts)}.",
        f"{reading} Failed trials count.",
    )


# What won


def winners_figure(found: Findings, tuned: Mapping[str, Tuned]) -> Figure:
    """Draw where the trials and the winner of each level lie, by key."""
    keys = _keys(tuned)
    drawn = new_figure(1.1 + len(keys) * (1.05 + 0.34 * len(tuned)), "Where the winners lie")
    look = looks_of(found)
    panels = drawn.subplots(len(keys), 1, squeeze=False)[:, 0]
    for key, axes in zip(keys, panels, strict=True):
        texts = list(
            dict.fromkeys(
                level.override_value(trial.params[key])
                for one in tuned.values()
                for trial in one.trials
                if not _is_number(trial.params[key])
            )
        )
        for row, (name, one) in enumerate(tuned.items()):
            others = [_place(trial.params[key], texts) for trial in one.trials]
            ended = [trial.state != State.FAILED for trial in one.trials]
            axes.scatter(
                others, [row] * len(others), s=[18 if well else 6 for well in ended], color=GRAY
            )
            best = _place(one.best.params[key], texts)
            axes.plot(best, row, look[name].marker, color=look[name].color, ms=9)
        label_rows(axes, list(tuned))
        if texts:
            axes.set_xticks(range(len(texts)), texts)
        else:
            _scale(axes, [trial.params[key] for one in tuned.values() for trial in one.trials])
        axes.set_xlabel(key)
    return drawn


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _place(value: Any, texts: Sequence[str]) -> float:
    return float(texts.index(level.override_value(value))) if texts else float(value)


def _scale(axes: Any, values: Sequence[float]) -> None:
    """Give an axis of values a logarithmic scale where they span a decade."""
    if min(values) > 0 and max(values) / min(values) >= DECADE:
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 3), numticks=12))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_minor_formatter(NullFormatter())
    else:
        axes.xaxis.set_major_locator(MaxNLocator(6))
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")


def winners_caption(tuned: Mapping[str, Tuned]) -> Caption:
    """Say which values won for each level."""
    parts = [
        f"{name}: "
        + ", ".join(
            f"{key.rpartition('.')[2].replace('_', ' ')} {level.override_value(value)}"
            for key, value in one.best.params.items()
        )
        for name, one in tuned.items()
    ]
    return Caption(
        f"The winners are {'; '.join(parts)}.",
        "Gray dots are the trials of each level's search (small: failed), the large marker the one "
        "with the highest validation accuracy. A winner at the end of the range may lie beyond it.",
    )

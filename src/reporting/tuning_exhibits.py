"""The exhibits of a study whose levels were tuned: the gain, the searches, the winners."""

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from matplotlib.figure import Figure
from mlflow import MlflowClient

from src.analysis import levels, load_runs, statistics, tuning_curves
from src.analysis.findings import Findings
from src.analysis.run_set import RunSet, is_ignored
from src.analysis.statistics import Estimate
from src.analysis.tuning_curves import TuningCurve
from src.config import override
from src.core.errors import InputError
from src.core.formatting import count, listed, percent, points, span
from src.evaluation import style
from src.experiments.parent import Parent
from src.experiments.trials import Record, State, Trial
from src.reporting import drawing
from src.reporting.captions import Caption
from src.reporting.drawing import Curve, looks_of
from src.reporting.exhibits import Exhibit
from src.tracking import run_tags


class Tuned(NamedTuple):
    """The search of a level: its trials by number, the number of the best, and its sampler."""

    trials: Sequence[Trial]
    winner: int
    sampler: str

    @property
    def best(self) -> Trial:
        """The best trial."""
        return next(one for one in self.trials if one.number == self.winner)

    @property
    def scores(self) -> np.ndarray:
        """Best validation accuracy of each trial, float (trials,); NaN for those that failed."""
        return np.array([one.value if one.ended else None for one in self.trials], float)

    @property
    def median_and_best(self) -> tuple[float, float]:
        """The median and the highest of these."""
        return float(np.nanmedian(self.scores)), float(np.nanmax(self.scores))


def of(client: MlflowClient, runs: RunSet, found: Findings) -> list[Exhibit]:
    """Return the exhibits on the tuning of a study; none if its levels were not tuned, and only
    those on the winners and their gain if each seed has its own searches.
    """
    winners = _winners(runs)
    read = {
        name: [one for one in (_read(client, winner) for winner in winners[name]) if one.trials]
        for name in found.levels
        if name in winners
    }
    searches = {name: ones for name, ones in read.items() if ones}
    if not searches:
        return []
    once = {name: ones[0] for name, ones in searches.items() if run_tags.TUNED in runs.tags}
    exhibits = []
    if before := untuned(client, runs, list(next(iter(searches.values()))[0].best.params)):
        gains = gained(before, runs)
        caption, draw = _gain_caption(gains, before.title), partial(_gain_figure, found, gains)
        exhibits.append(Exhibit("tuning_gain", caption, draw))
    elif once:
        caption, draw = _search_caption(once), partial(_search_figure, found, once)
        exhibits.append(Exhibit("tuning_gain", caption, draw))
    if once:
        curves = {name: tuning_curves.curve(one.scores, one.sampler) for name, one in once.items()}
        caption, draw = _curves_caption(curves), partial(_curves_figure, found, curves)
        exhibits.append(Exhibit("tuning_curves", caption, draw))
    caption, draw = _winners_caption(searches), partial(winners_figure, found, searches)
    return [*exhibits, Exhibit("winners", caption, draw)]


def _winners(runs: RunSet) -> dict[str, list[dict[str, Any]]]:
    """Return the best trial of each search by level: of one, or of one for each seed."""
    if run_tags.TUNED in runs.tags:
        of_labels = json.loads(runs.tags[run_tags.TUNED]).items()
        return {levels.shown(runs.factor.key, label): [winner] for label, winner in of_labels}
    return {
        name: [json.loads(one.tags[run_tags.TUNED]) for one in ones if run_tags.TUNED in one.tags]
        for name, ones in runs.trainings.items()
    }


def _read(client: MlflowClient, winner: Mapping[str, Any]) -> Tuned:
    parent = client.get_run(winner["parent_id"])
    trials = Record(Parent(client, parent.info.experiment_id, parent.info.run_id)).trials()
    return Tuned(trials, winner["trial"], parent.data.tags.get("sampler", ""))


def untuned(client: MlflowClient, runs: RunSet, keys: Sequence[str]) -> RunSet | None:
    """Return the newest study of the same levels in the same recipe but for the tuned keys."""
    for parent in load_runs.parents(client):
        tags = parent.data.tags
        alike = all(tags.get(key) == runs.tags.get(key) for key in ("experiment", "data_digest"))
        if not alike or run_tags.TUNE in tags or run_tags.STUDY not in tags:
            continue
        with suppress(InputError):  # deleted, unfinished or mixed
            other = load_runs.load(client, parent.info.run_id)
            if _comparable(other, runs, keys):
                return other
    return None


def _comparable(other: RunSet, runs: RunSet, keys: Sequence[str]) -> bool:
    def recipe(one: RunSet, name: str) -> dict[str, str]:
        params = one.trainings[name][0].params.items()
        return {key: value for key, value in params if not is_ignored(key) and key not in keys}

    both = [name for name in runs.trainings if name in other.trainings]
    return (
        len(set(other.seeds) & set(runs.seeds)) > 1
        and other.factor.key == runs.factor.key
        and not (other.images_by_seed or runs.images_by_seed)
        and np.array_equal(other.labels, runs.labels)
        and bool(both)
        and all(recipe(other, name) == recipe(runs, name) for name in both)
    )


def gained(before: RunSet, runs: RunSet) -> dict[str, Estimate]:
    """Return the gain in accuracy of each level in both studies, for new seeds and new images."""
    seeds = [seed for seed in runs.seeds if seed in before.seeds]
    at, now = ([one.seeds.index(seed) for seed in seeds] for one in (before, runs))
    gains: dict[str, Estimate] = {}
    for name in [name for name in runs.correct if name in before.correct]:
        added = np.subtract(runs.correct[name][now], before.correct[name][at], dtype=np.int8)
        gains[name] = statistics.crossed_effects_mean(added)
    return gains


def _gain_figure(found: Findings, gains: Mapping[str, Estimate]) -> Figure:
    figure, axes = style.new_axes(1.7 + 0.42 * len(gains), "What tuning was worth")
    drawing.mark_smallest_effect(axes, found.smallest_effect)
    for row, (name, gain) in enumerate(gains.items()):
        drawing.interval(axes, row, gain, looks_of(found)[name])
    drawing.label_rows(axes, list(gains))
    drawing.label_points(axes, "Held-out accuracy, tuned minus untuned (pp)")
    style.legend(axes)
    return figure


def _gain_caption(gains: Mapping[str, Estimate], title: str) -> Caption:
    spans = {name: span(100 * gain.low, 100 * gain.high, 3) for name, gain in gains.items()}
    parts = [f"{points(gain.value)} to {name} ({spans[name]})" for name, gain in gains.items()]
    return Caption(
        f"Tuning was worth {listed(parts)}.",
        "Held-out accuracy of the tuned runs minus that of the same seeds in the untuned study "
        f"{title}, with 95% CIs for new seeds and new images, not corrected for their number.",
    )


def _search_figure(found: Findings, tuned: Mapping[str, Tuned]) -> Figure:
    figure, axes = style.new_axes(1.7 + 0.42 * len(tuned), "What tuning was worth, in validation")
    for row, (name, one) in enumerate(tuned.items()):
        look = looks_of(found)[name]
        middle, best = (100 * score for score in one.median_and_best)
        axes.plot([middle, best], [row, row], color=style.GRAY, lw=2)
        axes.plot(middle, row, "|", color=style.ink(), ms=12)
        axes.plot(best, row, look.marker, color=look.color, ms=8)
    axes.plot([], [], "|", color=style.ink(), ms=12, label="median trial")
    axes.plot([], [], "o", color=style.GRAY, ms=7, label="best trial")
    drawing.label_rows(axes, list(tuned))
    style.linear_axis(axes.xaxis)
    axes.set_xlabel("Validation accuracy (%)")
    style.legend(axes)
    return figure


def _search_caption(tuned: Mapping[str, Tuned]) -> Caption:
    ends = {name: one.median_and_best for name, one in tuned.items()}
    parts = [f"{points(best - middle)} for {name}" for name, (middle, best) in ends.items()]
    return Caption(
        f"In validation, the best trial is above the median one by {listed(parts)}.",
        "Validation accuracies of the trials, of one seed each and chosen by: the best is too high "
        "to expect it again. There is no untuned study of the same recipe to compare with.",
    )


def _curves_figure(found: Findings, curves: Mapping[str, TuningCurve]) -> Figure:
    figure, axes = style.new_axes(4.2, "Tuning curves")
    lines = {name: _line(curve) for name, curve in curves.items()}
    drawing.draw_curves(axes, lines, looks_of(found))
    scores = np.concatenate([curve.best_so_far for curve in curves.values()])
    low, high = 100 * scores[scores > 0].min(), 100 * scores.max()
    room = max(0.15 * (high - low), 0.02)
    axes.set_ylim(low - room, min(100.0, high + 2 * room))
    style.linear_axis(axes.yaxis)
    axes.set(xlabel="Trials", ylabel="Best validation accuracy (%)")
    drawing.name_curves(axes, lines, looks_of(found))
    return figure


def _line(one: TuningCurve) -> Curve:
    """Return the median with its band, in percent, or else the best so far as steps."""
    if one.median is None or one.low is None or one.high is None:
        return Curve(one.budget, 100 * one.best_so_far, steps=True)
    return Curve(one.budget, 100 * one.median, 100 * one.low, 100 * one.high)


def _curves_caption(curves: Mapping[str, TuningCurve]) -> Caption:
    parts = [f"{name} {percent(curve.best_so_far[-1])}" for name, curve in curves.items()]
    trials = max(len(curve.budget) for curve in curves.values())
    reading = (
        "Each line is one search, the best so far: its trials depend on those before, so there "
        "is no band, and another search may go another way."
    )
    if all(curve.median is not None for curve in curves.values()):
        reading = (
            "The line is the median best of so many random trials; the band holds the whole curve "
            "in 95% of searches, and has no upper end where so few trials cannot give one."
        )
    most = f"After {count(trials, 'trial')} per level, the best validation accuracies are "
    return Caption(f"{most}{listed(parts)}.", f"{reading} Failed trials count.")


def winners_figure(found: Findings, tuned: Mapping[str, Sequence[Tuned]]) -> Figure:
    """Draw where the trials and the winners of each level's searches lie, by key."""
    keys = list(next(iter(tuned.values()))[0].best.params)
    figure = style.new_figure(1.1 + len(keys) * (1.05 + 0.34 * len(tuned)), "Where the winners lie")
    trials = {name: [trial for one in ones for trial in one.trials] for name, ones in tuned.items()}
    look = looks_of(found)
    panels = figure.subplots(len(keys), 1, squeeze=False)[:, 0]
    for key, axes in zip(keys, panels, strict=True):
        values = [trial.params[key] for some in trials.values() for trial in some]
        numeric = all(isinstance(one, int | float) and not isinstance(one, bool) for one in values)
        words = [] if numeric else list(dict.fromkeys(map(override.value, values)))
        for row, (name, ones) in enumerate(tuned.items()):
            x = [drawing.place_of(trial.params[key], words) for trial in trials[name]]
            sizes = [6 if trial.state == State.FAILED else 18 for trial in trials[name]]
            axes.scatter(x, [row] * len(x), s=sizes, color=style.GRAY)
            best = [drawing.place_of(one.best.params[key], words) for one in ones]
            axes.plot(best, [row] * len(best), look[name].marker, color=look[name].color, ms=9)
        drawing.label_rows(axes, list(tuned))
        if words:
            axes.set_xticks(range(len(words)), words)
        else:
            style.value_axis(axes.xaxis, values)
        axes.set_xlabel(key)
    return figure


def _winners_caption(tuned: Mapping[str, Sequence[Tuned]]) -> Caption:
    parts = []
    for name, ones in tuned.items():
        values = {
            key: _values([one.best.params[key] for one in ones]) for key in ones[0].best.params
        }
        own = [f"{key.rpartition('.')[2].replace('_', ' ')} {text}" for key, text in values.items()]
        parts.append(f"{name}: {', '.join(own)}")
    most = max(len(ones) for ones in tuned.values())
    winners = (
        "the large marker the one" if most == 1 else f"the large markers those of {most} searches"
    )
    return Caption(
        f"The winners are {'; '.join(parts)}.",
        f"Gray dots are the trials of each level's search (small: failed), {winners} with the "
        "highest validation accuracy. A winner at the end of the range may lie beyond it.",
    )


def _values(found: Sequence[Any]) -> str:
    """Return the range of several numbers, or else each value once."""
    each = sorted(set(found)) if all(type(one) in (int, float) for one in found) else []
    if len(each) > 1:
        return f"{each[0]:g} to {each[-1]:g}"
    return listed(list(dict.fromkeys(map(override.value, found))))

"""The exhibits of a study whose levels were tuned: the gain, the searches, the winners."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from src.analysis import tuning_curves
from src.analysis.findings import Findings
from src.analysis.statistics import Estimate
from src.analysis.tuning_curves import TuningCurve
from src.config import override
from src.core.formatting import count, listed, percent, points, span
from src.evaluation import style
from src.experiments.trials import State, Trial
from src.reporting import drawing
from src.reporting.captions import Caption
from src.reporting.drawing import Curve, looks_of
from src.reporting.exhibits import Exhibit


@dataclass(frozen=True)
class Tuned:
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


@dataclass(frozen=True)
class Tuning:
    """How the levels of a study were tuned."""

    searches: Mapping[str, Sequence[Tuned]]  # by level, each with one or one for each seed
    is_repeated: bool = False  # one for each seed
    untuned: str | None = None  # the title of the untuned study of the same recipe, if there is one
    gains: Mapping[str, Estimate] = field(default_factory=dict)  # in accuracy, over that study


def of(tuning: Tuning, found: Findings) -> list[Exhibit]:
    """Return the exhibits on the tuning of a study: only those on the winners and their gain if
    each seed has its own searches.
    """
    exhibits, once = [], {name: ones[0] for name, ones in tuning.searches.items()}
    if tuning.untuned:
        caption = _gain_caption(tuning.gains, tuning.untuned)
        gains = partial(_gain_figure, found, tuning.gains)
        exhibits.append(Exhibit("tuning_gain", caption, gains))
    elif not tuning.is_repeated:
        search = partial(_search_figure, found, once)
        exhibits.append(Exhibit("tuning_gain", _search_caption(once), search))
    if not tuning.is_repeated:
        curves = {name: tuning_curves.curve(one.scores, one.sampler) for name, one in once.items()}
        draw = partial(_curves_figure, found, curves)
        exhibits.append(Exhibit("tuning_curves", _curves_caption(curves), draw))
    winners = partial(winners_figure, found, tuning.searches)
    return [*exhibits, Exhibit("winners", _winners_caption(tuning.searches), winners)]


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

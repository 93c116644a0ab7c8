"""The figures of a search: its course, what mattered, and each key by itself.

They show the validation error of each trial's model, on a logarithmic scale: a trial that learned
nothing would press the others into one line.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from src.evaluation.style import (
    BLUE,
    GRAY,
    INK,
    STYLE,
    VERMILION,
    legend,
    linear_axis,
    log_axis,
    new_figure,
    whole_numbers,
)
from src.studies import level
from src.tuning import design, trials
from src.tuning.design import Search
from src.tuning.trials import State, Trial

ERROR = "Validation error (%)"
MOST_PANELS = 9


@rc_context(STYLE)
def history(found: Sequence[Trial]) -> Figure:
    """Draw every trial's error by its number, and the lowest so far."""
    figure = new_figure(3.6, "Trials in their order")
    axes = figure.subplots()
    _draw_trials(axes, found, lambda trial: trial.number)
    complete = [trial for trial in found if trial.state == State.COMPLETE]
    if complete:
        best = np.minimum.accumulate([_error(trial) for trial in complete])
        numbers = [*(trial.number for trial in complete), max(trial.number for trial in found)]
        axes.step(numbers, [*best, best[-1]], where="post", color=INK, lw=1.4, label="best so far")
    _error_axis(axes, found)
    whole_numbers(axes.xaxis)
    axes.grid(axis="y")
    axes.set_xlabel("Trial")
    legend(axes)
    return figure


@rc_context(STYLE)
def importances(shares: Mapping[str, float]) -> Figure:
    """Draw each key's share of the variance of the objective (fANOVA).

    Args:
        shares: fractions by key, the largest first.
    """
    figure = new_figure(1.2 + 0.42 * len(shares), "What the accuracy depends on")
    axes = figure.subplots()
    values = [100 * share for share in shares.values()]
    bars = axes.barh(range(len(values)), values, color=BLUE, height=0.62)
    axes.bar_label(bars, [f" {value:.0f}%" for value in values])
    axes.set_yticks(range(len(values)), list(shares))
    axes.set_ylim(len(values) - 0.5, -0.5)
    axes.tick_params(left=False)
    axes.set_xlim(0, 112)
    axes.xaxis.set_visible(False)
    axes.spines[["left", "bottom"]].set_visible(False)
    axes.set_title("share of the variance between trials, by fANOVA", fontsize=10)
    return figure


@rc_context(STYLE)
def slices(search: Search, found: Sequence[Trial]) -> Figure:
    """Draw the error against each key's values."""
    keys = list(search.ranges)[:MOST_PANELS]
    columns = min(2, len(keys))
    rows = -(-len(keys) // columns)
    figure = new_figure(0.8 + 2.6 * rows, "The error by each value")
    grid = figure.subplots(rows, columns, squeeze=False, sharey=True)
    for axes in grid.flat[len(keys) :]:
        axes.set_visible(False)
    for key, axes in zip(keys, grid.flat, strict=False):
        _draw_slice(axes, search, key, found)
    _error_axis(grid.flat[0], found)
    for axes in grid[:, 0]:
        axes.set_ylabel(ERROR)
    legend(grid.flat[0])
    return figure


def _draw_slice(axes: Axes, search: Search, key: str, found: Sequence[Trial]) -> None:
    """Draw the error against the values of one key, which may be words."""
    values = search.ranges[key]
    texts = [] if values.numeric else [level.override_value(value) for value in values.values]

    def place(trial: Trial) -> float:
        value = trial.params[key]
        return texts.index(level.override_value(value)) if texts else float(value)

    _draw_trials(axes, found, place)
    if winner := trials.best(list(found)):
        axes.plot(place(winner), _error(winner), "D", color=VERMILION, ms=5.5, label="best")
    if texts:
        axes.set_xticks(range(len(texts)), texts, rotation=30 if len("".join(texts)) > 22 else 0)
        axes.set_xlim(-0.5, len(texts) - 0.5)
    elif values.kind == design.LOG_UNIFORM:
        log_axis(axes.xaxis, least=3)
    else:
        linear_axis(axes.xaxis, 5, integer=values.kind == design.INTEGER)
    axes.set_xlabel(key)
    axes.grid(axis="y")


def _draw_trials(axes: Axes, found: Sequence[Trial], place: Callable[[Trial], float]) -> None:
    """Draw the errors of all trials that ended, each at its place on the horizontal axis."""
    for state, marker, color, label in (
        (State.PRUNED, "x", GRAY, "pruned"),
        (State.COMPLETE, "o", BLUE, "trained to the end"),
    ):
        some = [trial for trial in found if trial.state == state]
        if some:
            x, y = map(place, some), map(_error, some)
            axes.plot(list(x), list(y), marker, color=color, ms=5.5, label=label)


def _error(trial: Trial) -> float:
    """Return the validation error in percent."""
    return 100 * (1 - (trial.value or 0.0))


def _error_axis(axes: Axes, found: Sequence[Trial]) -> None:
    """Label the axis of errors, logarithmic unless one of them is zero."""
    errors = [_error(trial) for trial in found if trial.ended]
    if errors and min(errors) > 0:
        log_axis(axes.yaxis)
    axes.set_ylabel(ERROR)

"""The report of a search: a list of its trials, and figures of their validation errors, on a
logarithmic scale, because a trial that learned nothing would press the others into one line.
"""

import csv
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from mlflow import MlflowClient

from src.config import override, search_file
from src.config.search_file import Search
from src.core.atomic_write import writing
from src.evaluation import figures, style
from src.experiments import sampling, trials
from src.experiments.trials import State, Trial
from src.reporting import drawing

TRIALS = "trials.csv"
FOLDER = "figures"  # in the run's artifacts
ERROR = "Validation error (%)"
MOST_PANELS = 9


def attach(search: Search, found: Sequence[Trial], parent_id: str) -> None:
    """Log the figures and the list of a search's trials to its parent run."""
    with TemporaryDirectory() as folder:
        write(Path(folder), search, found, parent_id)


def write(folder: Path, search: Search, found: Sequence[Trial], parent_id: str) -> None:
    """Write the figures and the list of a search's trials, and log them to its parent run."""
    drawn = draw(search, found)
    with writing(*(folder / name for name in (*drawn, TRIALS))) as files:
        for path, figure in zip(files, drawn.values(), strict=False):
            figures.save(figure, path)
        write_trials(search, found, files[-1])
    client = MlflowClient()
    for name in drawn:
        client.log_artifact(parent_id, str(folder / name), FOLDER)
    client.log_artifact(parent_id, str(folder / TRIALS))


def write_trials(search: Search, found: Sequence[Trial], path: Path) -> None:
    """Write a row for each trial: its number, state and values, and the accuracy it reached."""
    with path.open("w", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        results = ["best_val_accuracy", "epochs", "train_seconds"]
        rows.writerow(["trial", "state", *search.ranges, *results])
        for one in found:
            drawn = [one.params[key] for key in search.ranges]
            values = [v if isinstance(v, str | float | int) else json.dumps(v) for v in drawn]
            cells = [one.value, len(one.accuracies), one.seconds]  # None becomes an empty cell
            rows.writerow([one.number, one.state.value, *values, *cells])


@rc_context(style.STYLE)
def draw(search: Search, found: Sequence[Trial]) -> dict[str, Figure]:
    """Return the figures by the names of their files."""
    drawn = {"history.png": history(found)}
    if len(search.ranges) > 1 and (shares := sampling.importances(search, found)):
        drawn["importances.png"] = _importances(shares)
    return drawn | {"slices.png": slices(search, found)}


def history(found: Sequence[Trial]) -> Figure:
    """Draw every trial's error by its number, and the lowest so far."""
    figure, axes = style.new_axes(3.6, "Trials in their order")
    _draw_trials(axes, found, lambda trial: trial.number)
    if complete := [trial for trial in found if trial.state == State.COMPLETE]:
        best = np.minimum.accumulate([_error(trial) for trial in complete])
        x = [*(trial.number for trial in complete), max(trial.number for trial in found)]
        line: Any = {"where": "post", "color": style.INK, "lw": 1.4, "label": "best so far"}
        axes.step(x, [*best, best[-1]], **line)
    _error_axis(axes, found)
    style.whole_numbers(axes.xaxis)
    axes.set(xlabel="Trial", ylabel=ERROR)
    style.legend(axes)
    return figure


def _importances(shares: Mapping[str, float]) -> Figure:
    """Draw each key's share of the variance of the objective (fANOVA), the largest first."""
    figure, axes = style.new_axes(1.2 + 0.42 * len(shares), "What the accuracy depends on")
    percents = [100 * share for share in shares.values()]
    style.bars(axes, percents, [f" {value:.0f}%" for value in percents], list(shares), style.BLUE)
    axes.set_xlim(0, 112)
    axes.spines["left"].set_visible(False)
    axes.set_title("share of the variance between trials, by fANOVA", fontsize=10)
    return figure


def slices(search: Search, found: Sequence[Trial]) -> Figure:
    """Draw the error against each key's values."""
    keys = list(search.ranges)[:MOST_PANELS]
    rows, columns = -(-len(keys) // 2), min(2, len(keys))
    figure = style.new_figure(0.8 + 2.6 * rows, "The error by each value")
    grid = figure.subplots(rows, columns, squeeze=False, sharey=True)
    for axes in grid.flat[len(keys) :]:
        axes.set_visible(False)
    for key, axes in zip(keys, grid.flat, strict=False):
        _draw_slice(axes, search, key, found)
    _error_axis(grid[0, 0], found)
    for axes in grid[:, 0]:
        axes.set_ylabel(ERROR)
    style.legend(grid[0, 0])
    return figure


def _draw_slice(axes: Axes, search: Search, key: str, found: Sequence[Trial]) -> None:
    values = search.ranges[key]
    words = [] if values.numeric else list(map(override.value, values.values))

    def place(trial: Trial) -> float:
        return drawing.place_of(trial.params[key], words)

    _draw_trials(axes, found, place)
    if best := trials.best(list(found)):
        axes.plot(place(best), _error(best), "D", color=style.VERMILION, ms=5.5, label="best")
    if words:
        axes.set_xticks(range(len(words)), words, rotation=30 if len("".join(words)) > 22 else 0)
        axes.set_xlim(-0.5, len(words) - 0.5)
    elif values.kind == search_file.LOG_UNIFORM:
        style.log_axis(axes.xaxis, least=3)
    else:
        style.linear_axis(axes.xaxis, 5, integer=values.kind == search_file.INTEGER)
    axes.set_xlabel(key)
    axes.grid(axis="y")


def _draw_trials(axes: Axes, found: Sequence[Trial], place: Callable[[Trial], float]) -> None:
    """Draw the errors of all trials that ended, each at its place on the horizontal axis."""
    ended = (State.COMPLETE, "o", style.BLUE, "trained to the end")
    for state, marker, color, label in ((State.PRUNED, "x", style.GRAY, "pruned"), ended):
        points = [(place(trial), _error(trial)) for trial in found if trial.state == state]
        if points:
            axes.plot(*zip(*points, strict=True), marker, color=color, ms=5.5, label=label)


def _error(trial: Trial) -> float:
    return 100 * (1 - (trial.value or 0.0))


def _error_axis(axes: Axes, found: Sequence[Trial]) -> None:
    """Make the axis of errors logarithmic unless one of them is zero."""
    errors = [_error(trial) for trial in found if trial.ended]
    if errors and min(errors) > 0:
        style.log_axis(axes.yaxis)
    axes.grid(axis="y", visible=True)

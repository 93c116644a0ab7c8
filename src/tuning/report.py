"""What a search shows at its end: a table on the terminal, figures and a list of its trials."""

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from matplotlib.figure import Figure
from mlflow import MlflowClient
from rich import box
from rich.console import Console
from rich.table import Table

from src.config import override
from src.config.search_file import Search
from src.evaluation import figures as run_figures
from src.runtime import formatting, paths
from src.runtime.atomic_write import writing
from src.tuning import figures, sampling
from src.tuning.trials import State, Trial

if TYPE_CHECKING:
    from src.tuning.runner import Made, Task

TRIALS = "trials.csv"
FOLDER = "figures"  # in the run's artifacts
ROWS = 10


def show(search: Search, found: Sequence[Trial]) -> None:
    """Print the best trials."""
    keys = list(search.ranges)
    table = Table(
        title="The best trials", title_justify="left", box=box.HORIZONTALS, pad_edge=False
    )
    table.add_column("trial", justify="right")
    for key in keys:
        table.add_column(key.rpartition(".")[2], overflow="fold", justify="right")
    for title in ("validation\naccuracy", "s of\ntraining"):
        table.add_column(title, justify="right", no_wrap=True)
    complete = [one for one in found if one.state == State.COMPLETE and one.value is not None]
    for one in sorted(complete, key=lambda one: -(one.value or 0))[:ROWS]:
        values = [override.value(one.params[key]) for key in keys]
        seconds = "–" if one.seconds is None else f"{one.seconds:.0f}"
        table.add_row(str(one.number), *values, f"{one.value:.4f}", seconds)
    Console(highlight=False).print(table)
    pruned = sum(one.state == State.PRUNED for one in found)
    if pruned:
        print(f"{formatting.count(pruned, 'trial')} more pruned.")


def write(task: "Task", made: "Made") -> Path:
    """Write the figures and the list of the trials to a folder of reports/, and add them to the
    search's run; return the folder.
    """
    folder = paths.REPORTS / f"search-{task.name}"
    _write(task, made, folder)
    return folder


def attach(task: "Task", made: "Made") -> None:
    """Add the figures and the list of the trials to the search's run."""
    with TemporaryDirectory() as folder:
        _write(task, made, Path(folder))


def _write(task: "Task", made: "Made", folder: Path) -> None:
    drawn = draw(task.search, made.trials)
    with writing(*(folder / name for name in (*drawn, TRIALS))) as files:
        for path, figure in zip(files, drawn.values(), strict=False):
            run_figures.save(figure, path)
        write_trials(task.search, made.trials, files[-1])
    client = MlflowClient()
    for name in drawn:
        client.log_artifact(made.parent_id, str(folder / name), FOLDER)
    client.log_artifact(made.parent_id, str(folder / TRIALS))


def draw(search: Search, found: Sequence[Trial]) -> dict[str, Figure]:
    """Return the figures by their files' names."""
    shares = sampling.importances(search, found) if len(search.ranges) > 1 else {}
    return {
        "history.png": figures.history(found),
        **({"importances.png": figures.importances(shares)} if shares else {}),
        "slices.png": figures.slices(search, found),
        "parallel_coordinates.png": figures.parallel_coordinates(search, found),
    }


def write_trials(search: Search, found: Sequence[Trial], path: Path) -> None:
    """Write a row for each trial: number, state, what was drawn, and what it attained."""
    with path.open("w", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        keys = list(search.ranges)
        rows.writerow(["trial", "state", *keys, "best_val_accuracy", "epochs", "train_seconds"])
        for one in found:
            values = [
                value
                if isinstance(value := one.params[key], str | float | int)
                else json.dumps(value)
                for key in keys
            ]
            attained = [one.value, len(one.accuracies), one.seconds]
            cells = ["" if value is None else value for value in attained]
            rows.writerow([one.number, one.state.value, *values, *cells])

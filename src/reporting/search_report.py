"""The report of a search: figures, and a list of its trials."""

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from matplotlib.figure import Figure
from mlflow import MlflowClient

from src.config.search_file import Search
from src.core.atomic_write import writing
from src.evaluation import figures
from src.experiments import sampling
from src.experiments.trials import Trial
from src.reporting import search_figures

TRIALS = "trials.csv"
FOLDER = "figures"  # in the run's artifacts


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


def draw(search: Search, found: Sequence[Trial]) -> dict[str, Figure]:
    """Return the figures by the names of their files."""
    shares = sampling.importances(search, found) if len(search.ranges) > 1 else {}
    return {
        "history.png": search_figures.history(found),
        **({"importances.png": search_figures.importances(shares)} if shares else {}),
        "slices.png": search_figures.slices(search, found),
    }


def write_trials(search: Search, found: Sequence[Trial], path: Path) -> None:
    """Write a row for each trial: its number, state and values, and the accuracy it reached."""
    with path.open("w", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        results = ["best_val_accuracy", "epochs", "train_seconds"]
        rows.writerow(["trial", "state", *search.ranges, *results])
        for one in found:
            drawn = [one.params[key] for key in search.ranges]
            values = [
                value if isinstance(value, str | float | int) else json.dumps(value)
                for value in drawn
            ]
            cells = [one.value, len(one.accuracies), one.seconds]  # None becomes an empty cell
            rows.writerow([one.number, one.state.value, *values, *cells])

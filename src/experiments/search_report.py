"""What a search shows at its end: a table on the terminal, figures and a list of its trials."""

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from matplotlib.figure import Figure
from mlflow import MlflowClient

from src.config.search_file import Search
from src.evaluation import figures as run_figures
from src.experiments import sampling
from src.experiments import search_figures as figures
from src.experiments.search import SearchPlan
from src.experiments.trials import Trial
from src.runtime import paths
from src.runtime.atomic_write import writing

TRIALS = "trials.csv"
FOLDER = "figures"  # in the run's artifacts


def write(plan: SearchPlan, parent_id: str) -> Path:
    """Write the figures and the list of the trials to a folder of reports/, and add them to the
    search's run; return the folder.
    """
    folder = paths.REPORTS / f"search-{plan.name}"
    _write(plan, parent_id, folder)
    return folder


def attach(plan: SearchPlan, parent_id: str) -> None:
    """Add the figures and the list of the trials to the search's run."""
    with TemporaryDirectory() as folder:
        _write(plan, parent_id, Path(folder))


def _write(plan: SearchPlan, parent_id: str, folder: Path) -> None:
    found = plan.counted()
    drawn = draw(plan.search, found)
    with writing(*(folder / name for name in (*drawn, TRIALS))) as files:
        for path, figure in zip(files, drawn.values(), strict=False):
            run_figures.save(figure, path)
        write_trials(plan.search, found, files[-1])
    client = MlflowClient()
    for name in drawn:
        client.log_artifact(parent_id, str(folder / name), FOLDER)
    client.log_artifact(parent_id, str(folder / TRIALS))


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

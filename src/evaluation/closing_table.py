"""The table at the end of a run: its accuracy, its submission, and suggestions what to run next."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from rich.console import Console
from rich.table import Table

from src.core import metric_names, paths
from src.core.read_json import read_json
from src.data.sources import is_scored_by_kaggle
from src.evaluation import wilson

TRAINED = {metric_names.BEST_VAL_ACCURACY: float}
TIMED = dict.fromkeys(
    (metric_names.MEDIAN_EPOCH_SECONDS, metric_names.MEDIAN_IMAGES_PER_SECOND), float
)
NAMED = {"run_id": str | None, "run_name": str, "experiment": str, "dataset": str}
SCORED = {
    metric_names.TEST_ACCURACY: float,
    metric_names.TEST_ERRORS: int,
    metric_names.TEST_IMAGES: int,
}


class Outcome(NamedTuple):
    """A finished run."""

    origin: Mapping[str, Any]  # the contents of run.json
    final: Mapping[str, float]  # metrics of the training, with its times
    scores: Mapping[str, float]  # on the held-out images; empty if their labels are not known
    submission: Path


def read(model_folder: Path, predictions_folder: Path) -> Outcome:
    """Return the outcome of a run from the files of its training and of its predictions.

    Raises:
        InputError: a file is missing or damaged.
    """
    remedy = "run `dvc repro` first."
    final = read_json(model_folder / paths.METRICS, TRAINED, remedy)
    timings = read_json(model_folder / paths.TIMINGS, TIMED, remedy)
    origin = read_json(model_folder / paths.ORIGIN, NAMED, remedy)
    scores = read_json(predictions_folder / paths.METRICS, {}, remedy)
    if scores:
        scores = read_json(predictions_folder / paths.METRICS, SCORED, remedy)
    return Outcome(origin, final | timings, scores, predictions_folder / paths.SUBMISSION)


def show(outcome: Outcome, suggest: bool = True) -> None:
    """Print the table, and below it, if wanted, commands to run next."""
    origin, final, scores = outcome.origin, outcome.final, outcome.scores
    kaggle = is_scored_by_kaggle(origin["dataset"])
    table = Table(title=origin["run_name"], show_header=False, title_justify="left")
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    if scores:
        images = f"{scores[metric_names.TEST_IMAGES]:,} images"
        table.add_row("held-out accuracy", accuracy(scores))
        table.add_row("errors", f"{scores[metric_names.TEST_ERRORS]:,} of {images}")
    elif kaggle:
        table.add_row("held-out accuracy", "not known here: Kaggle scores this submission")
    else:
        table.add_row("held-out accuracy", f"not known: {origin['dataset']} has no test labels")
    table.add_row("validation accuracy", f"{final[metric_names.BEST_VAL_ACCURACY]:.4f}")
    table.add_row(
        "speed",
        f"{final[metric_names.MEDIAN_EPOCH_SECONDS]:.1f} s per epoch, "
        f"{final[metric_names.MEDIAN_IMAGES_PER_SECOND]:,.0f} images/s",
    )
    table.add_row("submission", str(outcome.submission))
    tracked = f"{origin['run_id']} in {origin['experiment']}"
    table.add_row("MLflow run", tracked if origin["run_id"] else "none: mlflow.enabled is false")
    console = Console(highlight=False)
    console.print(table)
    if not suggest:
        return
    console.print("Next")
    if kaggle and not scores:
        console.print("  python -m src.submit               send the submission to Kaggle")
    if origin["run_id"]:
        console.print("  make ui                            see the run in MLflow")
    console.print("  source .venv/bin/activate          then, for example:")
    other = "gelu" if origin["run_name"].startswith("relu-") else "relu"
    console.print(f"  dvc exp run -S activation={other}     try another activation")


def accuracy(scores: Mapping[str, float]) -> str:
    """Return the held-out accuracy and its 95% interval, as text."""
    images = int(scores[metric_names.TEST_IMAGES])
    low, high = wilson.interval(images - int(scores[metric_names.TEST_ERRORS]), images)
    return f"{scores[metric_names.TEST_ACCURACY]:.4f}  (95% interval {low:.4f} to {high:.4f})"

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
TIMED = {metric_names.MEDIAN_EPOCH_SECONDS: float, metric_names.MEDIAN_IMAGES_PER_SECOND: float}
NAMED = {"run_id": str | None, "run_name": str, "experiment": str, "dataset": str}
COUNTED = {metric_names.TEST_ERRORS: int, metric_names.TEST_IMAGES: int}
SCORED = {metric_names.TEST_ACCURACY: float, **COUNTED}


class Outcome(NamedTuple):
    """A finished run."""

    origin: Mapping[str, Any]  # the contents of run.json
    final: Mapping[str, float]  # metrics of the training, with its times
    scores: Mapping[str, float]  # on the held-out images; empty if their labels are not known
    submission: Path | None  # None if data_seed drew other test images than test.csv has


def read(model_folder: Path, predictions_folder: Path) -> Outcome:
    """Return the outcome of a run from the complete files of its training and predictions."""
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
    origin, final, scores, submission = outcome
    run_name, run_id, dataset = origin["run_name"], origin["run_id"], origin["dataset"]
    kaggle = is_scored_by_kaggle(dataset)
    table = Table(title=run_name, show_header=False, title_justify="left")
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    if scores:
        errors, images = scores[metric_names.TEST_ERRORS], scores[metric_names.TEST_IMAGES]
        table.add_row("held-out accuracy", accuracy(scores))
        table.add_row("errors", f"{errors:,} of {images:,} images")
    else:
        unlabelled = f"not known: {dataset} has no test labels"
        unknown = "not known here: Kaggle scores this submission" if kaggle else unlabelled
        table.add_row("held-out accuracy", unknown)
    table.add_row("validation accuracy", f"{final[metric_names.BEST_VAL_ACCURACY]:.4f}")
    speed = f"{final[metric_names.MEDIAN_EPOCH_SECONDS]:.1f} s per epoch"
    speed += f", {final[metric_names.MEDIAN_IMAGES_PER_SECOND]:,.0f} images/s"
    table.add_row("speed", speed)
    table.add_row("submission", str(submission or "none: data_seed drew other test images"))
    tracked = f"{run_id} in {origin['experiment']}" if run_id else "none: mlflow.enabled is false"
    table.add_row("MLflow run", tracked)
    Console(highlight=False).print(table)
    if not suggest:
        return
    print("Next")
    if kaggle and not scores:
        print("  python -m src.submit               send the submission to Kaggle")
    if run_id:
        print("  make ui                            see the run in MLflow")
    print("  source .venv/bin/activate          then, for example:")
    other = "gelu" if run_name.startswith("relu-") else "relu"
    print(f"  dvc exp run -S activation={other}     try another activation")


def accuracy(scores: Mapping[str, float]) -> str:
    """Return the held-out accuracy and its 95% interval, as text."""
    images, errors = int(scores[metric_names.TEST_IMAGES]), int(scores[metric_names.TEST_ERRORS])
    low, high = wilson.interval(images - errors, images)
    return f"{scores[metric_names.TEST_ACCURACY]:.4f}  (95% interval {low:.4f} to {high:.4f})"

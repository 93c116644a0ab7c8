"""The table that a run ends with."""

from collections.abc import Mapping, Sequence
from statistics import mean, stdev

from mlflow.entities import Run
from rich.console import Console
from rich.table import Table

from src import metrics, tracking
from src.predictions import Predictions


def show(final: Mapping[str, float], made: Predictions, origin: Mapping[str, str]) -> None:
    """Print what a training attained, where its submission is, and what to type next.

    Args:
        final: the training's final metrics.
        made: what was predicted.
        origin: `run_id`, `run_name` and `experiment` of the training.
    """
    table = Table(title=f"{origin['run_name']}", show_header=False, title_justify="left")
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    scores = made.scores
    if scores:
        table.add_row(
            "held-out accuracy",
            f"{scores[metrics.TEST_ACCURACY]:.4f}  "
            f"(95 % interval {scores[metrics.TEST_ACCURACY_LOW]:.4f} to "
            f"{scores[metrics.TEST_ACCURACY_HIGH]:.4f})",
        )
        table.add_row(
            "errors", f"{scores[metrics.TEST_ERRORS]:,} of {scores[metrics.TEST_IMAGES]:,} images"
        )
    else:
        table.add_row("held-out accuracy", "not known here: Kaggle scores this submission")
    table.add_row("validation accuracy", f"{final[metrics.BEST_VAL_ACCURACY]:.4f}")
    table.add_row(
        "speed",
        f"{final[metrics.MEDIAN_EPOCH_SECONDS]:.1f} s per epoch, "
        f"{final[metrics.MEDIAN_IMAGES_PER_SECOND]:,.0f} images/s",
    )
    table.add_row("submission", str(made.submission))
    table.add_row("MLflow run", f"{origin['run_id']} in {origin['experiment']}")
    console = Console(highlight=False)
    console.print(table)
    console.print("\nNext")
    if not scores:
        console.print("  python -m src.submit               send the submission to Kaggle")
    console.print("  make ui                            see the run in MLflow")
    console.print("  dvc exp run -S activation=relu     try another activation")


def show_sweep(runs: Sequence[Run]) -> None:
    """Print what the jobs of a sweep attained: a row for what differs, over its seeds.

    Args:
        runs: the sweep's child runs; those without a test accuracy count as failed.
    """
    table = Table(title="Sweep: mean ± standard deviation over the seeds", title_justify="left")
    for name in ("job", "seeds"):
        table.add_column(name, overflow="fold")
    for name in ("held-out accuracy", "validation accuracy", "s per epoch", "training, s"):
        table.add_column(name, justify="right")
    groups: dict[str, list[Run]] = {}
    for run in runs:
        groups.setdefault(run.data.tags.get(tracking.JOB, ""), []).append(run)
    for job, members in groups.items():
        columns = (
            (metrics.TEST_ACCURACY, ".5f"),
            (metrics.BEST_VAL_ACCURACY, ".5f"),
            (metrics.MEDIAN_EPOCH_SECONDS, ".1f"),
            (metrics.TRAIN_SECONDS, ".0f"),
        )
        cells = []
        for metric, form in columns:
            values = [run.data.metrics[metric] for run in members if metric in run.data.metrics]
            cells.append(_spread(values, form))
        seeds = ", ".join(sorted((run.data.params.get("seed", "?") for run in members), key=len))
        table.add_row(job or "as params.yaml says", seeds, *cells)
    Console(highlight=False).print(table)


def _spread(values: Sequence[float], form: str) -> str:
    """Return the mean, and with two values and more their standard deviation."""
    if not values:
        return "–"
    text = format(mean(values), form)
    return f"{text} ± {stdev(values):{form}}" if len(values) > 1 else text

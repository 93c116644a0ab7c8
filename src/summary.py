"""The table that a run ends with."""

from collections.abc import Mapping

from rich.console import Console
from rich.table import Table

from src import metrics
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
    console.print(
        "Next: `make ui` shows the run in MLflow; `python -m src.submit` sends the submission to "
        "Kaggle;\n`dvc exp run -S activation=relu` tries another activation."
    )

"""The state of a plan: how far it is, and its results as one table, on the terminal and in the
description of its run.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import mean, stdev
from typing import Any

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table as RichTable

from src.core import metric_names

COLUMNS = (  # title, metric, format
    ("held-out\naccuracy", metric_names.TEST_ACCURACY, ".4f"),
    ("validation\naccuracy", metric_names.BEST_VAL_ACCURACY, ".4f"),
    ("s per\nepoch", metric_names.MEDIAN_EPOCH_SECONDS, ".1f"),
    ("s of\ntraining", metric_names.TRAIN_SECONDS, ".0f"),
)
SPACE = "&nbsp;"  # MLflow shows a table without space between its columns


@dataclass(frozen=True)
class Table:
    """Rows of texts below titles, of which the first `words` are left-aligned."""

    titles: Sequence[str]
    rows: Sequence[Sequence[str]]
    words: int = 1
    caption: str | None = None

    def show(self) -> None:
        """Print it, unless it is empty."""
        table = RichTable(
            title=self.caption, title_justify="left", box=box.HORIZONTALS, pad_edge=False
        )
        for number, title in enumerate(self.titles):
            if number < self.words:
                table.add_column(title, overflow="fold", min_width=len(title))
            else:
                table.add_column(title, justify="right", no_wrap=True)
        for row in self.rows:
            table.add_row(*map(escape, row))
        if self.rows:
            Console(highlight=False).print(table)

    def markdown(self) -> str:
        """Return it in Markdown, with its first column as code."""
        titles = [title.replace("\n", " ") for title in self.titles]
        rows = [["`{}`".format(row[0].replace("|", "\\|")), *row[1:]] for row in self.rows]
        lines = [f"| {' | '.join(cell + SPACE for cell in row)} |" for row in (titles, *rows)]
        lines.insert(1, "|---" * len(titles) + "|")
        return "\n".join(lines)


@dataclass(frozen=True)
class Progress:
    """How far a plan is."""

    done: int  # runs
    total: int  # of the plan, or of its current look
    left: Sequence[str]  # the level of each run still to end, in their order; "" without levels
    seconds: Mapping[str, Sequence[float]]  # of training, of the finished runs by level


@dataclass(frozen=True)
class Summary:
    """What a plan's parent run records, at the beginning and at the end."""

    tags: Mapping[str, str | None]  # None deletes one
    metrics: Mapping[str, float]  # at the end only
    table: Table  # printed at the end
    note: str  # the description in Markdown, with the table


def cells(runs: Sequence[Any]) -> list[str]:
    """Return the cells of `COLUMNS` for runs of one configuration, as MLflow has them."""
    return [spread(values(runs, metric), form) for _, metric, form in COLUMNS]


def values(runs: Sequence[Any], metric: str) -> list[float]:
    """Return a metric of each run that has it."""
    return [run.data.metrics[metric] for run in runs if metric in run.data.metrics]


def spread(values: Sequence[float], form: str) -> str:
    """Return the mean in a format, and from two values on their standard deviation."""
    if not values:
        return "–"
    text = format(mean(values), form)
    return f"{text} ± {stdev(values):{form}}" if len(values) > 1 else text

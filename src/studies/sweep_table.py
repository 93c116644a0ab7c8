"""What the runs of a sweep or a study attained: their rows in MLflow, and the table of them."""

from collections.abc import Sequence
from statistics import mean, stdev
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from src.runtime import metric_names
from src.tracking import run_tags

COLUMNS = (  # title, metric, format
    ("held-out\naccuracy", metric_names.TEST_ACCURACY, ".4f"),
    ("validation\naccuracy", metric_names.BEST_VAL_ACCURACY, ".4f"),
    ("s per\nepoch", metric_names.MEDIAN_EPOCH_SECONDS, ".1f"),
    ("s of\ntraining", metric_names.TRAIN_SECONDS, ".0f"),
)


def children(client: Any, parent_id: str, status: str) -> list[Any]:
    """Return the runs of a sweep that are of a status, the oldest first.

    Args:
        client: of the MLflow store.
        parent_id: the id of the parent run.
        status: FINISHED, FAILED, KILLED or RUNNING.
    """
    return client.search_runs(
        [client.get_run(parent_id).info.experiment_id],
        f"tags.{run_tags.PARENT} = '{parent_id}' and attributes.status = '{status}'",
        order_by=["attributes.start_time ASC"],
    )


def show(client: Any, parent_id: str) -> None:
    """Print what the jobs of a sweep attained: a row for each configuration, over its seeds."""
    jobs: dict[str, list[Any]] = {}
    for child in children(client, parent_id, "FINISHED"):
        jobs.setdefault(child.data.tags[run_tags.JOB], []).append(child)
    words = {job: dict(word.partition("=")[::2] for word in job.split()) for job in jobs}
    keys = dict.fromkeys(key for given in words.values() for key in given)
    differing = [key for key in keys if len({given.get(key) for given in words.values()}) > 1]
    table = Table(
        title="Mean ± standard deviation over the seeds",
        title_justify="left",
        box=box.HORIZONTALS,
        pad_edge=False,
    )
    for key in (*differing, "seeds"):
        table.add_column(key, overflow="fold", min_width=len(key))
    for title, _, _ in COLUMNS:
        table.add_column(title, justify="right", no_wrap=True)
    for job, runs in jobs.items():
        seeds = ",".join(sorted((run.data.params["seed"] for run in runs), key=int))
        spreads = (
            spread([run.data.metrics[name] for run in runs if name in run.data.metrics], form)
            for _, name, form in COLUMNS
        )
        given = (words[job].get(key, "as in params.yaml") for key in differing)
        table.add_row(*given, seeds, *spreads)
    if jobs:
        Console(highlight=False).print(table)


def spread(values: Sequence[float], form: str) -> str:
    """Return the mean of `values` in a format, and from two values on their standard deviation."""
    if not values:
        return "–"
    text = format(mean(values), form)
    return f"{text} ± {stdev(values):{form}}" if len(values) > 1 else text

"""What the runs of a sweep or a study attained: their rows in MLflow, and the table of them."""

from collections.abc import Sequence
from statistics import mean, stdev
from typing import Any, NamedTuple

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from src.config import factor
from src.runtime import formatting, metric_names
from src.tracking import run_search, run_tags

COLUMNS = (  # title, metric, format
    ("held-out\naccuracy", metric_names.TEST_ACCURACY, ".4f"),
    ("validation\naccuracy", metric_names.BEST_VAL_ACCURACY, ".4f"),
    ("s per\nepoch", metric_names.MEDIAN_EPOCH_SECONDS, ".1f"),
    ("s of\ntraining", metric_names.TRAIN_SECONDS, ".0f"),
)


def children(client: Any, parent_id: str, status: str, digest: str | None = None) -> list[Any]:
    """Return the runs of a sweep that are of a status, the oldest first.

    Args:
        client: of the MLflow store.
        parent_id: the id of the parent run.
        status: FINISHED, FAILED, KILLED or RUNNING.
        digest: of the one training that is asked for; None for all.
    """
    wanted = f"tags.{run_tags.PARENT} = '{parent_id}' and attributes.status = '{status}'"
    if digest is not None:
        wanted += f" and tags.{run_tags.TRAINING_DIGEST} = '{digest}'"
    experiments = [client.get_run(parent_id).info.experiment_id]
    found = run_search.every_run(client, experiments, wanted)
    return list(found)


def show(client: Any, parent_id: str) -> None:
    """Print what the jobs of a sweep attained: a row for each level of a study, or each
    configuration of a multirun made by hand, over its seeds.
    """
    rows = _by_configuration(client, parent_id)
    several = any(len(row.runs) > 1 for row in rows)
    table = Table(
        title="Mean ± standard deviation over the seeds" if several else None,
        title_justify="left",
        box=box.HORIZONTALS,
        pad_edge=False,
    )
    for key in (*(rows[0].words if rows else ()), "seeds"):
        table.add_column(key, overflow="fold", min_width=len(key))
    for title, _, _ in COLUMNS:
        table.add_column(title, justify="right", no_wrap=True)
    for words, runs in rows:
        seeds = formatting.ranges([int(run.data.params["seed"]) for run in runs])
        spreads = (
            spread([run.data.metrics[name] for run in runs if name in run.data.metrics], form)
            for _, name, form in COLUMNS
        )
        table.add_row(*map(escape, words.values()), seeds, *spreads)
    if rows:
        Console(highlight=False).print(table)


class Row(NamedTuple):
    """What tells a configuration from the others, by the columns' titles; and its runs."""

    words: dict[str, str]
    runs: list[Any]


def _by_configuration(client: Any, parent_id: str) -> list[Row]:
    """Return the finished runs, those together that differ by the seed alone."""
    tags = client.get_run(parent_id).data.tags
    jobs: dict[str, list[Any]] = {}
    study = run_tags.FACTOR in tags
    for child in children(client, parent_id, "FINISHED"):
        own = child.data.tags
        job = own.get(run_tags.VARIANT, own.get("activation")) if study else own[run_tags.JOB]
        jobs.setdefault(job, []).append(child)
    if study:
        noun = factor.of(tags[run_tags.FACTOR], []).noun
        return [Row({noun: label}, runs) for label, runs in jobs.items()]
    words = {job: dict(word.partition("=")[::2] for word in job.split()) for job in jobs}
    keys = dict.fromkeys(key for given in words.values() for key in given)
    differing = [key for key in keys if len({given.get(key) for given in words.values()}) > 1]
    return [
        Row({key: words[job].get(key, "as in params.yaml") for key in differing}, runs)
        for job, runs in jobs.items()
    ]


def spread(values: Sequence[float], form: str) -> str:
    """Return the mean of `values` in a format, and from two values on their standard deviation."""
    if not values:
        return "–"
    text = format(mean(values), form)
    return f"{text} ± {stdev(values):{form}}" if len(values) > 1 else text

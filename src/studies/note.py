"""How a study reads in MLflow: its parent run's tags, metrics and description, and its views."""

from collections.abc import Mapping
from statistics import mean, stdev
from typing import Any

from src.data.dataset import Dataset
from src.runtime import metric_names
from src.studies import design, sweep_table
from src.studies.design import RunKey, Study
from src.tracking import environment, views

NOTE = "mlflow.note.content"
SPACE = "&nbsp;"  # in a cell of the note's table, where MLflow leaves none


def describe(
    client: Any,
    parent_id: str,
    name: str,
    study: Study,
    data: Dataset,
    made: Mapping[RunKey, Any],
) -> None:
    """Give the parent run the tags that say what it is."""
    tags = {
        **environment.tags(),
        "experiment": study.experiment,
        "data_digest": data.digest,
        "activations": " ".join(study.activations),
        "seeds": " ".join(map(str, study.seeds)),
    }
    for key, value in tags.items():
        client.set_tag(parent_id, key, value)
    _write_note(client, parent_id, name, study, made)


def summarize(
    client: Any, parent_id: str, name: str, study: Study, made: Mapping[RunKey, Any]
) -> None:
    """Give the parent run the means over the seeds, as metrics and in its description."""
    accuracies, seconds = (
        {
            activation: _values(made, activation, metric)
            for activation in dict.fromkeys(run.activation for run in made)
        }
        for metric in (metric_names.TEST_ACCURACY, metric_names.MEDIAN_EPOCH_SECONDS)
    )
    summary = {  # in the order in which MLflow shows them
        **{
            metric_names.STUDY_ACCURACY + key: mean(some)
            for key, some in accuracies.items()
            if some
        },
        **{
            metric_names.STUDY_ACCURACY_SD + key: stdev(some)
            for key, some in accuracies.items()
            if len(some) > 1
        },
        **{metric_names.STUDY_EPOCH_SECONDS + key: mean(some) for key, some in seconds.items()},
    }
    known = client.get_run(parent_id).data.metrics
    for key, value in summary.items():
        if known.get(key) != value:
            client.log_metric(parent_id, key, value)
    _write_note(client, parent_id, name, study, made)


def _values(made: Mapping[RunKey, Any], activation: str, metric: str) -> list[float]:
    """Return a metric of the runs with an activation, where it is known."""
    return [
        child.data.metrics[metric]
        for run, child in made.items()
        if run.activation == activation and metric in child.data.metrics
    ]


def _write_note(
    client: Any, parent_id: str, name: str, study: Study, made: Mapping[RunKey, Any]
) -> None:
    """Give the parent run its description, and MLflow's pages the views that it links to."""
    experiment_id = client.get_run(parent_id).info.experiment_id
    views.offer_runs(client, experiment_id)
    views.offer_study(client, experiment_id, name, parent_id)
    client.set_tag(parent_id, NOTE, _note(name, study, made, experiment_id))


def _note(name: str, study: Study, made: Mapping[RunKey, Any], experiment_id: str) -> str:
    """Return the description in Markdown, of which MLflow shows the first lines at once."""
    titles = [title.replace("\n", " ") for title, _, _ in sweep_table.COLUMNS]
    activations = list(dict.fromkeys([*study.activations, *(run.activation for run in made)]))
    rows = [["activation", "seeds", *titles]]
    for activation in activations:
        seeds = sum(run.activation == activation for run in made)
        spreads = [
            sweep_table.spread(_values(made, activation, metric), form)
            for _, metric, form in sweep_table.COLUMNS
        ]
        rows.append([f"`{activation}`", str(seeds), *spreads])
    table = [f"| {' | '.join(cell + SPACE for cell in row)} |" for row in rows]
    table.insert(1, "|---" * len(rows[0]) + "|")
    recipe = " ".join(design.overrides(study))
    links = (
        f"[Its runs]({views.runs_link(experiment_id)}), "
        f"[its charts]({views.charts_link(experiment_id, name)})"
    )
    return "\n".join(
        [
            f"{study.description} {links}.\n",
            *table,
            f"\nMean ± standard deviation over the seeds. Recipe: `{recipe}`, on {study.dataset}, "
            f"{study.workers} at a time.\n",
            f"To go on, or repeat it: `python -m src.study {name}`. What it shows: "
            f"`python -m src.report {name}`, which adds report/index.html to the artifacts.",
        ]
    )

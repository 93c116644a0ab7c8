"""How a study reads in MLflow: its parent run's tags, metrics and description, and its views."""

import json
import re
from collections.abc import Mapping, Sequence
from statistics import mean, stdev
from typing import Any

from src.config.study_file import Study
from src.data.dataset import Dataset
from src.runtime import metric_names
from src.studies import design, sweep_table
from src.studies.design import RunKey
from src.studies.executors import choice
from src.tracking import run_tags, views

NOTE = "mlflow.note.content"
UNFIT = re.compile(r"[^\w. /-]")  # what a label may have, and a metric's name may not
SPACE = "&nbsp;"  # in a cell of the note's table, where MLflow leaves none


def describe(
    client: Any,
    parent_id: str,
    name: str,
    study: Study,
    data: Dataset,
    made: Mapping[RunKey, Any],
    seeds: Sequence[int] | None = None,
) -> None:
    """Give the parent run the tags that say what it is.

    Args:
        client: of the MLflow store.
        parent_id: the study's run.
        name: of the study.
        study: what it consists of.
        data: the data.
        made: its finished runs.
        seeds: that it has come to; the study's own, unless it looks at fewer first.
    """
    tags = {
        **_choices(study),
        "data_digest": data.digest,
        "seeds": " ".join(map(str, seeds or study.seeds)),
        run_tags.QUESTION: study.question,
        run_tags.FACTOR: study.factor.key,
        run_tags.LEVELS: json.dumps({label: list(words) for label, words in study.levels.items()}),
        run_tags.REFERENCE: study.reference,
        run_tags.COMPARE: study.compare,
        run_tags.SMALLEST_EFFECT: str(study.smallest_effect),
        run_tags.VARY: json.dumps(study.vary),
    }
    optional = {
        run_tags.LOOKS: json.dumps(study.looks) if study.looks else None,
        run_tags.TUNE: study.tune,
        run_tags.TUNED: json.dumps(study.tuned) if study.tuned else None,
    }
    known = client.get_run(parent_id).data.tags
    for key, value in (tags | optional).items():
        if value is not None:
            client.set_tag(parent_id, key, value)
        elif key in known:  # of a plan that the study no longer has
            client.delete_tag(parent_id, key)
    _write_note(client, parent_id, name, study, made)


def _choices(study: Study) -> dict[str, str]:
    return {"experiment": study.experiment} if study.experiment else {}


def summarize(
    client: Any, parent_id: str, name: str, study: Study, made: Mapping[RunKey, Any]
) -> None:
    """Give the parent run the means over the seeds, as metrics and in its description."""
    accuracies, seconds = (
        {
            UNFIT.sub("_", variant): _values(made, variant, metric)
            for variant in dict.fromkeys(run.variant for run in made)
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


def _values(made: Mapping[RunKey, Any], variant: str, metric: str) -> list[float]:
    """Return a metric of the runs of a level, where it is known."""
    return [
        child.data.metrics[metric]
        for run, child in made.items()
        if run.variant == variant and metric in child.data.metrics
    ]


def _write_note(
    client: Any, parent_id: str, name: str, study: Study, made: Mapping[RunKey, Any]
) -> None:
    """Give the parent run its description, and MLflow's pages the views that it links to."""
    experiment_id = client.get_run(parent_id).info.experiment_id
    views.offer_runs(client, experiment_id)
    views.offer_study(client, experiment_id, name, parent_id, study.factor.noun)
    client.set_tag(parent_id, NOTE, _note(name, study, made, experiment_id))


def _note(name: str, study: Study, made: Mapping[RunKey, Any], experiment_id: str) -> str:
    """Return the description in Markdown, of which MLflow shows the first lines at once."""
    titles = [title.replace("\n", " ") for title, _, _ in sweep_table.COLUMNS]
    variants = list(dict.fromkeys([*study.levels, *(run.variant for run in made)]))
    rows = [[study.factor.noun, "seeds", *titles]]
    for variant in variants:
        seeds = sum(run.variant == variant for run in made)
        spreads = [
            sweep_table.spread(_values(made, variant, metric), form)
            for _, metric, form in sweep_table.COLUMNS
        ]
        cell = variant.replace("|", "\\|")
        rows.append([f"`{cell}`", str(seeds), *spreads])
    table = [f"| {' | '.join(cell + SPACE for cell in row)} |" for row in rows]
    table.insert(1, "|---" * len(rows[0]) + "|")
    recipe = " ".join(design.overrides(study))
    at_a_time = "on Ray" if study.executor == choice.RAY else f"{study.workers} at a time"
    links = (
        f"[Its runs]({views.runs_link(experiment_id)}), "
        f"[its charts]({views.charts_link(experiment_id, name)})"
    )
    return "\n".join(
        [
            f"{study.question} {links}.\n",
            *table,
            f"\nMean ± standard deviation over the seeds. Recipe: `{recipe}`, on {study.dataset}, "
            f"{at_a_time}.\n",
            f"To go on, or repeat it: `python -m src.study {name}`. What it shows: "
            f"`python -m src.report {name}`, which adds report/index.html to the artifacts.",
        ]
    )

"""What MLflow's pages show of a study at first: the columns, the groups and the charts.

MLflow keeps what one saves on the page of an experiment's runs as a tag of the experiment, and
lists it there under Views. So these are tags, too.
"""

import json
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from src.runtime import metric_names
from src.tracking import run_tags

TAG = "mlflow.sharedViewState."  # followed by the view's key
RUNS = "activations-and-seeds"
TAG_WIDTH = 105  # pixels
COLUMNS = {  # after the tag, with their widths in pixels
    "params.`seed`": 92,
    f"metrics.`{metric_names.TEST_ACCURACY}`": 150,
    f"metrics.`{metric_names.MEDIAN_EPOCH_SECONDS}`": 180,
}
CHARTS = (metric_names.EPOCH_SECONDS, metric_names.VAL_ACCURACY, metric_names.VAL_LOSS)
COLOUR = "mlflow.runColor"  # the tag of a run, in the table and in the charts


def offer_runs(client: Any, experiment_id: str) -> None:
    """Save a table of all runs, parents and children, in an experiment that has none."""
    if TAG + RUNS not in client.get_experiment(experiment_id).tags:  # a user may change it
        _save(client, experiment_id, RUNS, "Activations and seeds", {})


def offer_study(client: Any, experiment_id: str, name: str, parent_id: str, noun: str) -> None:
    """Save the comparison of a study's levels: means in the table, each run in the charts.

    Args:
        client: of the store.
        experiment_id: of the experiment.
        name: of the study.
        parent_id: its run.
        noun: of its factor.
    """
    tag = "activation" if noun == "activation" else run_tags.VARIANT
    state = {
        "searchFilter": f"tags.`{run_tags.PARENT}` = '{parent_id}'",
        "groupBy": {
            "aggregateFunction": "average",
            "groupByKeys": [{"mode": "tag", "groupByData": tag}],
        },
        "useGroupedValuesInCharts": False,  # a mean's charts begin at zero: nothing is seen
        "runsHiddenMode": "SHOW_ALL",
        "chartsSearchFilter": f"^({'|'.join(CHARTS)})$",
    }
    _save(client, experiment_id, _key(name), f"Study {name} by {noun}", state, tag)


def _save(
    client: Any,
    experiment_id: str,
    key: str,
    title: str,
    state: Mapping[str, Any],
    tag: str = "activation",
) -> None:
    """Save a view, with a column for the tag that tells its runs apart."""
    widths = {f"tags.`{tag}`": TAG_WIDTH, **COLUMNS}
    columns = list(widths)
    shown = {"selectedColumns": columns, "columnOrder": columns, "columnWidths": widths}
    view = {
        "name": title,
        "createdAt": time.time_ns() // 1_000_000,
        "state": json.dumps({**shown, **state}),
    }
    client.set_experiment_tag(experiment_id, TAG + key, json.dumps(view))


def runs_link(experiment_id: str) -> str:
    """Return the address of the table, for a link between MLflow's own pages."""
    return _link(experiment_id, RUNS, "TABLE")


def charts_link(experiment_id: str, name: str) -> str:
    """Return the address of a study's charts, for a link between MLflow's own pages."""
    return _link(experiment_id, _key(name), "CHART")


def _link(experiment_id: str, key: str, mode: str) -> str:
    return (
        f"#/experiments/{experiment_id}/runs?viewStateShareKey={quote(key)}"
        f"&compareRunsMode={mode}&workflowType=machine_learning"
    )


def _key(name: str) -> str:
    return f"study-{name}"

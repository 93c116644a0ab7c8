"""Views of runs on MLflow's pages, kept like those that a user saves: as tags of the experiment."""

import json
import time
from typing import Any
from urllib.parse import quote

from src.core import metric_names
from src.tracking import run_tags

TAG = "mlflow.sharedViewState."  # followed by a view's key
RUNS = "activations-and-seeds"
TAG_WIDTH = 105  # pixels
COLUMNS = {  # after the tag, with their widths in pixels
    "params.`seed`": 92,
    f"metrics.`{metric_names.TEST_ACCURACY}`": 150,
    f"metrics.`{metric_names.MEDIAN_EPOCH_SECONDS}`": 180,
}
CHARTS = (metric_names.EPOCH_SECONDS, metric_names.VAL_ACCURACY, metric_names.VAL_LOSS)
LINK = "#/experiments/{}/runs?viewStateShareKey={}&compareRunsMode={}&workflowType=machine_learning"
COLOUR = "mlflow.runColor"  # tag: a run's colour in the table and the charts


def offer_runs(client: Any, experiment_id: str) -> None:
    """Save a table of all runs, unless the experiment has it: a user may have changed it."""
    if TAG + RUNS not in client.get_experiment(experiment_id).tags:
        _save(client, experiment_id, RUNS, "Activations and seeds", _columns("activation"))


def offer_study(client: Any, experiment_id: str, name: str, parent_id: str, noun: str) -> None:
    """Save the comparison of a study's levels: means in the table, each run in the charts."""
    tag = "activation" if noun == "activation" else run_tags.VARIANT
    keys = [{"mode": "tag", "groupByData": tag}]
    state = {
        **_columns(tag),
        "searchFilter": f"tags.`{run_tags.PARENT}` = '{parent_id}'",
        "groupBy": {"aggregateFunction": "average", "groupByKeys": keys},
        "useGroupedValuesInCharts": False,  # charts of means begin at zero: differences vanish
        "runsHiddenMode": "SHOW_ALL",
        "chartsSearchFilter": f"^({'|'.join(CHARTS)})$",
    }
    _save(client, experiment_id, f"study-{name}", f"Study {name} by {noun}", state)


def _columns(tag: str) -> dict[str, Any]:
    """Return the state of a view with a column for the tag that distinguishes its runs."""
    widths = {f"tags.`{tag}`": TAG_WIDTH, **COLUMNS}
    columns = list(widths)
    return {"selectedColumns": columns, "columnOrder": columns, "columnWidths": widths}


def _save(client: Any, experiment_id: str, key: str, title: str, state: dict[str, Any]) -> None:
    view = {"name": title, "createdAt": time.time_ns() // 1_000_000, "state": json.dumps(state)}
    client.set_experiment_tag(experiment_id, TAG + key, json.dumps(view))


def runs_link(experiment_id: str) -> str:
    """Return the address of the table, relative to MLflow's pages."""
    return LINK.format(experiment_id, RUNS, "TABLE")


def charts_link(experiment_id: str, name: str) -> str:
    """Return the address of a study's charts, relative to MLflow's pages."""
    return LINK.format(experiment_id, quote(f"study-{name}"), "CHART")

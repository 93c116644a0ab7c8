"""Simulated studies: runs with simulated predictions in a store of MLflow."""

import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from mlflow import MlflowClient
from mlflow.entities import Metric, Param, RunTag

from src.analysis.run_set import Training
from src.core import metric_names, paths
from src.data import write_csv
from src.evaluation import scoring
from src.tracking import run_tags
from src.training.history import best_epoch
from tests.support.simulated_runs import ORDER, training


def parent(client: MlflowClient, experiment: str, name: str | None) -> str:
    """Create the run of a study of activations, or without a name of a sweep; return its id."""
    words = "activation=relu,swish seed=1,2,3"
    study = {run_tags.STUDY: name, "command": f"python -m src.study {name}"}
    tags = {run_tags.FACTOR: "activation", **(study if name else {run_tags.SWEEP: words})}
    run = client.create_run(experiment, run_name=f"study {name}" if name else words, tags=tags)
    client.set_terminated(run.info.run_id)
    return run.info.run_id


def child(
    client: MlflowClient,
    parent_id: str,
    activation: str,
    seed: int,
    *,
    params: Mapping[str, str] | None = None,
    tags: Mapping[str, str] | None = None,
    status: str = "FINISHED",
    labelled: bool = True,
    without: Sequence[str] = (),
    **more: object,
) -> str:
    """Log one simulated training as a child of a run; return its id.

    The same call gives the same numbers. `params` and `tags` are added or replaced, the artifacts
    in `without` are missing, and only a FINISHED run has any; `more` goes to
    `simulated_runs.training`.
    """
    simulated = training(activation, seed, **more)
    experiment = client.get_run(parent_id).info.experiment_id
    run_id = client.create_run(experiment, run_name=simulated.name).info.run_id
    own = {run_tags.PARENT: parent_id, run_tags.VARIANT: activation}
    words = {**simulated.tags, **own, **(tags or {})}
    client.log_batch(
        run_id,
        metrics=_metrics(simulated, labelled),
        params=[Param(key, value) for key, value in {**simulated.params, **(params or {})}.items()],
        tags=[RunTag(key, value) for key, value in words.items()],
    )
    if status == "FINISHED":
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            simulated.history.to_csv(folder / paths.HISTORY, index=False)
            np.save(folder / paths.PROBABILITIES, simulated.probabilities)
            write_csv.submission(folder / paths.SUBMISSION, simulated.predicted)
            table = pd.DataFrame({"actual": simulated.labels, "predicted": simulated.predicted})
            table[: None if labelled else 0].to_csv(folder / paths.PREDICTED, index=False)
            for artifact in without:
                (folder / artifact).unlink()
            client.log_artifacts(run_id, name)
    client.set_terminated(run_id, status)
    return run_id


def _metrics(simulated: Training, labelled: bool) -> list[Metric]:
    """Return the metrics of a training: each epoch's, and the final ones."""
    rows = simulated.history.to_dict("records")
    seconds = simulated.history[metric_names.EPOCH_SECONDS]
    attained = {
        metric_names.BEST_VAL_ACCURACY: best_epoch(rows)[metric_names.VAL_ACCURACY],
        metric_names.MEDIAN_EPOCH_SECONDS: seconds[1:].median(),
        metric_names.TRAIN_SECONDS: seconds.sum(),
        **(scoring.score(simulated.labels, simulated.predicted) if labelled else {}),
    }
    now = time.time_ns() // 1_000_000
    by_epoch = [
        Metric(name, value, now, int(row[metric_names.EPOCH]))
        for row in rows
        for name, value in row.items()
        if name != metric_names.EPOCH
    ]
    return [*by_epoch, *(Metric(name, value, now, 0) for name, value in attained.items())]


def study(
    client: MlflowClient,
    experiment: str,
    name: str | None = "five",
    activations: Sequence[str] = ORDER,
    seeds: Sequence[int] = (1, 2, 3, 4),
    **more: object,
) -> str:
    """Log a study, or without a name a sweep, seed by seed; return its run's id."""
    parent_id = parent(client, experiment, name)
    for seed in seeds:
        for activation in activations:
            child(client, parent_id, activation, seed, **more)
    return parent_id

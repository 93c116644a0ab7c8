"""Run a study: activations × seeds, as conf/study/NAME.yaml says, in one MLflow parent run.

Usage: python -m src.study [NAME]

Stopped in whatever way, the same command goes on where it was. Finished runs are found in MLflow
by the digest of their training (src/tracking/fingerprint.py) and not trained again; a run that was
stopped goes on after its last epoch, a failed one is tried again; and a longer list of activations
or seeds trains only what is new. Runs made by `src.train` do not count: their times were not taken
in turn.
"""

import argparse
import json
import os
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout, suppress
from math import ceil
from pathlib import Path
from statistics import mean, median, stdev
from typing import Any

import joblib
from filelock import FileLock, Timeout
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from src import train
from src.config import compose
from src.data import dataset
from src.data.dataset import Dataset
from src.runtime import errors, formatting, metric_names, paths
from src.runtime.errors import InputError
from src.studies import design, hydra_callback
from src.studies.design import Run, Study
from src.tracking import run_tags, views

# Tags of the parent run.
RUNS = "runs"  # how many runs it has when all are made
WORKERS = "workers"  # how many of them it makes at a time
NOTE = "mlflow.note.content"
SPACE = "&nbsp;"  # in a cell of the note's table, where MLflow leaves none

LOG = "train.log"  # what a run prints, in its folder
LOGS = f"multirun/DATE/TIME/RUN/{LOG}"


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command with the arguments `argv` (default: the process's own).

    Raises:
        InputError: the study or the data is not as it must be, the study is running already, or a
            run failed.
    """
    name = _arguments(argv).name
    study = design.load(name)
    data = dataset.describe()
    design.check_data(study, data)
    digests = design.digests(study, data, study.activations, study.seeds)

    with _alone(name):
        client, parent_id = parent_run(name, study, data, digests)
        made = _made(client, parent_id)
        missing = [run for run in design.in_turn(study.activations, study.seeds) if run not in made]
        print(_opening(name, study, made, missing), flush=True)
        if missing:
            print(f"A line for each run that ends; what it prints is in {LOGS}", flush=True)
            describe(client, parent_id, name, study, data, made, missing)
            _train(client, parent_id, study, missing)
            made = _made(client, parent_id)
            _clear(client, parent_id, made)
        else:
            if client.get_run(parent_id).info.status != "FINISHED":
                client.set_terminated(parent_id)
            hydra_callback.show(client, parent_id)
        summarize(client, parent_id, name, study, made)

    failed = [str(run) for run in missing if run not in made]
    if failed:
        raise InputError(
            f"{len(failed)} of {len(digests)} runs did not finish ({', '.join(failed)}): fix what "
            "the lines above name; the same command tries these again, and only these."
        )
    print("Next")
    print(f"  python -m src.report {name:<12}  what the runs show, with figures")
    print("  make ui                            the runs in MLflow")


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m src.study",
        description="Train every activation of a study with every seed. Stopped, the same command "
        "goes on where it was.",
    )
    parser.add_argument(
        "name",
        nargs="?",
        default="default",
        metavar="NAME",
        help=f"a file of conf/study/: {', '.join(design.names())} (default: default)",
    )
    return parser.parse_args(argv)


@contextmanager
def _alone(name: str) -> Iterator[None]:
    """Keep a second process off the same study."""
    lock = paths.project_root() / paths.CHECKPOINTS / f"study-{name}.lock"
    lock.parent.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(lock, timeout=0):
            yield
    except Timeout:
        raise InputError(
            f"The study {name} is running in another process: wait for that to end, or end it."
        ) from None


def parent_run(
    name: str, study: Study, data: Dataset, digests: Mapping[Run, str]
) -> tuple[Any, str]:
    """Return the MLflow client, and the id of the study's parent run: the latest whose finished
    runs all are what the study would train now, else one without any, else a new one.

    So runs of other settings, data or code are never put together with those to come; runs with an
    activation or a seed that the study no longer lists may be.
    """
    from src.tracking import run_logger  # MLflow, which is slow to import

    client, experiment_id = run_logger.connect(
        compose.compose(*design.overrides(study)).mlflow.experiment
    )
    parents = client.search_runs(
        [experiment_id],
        f"tags.{run_tags.STUDY} = '{name}'",
        order_by=["attributes.start_time DESC"],
    )
    empty = None
    for parent in parents:
        made = _made(client, parent.info.run_id)
        empty = empty or (None if made else parent)
        if made and all(
            child.data.tags.get(run_tags.TRAINING_DIGEST)
            == (digests.get(run) or _digest(study, data, run))
            for run, child in made.items()
        ):
            return client, parent.info.run_id
    if empty:
        return client, empty.info.run_id
    if parents:
        print(
            f"What study {name} has in MLflow is of other settings, data or code. It stays there; "
            "the study begins anew."
        )
    parent = client.create_run(experiment_id, run_name=f"study {name}", tags={run_tags.STUDY: name})
    return client, parent.info.run_id


def _digest(study: Study, data: Dataset, run: Run) -> str | None:
    """Return the digest of a run that the study does not list; None if it cannot be made now."""
    try:
        return design.digests(study, data, [run.activation], [run.seed])[run]
    except InputError:
        return None


def _made(client: Any, parent_id: str) -> dict[Run, Any]:
    """Return the finished runs of a study, as MLflow has them."""
    return {
        Run(child.data.tags["activation"], int(child.data.params["seed"])): child
        for child in hydra_callback.children(client, parent_id, "FINISHED")
    }


def _opening(name: str, study: Study, made: Collection[Run], missing: Collection[Run]) -> str:
    """Return what a start prints first."""
    activations, seeds = len(study.activations), len(study.seeds)
    text = f"Study {name}: {activations} activations × {seeds} seeds = {activations * seeds} runs"
    more = len(made) + len(missing) - activations * seeds
    if more:
        text += f", and {more} that it no longer lists"
    return f"{text} · {len(made)} made · {len(missing)} left"


def describe(
    client: Any,
    parent_id: str,
    name: str,
    study: Study,
    data: Dataset,
    made: Mapping[Run, Any],
    missing: Collection[Run],
) -> None:
    """Give the parent run the tags that say what it is, and what the progress is read from."""
    from src.tracking import run_logger

    tags = {
        **run_logger.environment_tags(),
        "experiment": study.experiment,
        "data_digest": data.digest,
        "activations": " ".join(study.activations),
        "seeds": " ".join(map(str, study.seeds)),
        RUNS: str(len(made) + len(missing)),
        WORKERS: str(study.workers),
    }
    for key, value in tags.items():
        client.set_tag(parent_id, key, value)
    _write_note(client, parent_id, name, study, made)


def _train(client: Any, parent_id: str, study: Study, missing: Sequence[Run]) -> None:
    """Train the runs, in that order, as one Hydra multirun; those that fail are reported."""
    jobs = [[f"activation={run.activation}", f"seed={run.seed}"] for run in missing]
    arguments = [
        *design.overrides(study),
        f"mlflow.parent_run_id={parent_id}",
        "hydra/sweeper=listed",
        f"hydra.sweeper.jobs={json.dumps(jobs)}",
        "hydra/hydra_logging=none",  # the progress says more
        "hydra/job_logging=none",
    ]
    if study.workers > 1:
        arguments += ["hydra/launcher=joblib", f"hydra.launcher.n_jobs={study.workers}"]
        share = str(max(1, joblib.cpu_count() // study.workers))
        for variable in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
            os.environ.setdefault(variable, share)  # the worker processes inherit it
    sys.argv[1:] = ["--multirun", *arguments]
    try:
        with suppress(SystemExit):  # after failed runs, which the sweep has reported
            train.main(_train_one)
    finally:
        for child in hydra_callback.children(
            client, parent_id, "RUNNING"
        ):  # ended with their worker
            client.set_terminated(child.info.run_id, "KILLED")


def _clear(client: Any, parent_id: str, made: Collection[Run]) -> None:
    """Delete the failed runs that were made anew since (MLflow can restore them)."""
    names = {str(run) for run in made}
    for child in hydra_callback.children(client, parent_id, "FAILED"):
        if child.info.run_name in names:
            client.delete_run(child.info.run_id)


def _train_one(composed: DictConfig) -> float:
    """Train a run, with what it prints in a file, and print how far the study has come."""
    job = HydraConfig.get()
    file = Path(job.runtime.output_dir) / LOG
    with file.open("a") as log, redirect_stdout(log):
        accuracy = train.task(composed)
    run = Run(job.runtime.choices.activation, composed.seed)
    print(_progress(composed.mlflow.parent_run_id, run), flush=True)
    return accuracy


def _progress(parent_id: str, run: Run) -> str:
    """Return the line for a run that has finished: runs done, what it attained, runs left."""
    from mlflow import MlflowClient

    client = MlflowClient()
    tags = client.get_run(parent_id).data.tags
    made = _made(client, parent_id)
    attained = made[run].data.metrics
    score = attained.get(metric_names.TEST_ACCURACY)
    known = "" if score is None else f"held-out accuracy {score:.4f} · "
    total = int(tags[RUNS])
    left = total - len(made)
    line = (
        f"{len(made):>{len(tags[RUNS])}}/{total} made · {run} · {known}"
        f"{formatting.duration(attained[metric_names.TRAIN_SECONDS])}"
    )
    if left:
        # Not from the runs' start and end: one that was stopped for a night has both.
        typical = median(child.data.metrics[metric_names.TRAIN_SECONDS] for child in made.values())
        seconds = typical * ceil(left / int(tags[WORKERS]))
        line += f" · {left} left, about {formatting.duration(seconds)}"
    return line


def summarize(
    client: Any, parent_id: str, name: str, study: Study, made: Mapping[Run, Any]
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


def _values(made: Mapping[Run, Any], activation: str, metric: str) -> list[float]:
    """Return a metric of the runs with an activation, where it is known."""
    return [
        child.data.metrics[metric]
        for run, child in made.items()
        if run.activation == activation and metric in child.data.metrics
    ]


def _write_note(
    client: Any, parent_id: str, name: str, study: Study, made: Mapping[Run, Any]
) -> None:
    """Give the parent run its description, and MLflow's pages the views that it links to."""
    experiment_id = client.get_run(parent_id).info.experiment_id
    views.offer_runs(client, experiment_id)
    views.offer_study(client, experiment_id, name, parent_id)
    client.set_tag(parent_id, NOTE, _note(name, study, made, experiment_id))


def _note(name: str, study: Study, made: Mapping[Run, Any], experiment_id: str) -> str:
    """Return the description in Markdown, of which MLflow shows the first lines at once."""
    titles = [title.replace("\n", " ") for title, _, _ in hydra_callback.COLUMNS]
    activations = list(dict.fromkeys([*study.activations, *(run.activation for run in made)]))
    rows = [["activation", "seeds", *titles]]
    for activation in activations:
        seeds = sum(run.activation == activation for run in made)
        spreads = [
            hydra_callback.spread(_values(made, activation, metric), form)
            for _, metric, form in hydra_callback.COLUMNS
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


if __name__ == "__main__":
    errors.run(main)

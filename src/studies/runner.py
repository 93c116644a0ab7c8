"""Makes the runs of a study that are not made yet, as children of one parent run in MLflow."""

import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import datetime
from math import ceil
from pathlib import Path
from statistics import median
from typing import Any

import joblib
from filelock import FileLock, Timeout
from mlflow import MlflowClient

from src.config import compose
from src.data.dataset import Dataset
from src.runtime import errors, formatting, metric_names, paths
from src.runtime.errors import InputError
from src.studies import design, executors, note, sweep_table
from src.studies.design import Composition, RunKey, Study
from src.studies.executors import LOG, Executor, LocalProcesses
from src.studies.planned_run import INTERRUPTED, PlannedRun, forget_checkpoint, job_words
from src.tracking import environment, lease, run_tags, store

FOLDER = Path("multirun")
LOGS = f"{FOLDER}/DATE/TIME/RUN/{LOG}"


def run(
    name: str, study: Study, data: Dataset, compositions: Mapping[RunKey, Composition]
) -> list[RunKey]:
    """Make what is missing of a study; return the runs that did not finish.

    Args:
        name: of the study.
        study: what it consists of.
        data: the data.
        compositions: the configuration of each of its runs.

    Raises:
        InputError: the study is running already, or the store cannot be used.
        KeyboardInterrupt: on Ctrl-C and SIGTERM, after the runs in progress have ended.
    """
    digests = design.digests(compositions, data)
    experiment = next(iter(compositions.values())).composed.mlflow.experiment
    with _alone(name):
        client, experiment_id = store.connect(experiment)
        lease.close_orphans(client, experiment_id)
        parent_id = find_reusable(client, experiment_id, name, study, data, digests)
        made = finished(client, parent_id) if parent_id else {}
        missing = [key for key in design.in_turn(study.activations, study.seeds) if key not in made]
        for key in made.keys() & digests.keys():
            forget_checkpoint(digests[key], made[key].info.run_id)
        print(_opening(name, study, made, missing), flush=True)
        if missing:
            executors.in_a_process(_refuse_unbuildable, [compositions[key] for key in missing])
        parent_id = parent_id or create(client, experiment_id, name)
        if missing:
            print(f"A line for each run that ends; what it prints is in {LOGS}", flush=True)
            note.describe(client, parent_id, name, study, data, made)
            runs = _planned(study, parent_id, {key: compositions[key] for key in missing})
            _make(client, parent_id, runs, _executor(study), study.workers)
            made = finished(client, parent_id)
            _delete_replaced(client, parent_id, made)
        else:
            if client.get_run(parent_id).info.status != "FINISHED":
                client.set_terminated(parent_id)
            sweep_table.show(client, parent_id)
        note.summarize(client, parent_id, name, study, made)
    return [key for key in missing if key not in made]


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


def find_reusable(
    client: MlflowClient,
    experiment_id: str,
    name: str,
    study: Study,
    data: Dataset,
    digests: Mapping[RunKey, str],
) -> str | None:
    """Return the id of the parent run that the study goes on in: the latest whose finished runs
    all are what the study would train now, else one without any; None if there is neither.

    So runs of other settings, data or code are never put together with those to come; runs with an
    activation or a seed that the study no longer lists may be.
    """
    parents = client.search_runs(
        [experiment_id],
        f"tags.{run_tags.STUDY} = '{name}'",
        order_by=["attributes.start_time DESC"],
    )
    empty = None
    for parent in parents:
        made = finished(client, parent.info.run_id)
        if not made:
            empty = empty or parent.info.run_id
        elif all(
            child.data.tags.get(run_tags.TRAINING_DIGEST)
            == (digests.get(key) or _digest(study, data, key))
            for key, child in made.items()
        ):
            return parent.info.run_id
    if parents and not empty:
        print(
            f"What study {name} has in MLflow is of other settings, data or code. It stays there; "
            "the study begins anew."
        )
    return empty


def create(client: MlflowClient, experiment_id: str, name: str) -> str:
    """Create a study's parent run; return its id."""
    tags = {run_tags.STUDY: name, **lease.tags()}
    run = client.create_run(experiment_id, run_name=f"study {name}", tags=tags)
    return run.info.run_id


def _digest(study: Study, data: Dataset, key: RunKey) -> str | None:
    """Return the digest of a run that the study does not list; None if it cannot be made now."""
    try:
        one = design.compositions(study, [key.activation], [key.seed])
        return design.digests(one, data)[key]
    except InputError:
        return None


def finished(client: MlflowClient, parent_id: str) -> dict[RunKey, Any]:
    """Return the finished runs of a study, as MLflow has them."""
    return {
        RunKey(child.data.tags["activation"], int(child.data.params["seed"])): child
        for child in sweep_table.children(client, parent_id, "FINISHED")
    }


def _opening(name: str, study: Study, made: Collection[RunKey], missing: Collection[RunKey]) -> str:
    """Return what a start prints first."""
    activations, seeds = len(study.activations), len(study.seeds)
    text = f"Study {name}: {activations} activations × {seeds} seeds = {activations * seeds} runs"
    more = len(made) + len(missing) - activations * seeds
    if more:
        text += f", and {more} that it no longer lists"
    return f"{text} · {len(made)} made · {len(missing)} left"


def _refuse_unbuildable(compositions: Sequence[Composition]) -> None:
    """Raise InputError if what one of the runs would train cannot be built."""
    from src.studies import buildable  # TensorFlow: in a process that has it

    buildable.refuse_unbuildable((compose.resolve(*one), one.choices) for one in compositions)


def _planned(
    study: Study, parent_id: str, compositions: Mapping[RunKey, Composition]
) -> dict[RunKey, PlannedRun]:
    """Return the runs to make, in their order, each with a folder of its own."""
    folder = paths.fresh_folder(FOLDER / f"{datetime.now():%Y-%m-%d}/{datetime.now():%H-%M-%S}")
    planned = {}
    for number, (key, (composed, choices)) in enumerate(compositions.items()):
        composed.mlflow.parent_run_id = parent_id
        planned[key] = PlannedRun(
            composed=composed,
            choices=choices,
            folder=folder / f"{number}-{key}",
            job=job_words([*design.overrides(study), f"activation={key.activation}"]),
            command=environment.command_line(),
        )
    return planned


def _executor(study: Study) -> Executor:
    """Return what makes the study's runs: processes that share this machine's cores."""
    if study.workers == 1:
        return LocalProcesses(1)
    return LocalProcesses(study.workers, max(1, joblib.cpu_count() // study.workers))


def _make(
    client: MlflowClient,
    parent_id: str,
    runs: Mapping[RunKey, PlannedRun],
    executor: Executor,
    workers: int,
) -> None:
    """Make the runs, and print a line for each that ends; close the parent run."""
    keys = {planned.folder: key for key, planned in runs.items()}
    left, failed = len(runs), 0
    held = lease.Lease(client, parent_id)
    client.update_run(parent_id, status="RUNNING")
    status = "FAILED"
    try:
        with closing(executor.execute(runs.values())) as outcomes:
            for planned, error in outcomes:
                left -= 1
                if error is None:
                    made = finished(client, parent_id)
                    key, turns = keys[planned.folder], ceil(left / workers)
                    print(_progress(made, key, failed, left, turns), flush=True)
                else:
                    failed += 1
                    text = f"Error in run {planned.name}: {errors.told(error)}"
                    print(text, file=sys.stderr, flush=True)
        if not failed:
            status = "FINISHED"
    except KeyboardInterrupt:
        status = "KILLED"
        raise KeyboardInterrupt(INTERRUPTED) from None
    finally:
        for child in sweep_table.children(client, parent_id, "RUNNING"):  # ended with their worker
            client.set_terminated(child.info.run_id, "KILLED")
        client.set_terminated(parent_id, status)
        held.release()
        sweep_table.show(client, parent_id)


def _progress(made: Mapping[RunKey, Any], key: RunKey, failed: int, left: int, turns: int) -> str:
    """Return the line for a run that has finished: runs done, what it attained, time left.

    Args:
        made: the finished runs of the study, as MLflow has them.
        key: of the run.
        failed: how many runs have failed in this start.
        left: how many are still to end.
        turns: how many runs each worker has still to make.
    """
    attained = made[key].data.metrics
    score = attained.get(metric_names.TEST_ACCURACY)
    known = "" if score is None else f"held-out accuracy {score:.4f} · "
    total = len(made) + failed + left
    line = (
        f"{len(made):>{len(str(total))}}/{total} made · {key} · {known}"
        f"{formatting.duration(attained[metric_names.TRAIN_SECONDS])}"
    )
    if left:
        # Not from the runs' start and end: one that was interrupted for a night has both.
        typical = median(child.data.metrics[metric_names.TRAIN_SECONDS] for child in made.values())
        line += f" · {left} left, about {formatting.duration(typical * turns)}"
    return line


def _delete_replaced(client: MlflowClient, parent_id: str, made: Collection[RunKey]) -> None:
    """Delete the failed runs that were made anew since (MLflow can restore them)."""
    names = {str(run) for run in made}
    for child in sweep_table.children(client, parent_id, "FAILED"):
        if child.info.run_name in names:
            client.delete_run(child.info.run_id)

"""The executor that the command, the file, the environment or Hydra's launcher chooses."""

import argparse
import os
from collections.abc import Mapping, Sequence
from typing import Any

import joblib

from src.config.schema import EXECUTORS, RunSettings
from src.core.errors import InputError, did_you_mean
from src.experiments.executors import Executor, cluster
from src.experiments.executors.local import Here, LocalProcesses
from src.experiments.executors.ray_tasks import RayTasks

LOCAL, RAY = EXECUTORS
KEY = "executor"
SUBMITIT = ("submitit_slurm", "submitit_local")  # launchers of Hydra


def add_argument(parser: argparse.ArgumentParser) -> None:
    """Let a command take `executor=NAME` after its other arguments; `read` takes its `words`."""
    parser.add_argument(
        "words",
        nargs="*",
        metavar=f"{KEY}={'|'.join(EXECUTORS)}",
        help=f"where the runs train: processes of this machine, or Ray: a local one, or the "
        f"cluster of {cluster.ADDRESS} (default: the file's {KEY}, else {RAY} where "
        f"{cluster.ADDRESS} is set, else {LOCAL})",
    )


def read(words: Sequence[str]) -> str | None:
    """Return the executor that the command's words choose, if any; InputError if one is unknown."""
    found = None
    for word in words:
        key, _, found = word.partition("=")
        if key != KEY:
            raise InputError(
                f"{word} is not an argument of this command: use {KEY}={LOCAL} or {KEY}={RAY}; "
                "all else belongs in the file."
            )
        if found not in EXECUTORS:
            raise InputError(
                f"{word} is unknown. {did_you_mean(found, list(EXECUTORS))}Choose one of "
                f"{', '.join(EXECUTORS)}."
            )
    return found


def name(settings: RunSettings, asked: str | None) -> str:
    """Return the executor that is `asked` for, else that of a study's or a search's file, else Ray
    where RAY_ADDRESS is set, else local processes. Raise InputError if Ray cannot be used here, or
    nodes of a cluster could not reach the store.
    """
    chosen = asked or settings.executor or (RAY if os.environ.get(cluster.ADDRESS) else LOCAL)
    if chosen == RAY:
        store = os.environ.get("MLFLOW_TRACKING_URI", "")
        if cluster.address() is not None and (not store or store.startswith("sqlite")):
            raise InputError(
                f"{cluster.ADDRESS} joins a cluster, but the runs would go to "
                f"{store or 'mlflow.db in this folder'}, a file that its other nodes do not have: "
                "set MLFLOW_TRACKING_URI to an MLflow server's address (docs/scale.md), or use "
                "executor=local."
            )
        cluster.library()
    return chosen


def make(settings: RunSettings) -> Executor:
    """Return the executor of a study's or a search's file, by default local processes."""
    if settings.executor == RAY:
        return RayTasks(settings.cpus, settings.gpus, settings.workers)
    return LocalProcesses(settings.workers)


def of_launcher(name: str, settings: Mapping[str, Any], runs: int) -> Executor:
    """Return the executor of a sweep's runs that takes the place of hydra/launcher=NAME; raise
    InputError if there is none, or a setting is wrong.
    """
    if name == "basic":
        return Here()
    if name == "joblib":
        jobs = settings.get("n_jobs")
        if jobs == 0:
            raise InputError("hydra.launcher.n_jobs=0 starts no worker: use 1 or more, or -1.")
        return LocalProcesses(min(joblib.effective_n_jobs(jobs), runs))  # they share all cores
    if name in SUBMITIT:
        from src.experiments.executors.slurm import Submitit  # of the extra slurm

        return Submitit(name.removeprefix("submitit_"), settings)
    raise InputError(
        f"hydra/launcher={name} cannot be used here: choose one of basic (this process), joblib "
        f"(processes of this machine), {' and '.join(SUBMITIT)} (jobs)."
    )

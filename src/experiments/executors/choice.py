"""Which executor makes the runs: as the file, the command or the environment says."""

import argparse
import os
from collections.abc import Sequence
from typing import Protocol

import joblib

from src.runtime.errors import InputError, did_you_mean
from src.experiments.executors import Executor, cluster
from src.experiments.executors.local import LocalProcesses

LOCAL, RAY = EXECUTORS = ("local", "ray")
KEY = "executor"
MAX_WORKERS = 64
MAX_CPUS, MAX_GPUS = 1024, 64  # of one run


class Settings(Protocol):
    """What a study or a search says of it."""

    @property
    def executor(self) -> str | None:
        """Which: of `EXECUTORS`; None leaves it to the environment."""
        ...

    @property
    def workers(self) -> int:
        """How many runs at a time on one machine."""
        ...

    @property
    def cpus(self) -> int:
        """Of a run on Ray."""
        ...

    @property
    def gpus(self) -> float:
        """Of a run on Ray."""
        ...


def check(settings: Settings) -> None:
    """Raise InputError if the values of a file are out of range."""
    if settings.executor is not None:
        _known(settings.executor)
    for name, found, low, high in (
        ("workers", settings.workers, 1, MAX_WORKERS),
        ("cpus", settings.cpus, 1, MAX_CPUS),
        ("gpus", settings.gpus, 0, MAX_GPUS),
    ):
        if not low <= found <= high:
            raise InputError(
                f"{name}={found:g} is out of range: use a number from {low} to {high}."
            )


def _known(name: str) -> str:
    if name not in EXECUTORS:
        raise InputError(
            f"executor={name} is unknown. {did_you_mean(name, list(EXECUTORS))}Choose one of "
            f"{', '.join(EXECUTORS)}."
        )
    return name


def add_argument(parser: argparse.ArgumentParser) -> None:
    """Let a command take `executor=NAME` after its other arguments; `read` takes its `words`."""
    parser.add_argument(
        "words",
        nargs="*",
        metavar=f"{KEY}={'|'.join(EXECUTORS)}",
        help=f"where the runs are made: processes of this machine, or Ray: a local one, or the "
        f"cluster of {cluster.ADDRESS} (default: the file's {KEY}, else {RAY} where "
        f"{cluster.ADDRESS} is set, else {LOCAL})",
    )


def is_word(argument: str) -> bool:
    """Return whether an argument is no name, but a key and its value."""
    return "=" in argument


def read(words: Sequence[str]) -> str | None:
    """Return the executor that the command's words KEY=VALUE choose; None where they do not.

    Raises:
        InputError: a word is not known.
    """
    found = None
    for word in words:
        key, _, value = word.partition("=")
        if key != KEY:
            raise InputError(
                f"{word} is no argument of this command: give only {KEY}={LOCAL} or {KEY}={RAY}; "
                "all else stands in the file."
            )
        found = _known(value)
    return found


def name(settings: Settings, asked: str | None) -> str:
    """Return which executor it is: the command's, else the file's, else Ray where RAY_ADDRESS is
    set, else local processes.

    Raises:
        InputError: Ray cannot be used here, or nodes of a cluster could not reach the store.
    """
    chosen = asked or settings.executor or (RAY if os.environ.get(cluster.ADDRESS) else LOCAL)
    if chosen == RAY and cluster.address() is not None:
        store = os.environ.get("MLFLOW_TRACKING_URI", "")
        if not store or store.startswith("sqlite"):
            raise InputError(
                f"{cluster.ADDRESS} joins a cluster, but the runs would go to "
                f"{store or 'mlflow.db in this folder'}, a file that its other nodes do not have: "
                "set MLFLOW_TRACKING_URI to the address of an MLflow server (docs/scale.md), or "
                "use executor=local."
            )
    if chosen == RAY:
        cluster.library()
    return chosen


def make(settings: Settings) -> Executor:
    """Return the executor that the settings name; None is for local processes."""
    if settings.executor == RAY:
        from src.experiments.executors.ray_tasks import RayTasks  # MLflow: after the checks

        return RayTasks(settings.cpus, settings.gpus, settings.workers)
    if settings.workers == 1:
        return LocalProcesses(1)
    return LocalProcesses(settings.workers, max(1, joblib.cpu_count() // settings.workers))

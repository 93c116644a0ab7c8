"""The capacity of MLflow's store: runs per minute with many writers at once, and errors.

python -m benchmarks.store_writers http://mlflow.example.com:5000

Each writer is a process that logs run after run as a training does, without training: params and
tags, the metrics of each epoch, and the end; no artifacts. The store that is named, with the
password of MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, is compared with a fresh SQLite
file. The runs stay there, in the experiment store-writers.
"""

import multiprocessing
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from multiprocessing.synchronize import Barrier
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import harness
from src.core import errors, metric_names

EXPERIMENT = "store-writers"
PARAMS = {f"group.key_{number}": number for number in range(40)}  # about as many as a training's
METRICS = (
    metric_names.LOSS,
    metric_names.VAL_LOSS,
    metric_names.VAL_ACCURACY,
    metric_names.EPOCH_SECONDS,
    "accuracy",
    "images_per_second",
    "learning_rate",
)


@dataclass
class Written:
    """The result of the writers of a round.

    Attributes:
        runs: that were logged to the end.
        seconds: from the first call to the last.
        calls: seconds of each successful call.
        errors: of the others.
    """

    runs: int = 0
    seconds: float = 0.0
    calls: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    @property
    def per_minute(self) -> float:
        """Runs per minute."""
        return 60 * self.runs / self.seconds

    def describe(self) -> str:
        """Return the line of a round."""
        return f"{self.per_minute:.0f} runs/min, {len(self.errors)} errors"


def write(store: str, writers: int, runs: int, epochs: int) -> Written:
    """Let writers log at once, as a training does.

    Args:
        store: its URI.
        writers: how many processes.
        runs: how many each logs.
        epochs: of each run.
    """
    from mlflow import MlflowClient

    client = MlflowClient(store)
    found = client.get_experiment_by_name(EXPERIMENT)
    experiment_id = found.experiment_id if found else client.create_experiment(EXPERIMENT)
    # Forks, which share the imported modules; none has a connection of this process.
    context = multiprocessing.get_context("fork")
    together, queue = context.Barrier(writers + 1), context.Queue()
    arguments = (store, experiment_id, runs, epochs, together, queue)
    processes = [context.Process(target=_writer, args=arguments) for _ in range(writers)]
    for process in processes:
        process.start()
    together.wait()
    began, result = time.perf_counter(), Written()
    for _ in processes:
        done, calls, failed = queue.get()
        result.runs += done
        result.calls += calls
        result.errors += failed
    result.seconds = time.perf_counter() - began
    for process in processes:
        process.join()
    return result


def _writer(
    store: str, experiment_id: str, runs: int, epochs: int, together: Barrier, queue: Any
) -> None:
    """Log runs, and put how many, the seconds of each call and the errors into the queue."""
    from mlflow import MlflowClient

    client, done, failed = MlflowClient(store), 0, []
    calls: list[float] = []
    client.search_experiments(max_results=1)  # its connection
    together.wait()
    for _ in range(runs):
        try:
            _log(client, experiment_id, epochs, partial(_timed, calls))
            done += 1
        except Exception as error:  # whatever a store raises under such a load is a result
            failed.append(f"{type(error).__name__}: {error}"[:300])
    queue.put((done, calls, failed))


def _log(client: Any, experiment_id: str, epochs: int, timed: Callable[..., Any]) -> None:
    """Log one run."""
    from mlflow.entities import Metric, Param, RunTag

    run_id = timed(client.create_run, experiment_id, tags={"owner": "a writer"}).info.run_id
    params = [Param(key, str(value)) for key, value in PARAMS.items()]
    tags = [RunTag(key, str(value)) for key, value in PARAMS.items()]
    timed(client.log_batch, run_id, params=params, tags=tags[:15])
    for epoch in range(1, epochs + 1):
        now = round(1000 * time.time())
        metrics = [Metric(name, 1 / epoch, now, epoch) for name in sorted(METRICS)]
        timed(client.log_batch, run_id, metrics)
    timed(client.set_terminated, run_id)


def _timed(calls: list[float], call: Callable[..., Any], *words: Any, **more: Any) -> Any:
    began = time.perf_counter()
    result = call(*words, **more)
    calls.append(time.perf_counter() - began)
    return result


def rows(
    name: str, results: Sequence[Written], reference: Sequence[Written] | None = None
) -> list[harness.Row]:
    """Return the table's rows of a store, from its rounds and those of the reference."""

    def row(quantity: str, of: Callable[[Written], float], *, ratio: bool = True) -> harness.Row:
        theirs = [of(one) for one in reference] if reference and ratio else None
        return harness.Row(f"{name}: {quantity}", [of(one) for one in results], theirs)

    return [
        row("runs per minute", lambda one: one.per_minute),
        row("ms a call, median", lambda one: 1000 * median(one.calls)),
        row("ms a call, slowest", lambda one: 1000 * max(one.calls)),
        row("errors", lambda one: float(len(one.errors)), ratio=False),
    ]


def main() -> None:
    """Measure, and print the table."""
    parser = harness.parser("store_writers", __doc__, rounds=3)
    parser.add_argument("store", help="URI of the store that is compared with SQLite")
    parser.add_argument("--writers", type=int, default=16, help="processes at once")
    parser.add_argument("--runs", type=int, default=5, help="of each writer")
    parser.add_argument("--epochs", type=int, default=15, help="of each run")
    given = parser.parse_args()
    if min(given.writers, given.runs, given.epochs) < 1:
        parser.error("--writers, --runs and --epochs are numbers from 1 on.")

    from src.tracking import store  # MLflow, and its settings for every command

    load = (given.writers, given.runs, given.epochs)
    conditions = harness.conditions("mlflow")
    with tempfile.TemporaryDirectory() as folder:
        sqlite = f"sqlite:///{store.new_database(Path(folder) / 'mlflow.db')}"
        measured = {
            "SQLite": partial(write, sqlite, *load),
            "server": partial(write, given.store, *load),
        }
        results = harness.interleave(measured, given.rounds, describe=Written.describe)
    for name, found in results.items():
        for error in sorted({error for one in found for error in one.errors})[:3]:
            print(f"{name}: {error}")
    harness.show(
        f"{given.writers} writers, each {given.runs} runs of {given.epochs} epochs",
        conditions,
        [*rows("SQLite", results["SQLite"]), *rows("server", results["server"], results["SQLite"])],
    )


if __name__ == "__main__":
    errors.run(main)

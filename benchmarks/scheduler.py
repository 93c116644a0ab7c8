"""Tasks per second of the Ray executor, and the memory of its driver, with runs that only sleep.

python -m benchmarks.scheduler

A simulation of a study of many runs on a Ray of this machine: every run goes the way of a real one
(src/studies/executors), but sleeps instead of training. Needs the extra `cluster`.
"""

import os
import tempfile
import time
from collections.abc import Mapping
from contextlib import chdir
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from omegaconf import OmegaConf

from benchmarks import harness
from src.runtime import errors
from src.studies.executors import cluster

MEGABYTE = 2**20


@dataclass(frozen=True)
class Sleep:
    """In place of a `PlannedRun`: its name, and how many seconds it sleeps."""

    name: str
    folder: Path
    seconds: float
    composed: Any = field(default_factory=lambda: OmegaConf.create({"precision": "float32"}))
    tags: Mapping[str, str] = field(default_factory=dict)
    choices: Mapping[str, str] = field(default_factory=dict)

    def announce(self) -> None:
        """Print nothing."""

    def execute(self) -> None:
        """Sleep."""
        time.sleep(self.seconds)


def measure(tasks: int, seconds: float, workers: int) -> tuple[float, float, float]:
    """Return the tasks per second, and the driver's resident memory before and after in MB.

    Args:
        tasks: how many.
        seconds: that each sleeps.
        workers: tasks at a time; at most this machine's CPUs are used.

    Raises:
        RuntimeError: a task failed.
    """
    from benchmarks.scheduler import Sleep  # a worker imports it; __main__ is another there
    from src.studies.executors.ray_tasks import RayTasks  # MLflow: after the arguments

    os.environ.pop(cluster.ADDRESS, None)  # start a new Ray
    executor = RayTasks(cpus=1, gpus=0, workers=workers)
    executor.prepare()
    process = psutil.Process()
    with tempfile.TemporaryDirectory() as name:
        runs = [Sleep(f"sleep-{number}", Path(name) / "logs", seconds) for number in range(tasks)]
        before = process.memory_info().rss / MEGABYTE
        began = time.perf_counter()
        for run, error in executor.execute(runs):
            if error is not None:
                raise RuntimeError(f"{run.name} failed") from error
        rate = tasks / (time.perf_counter() - began)
    after = process.memory_info().rss / MEGABYTE
    cluster.library().shutdown()
    return rate, before, after


def main() -> None:
    """Measure, and print the table."""
    parser = harness.parser("scheduler", __doc__)
    parser.add_argument("--tasks", type=int, default=10_000, help="runs")
    parser.add_argument("--seconds", type=float, default=0.01, help="that each of them sleeps")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="at a time")
    given = parser.parse_args()

    conditions = harness.conditions("ray")
    with tempfile.TemporaryDirectory() as folder, chdir(folder):
        rate, before, after = measure(given.tasks, given.seconds, given.workers)
    harness.show(
        f"{given.tasks:,} runs that sleep {given.seconds:g} s, {given.workers} at a time",
        conditions,
        [
            harness.Row("runs per second", [rate]),
            harness.Row("driver's memory at the start, MB", [before]),
            harness.Row("driver's memory at the end, MB", [after]),
        ],
    )


if __name__ == "__main__":
    errors.run(main)

"""Tasks per second of the Ray executor, and the memory of its driver, with runs that only sleep.

python -m benchmarks.scheduler

A simulation of a study of many runs on a Ray of this machine: every run goes the way of a real one
(src/experiments/executors), but sleeps instead of training. Needs the extra `cluster`.
"""

import functools
import os
import tempfile
import time
from contextlib import chdir
from pathlib import Path

import psutil

from benchmarks import harness
from src.core import errors
from src.experiments.executors import cluster
from src.experiments.executors.ray_tasks import RayTasks
from src.experiments.run_spec import RunSpec

MEGABYTE = 2**20


def sleep(spec: RunSpec, seconds: float) -> None:
    """Sleep in place of a training."""
    time.sleep(seconds)


def idle(number: int) -> RunSpec:
    """Return a run without any content."""
    texts = dict.fromkeys(("digest", "data_digest", "job", "command"), "")
    name, folder = f"sleep-{number}", Path()
    return RunSpec(cfg=None, choices={}, settings={}, name=name, folder=folder, **texts)


def measure(tasks: int, seconds: float, workers: int) -> tuple[float, float, float]:
    """Return the tasks per second, and the driver's resident memory before and after in MB.

    Args:
        tasks: how many.
        seconds: that each sleeps.
        workers: tasks at a time; at most this machine's CPUs are used.

    Raises:
        RuntimeError: a task failed.
    """
    from benchmarks import scheduler  # what a worker can import; __main__ is another there

    os.environ.pop(cluster.ADDRESS, None)  # a Ray of this machine
    train = functools.partial(scheduler.sleep, seconds=seconds)
    executor = RayTasks(cpus=1, gpus=0, workers=workers, train=train)
    executor.prepare()
    process = psutil.Process()
    before = process.memory_info().rss / MEGABYTE
    began = time.perf_counter()
    for spec, error in executor.execute(map(idle, range(tasks))):
        if error is not None:
            raise RuntimeError(f"{spec.name} failed") from error
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

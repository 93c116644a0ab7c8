"""Runs per minute of a sweep with workers of one thread, against one run after the other.

python -m benchmarks.sweep_throughput
python -m benchmarks.sweep_throughput --workers 1 2 4 --overrides model=mini epochs=2

All are one command, `python -m src.train -m seed=1,...`, timed from its start to its end, with
everything a run pays for: imports, tracking, files, held-out images. They differ by the launcher
and by TensorFlow's threads: one for each worker, or as many as the machine has CPUs.
"""

import os
import tempfile
from functools import partial
from pathlib import Path

from benchmarks import harness, processes
from src.config import compose
from src.core import errors
from src.core.formatting import count
from src.experiments.executors import THREADS

GOAL = harness.at_least(1.3)


def runs_per_minute(
    folder: Path, runs: int, overrides: list[str], *, workers: int, threads: int
) -> float:
    """Train with the seeds 1 to `runs` in one sweep; return the runs per minute.

    Args:
        folder: the project; the sweep's files lie in a new folder there.
        runs: how many.
        overrides: of every run, such as epochs=2.
        workers: how many at a time.
        threads: of each.
    """
    seeds = ",".join(str(seed) for seed in range(1, runs + 1))
    out = tempfile.mkdtemp(dir=folder)
    joblib = ("hydra/launcher=joblib", f"hydra.launcher.n_jobs={workers}")
    variables = dict.fromkeys(THREADS, str(threads))
    seconds, _ = processes.run(
        *(
            "-m",
            "src.train",
            "-m",
            f"hydra.sweep.dir={out}",
            f"seed={seeds}",
            "mlflow.resume=false",
        ),
        *(joblib if workers > 1 else ()),
        *overrides,
        folder=folder,
        environment=variables,
    )
    return 60 * runs / seconds


def main() -> None:
    """Measure, and print the table."""
    parser = harness.parser("sweep_throughput", __doc__, rounds=3)
    parser.add_argument("--runs", type=int, default=6, help="of each sweep")
    parser.add_argument("--workers", type=int, nargs="+", default=[2], help="of each sweep")
    parser.add_argument("--overrides", nargs="+", default=["epochs=2"], help="of every run")
    given = parser.parse_args()

    compose.compose(*given.overrides)  # mistakes, before anything is trained
    conditions = harness.conditions("tensorflow", "keras", "hydra-joblib-launcher", "joblib")
    cpus = os.cpu_count() or 1
    serial = f"one after the other, {count(cpus, 'thread')}"
    parallel = {f"{count(number, 'worker')} of one thread": number for number in given.workers}
    with processes.project_with_our_data() as folder:
        # The shortest of trainings creates the MLflow store, which neither side is to pay for.
        processes.train(folder, "model=mlp", "augmentation=none", "batch_size=1000", "epochs=1")
        measure = partial(runs_per_minute, folder, given.runs, given.overrides)
        rates = harness.interleave(
            {
                serial: partial(measure, workers=1, threads=cpus),
                **{
                    name: partial(measure, workers=number, threads=1)
                    for name, number in parallel.items()
                },
            },
            given.rounds,
        )
    harness.show(
        f"Runs per minute of a sweep of {given.runs}, {' '.join(given.overrides)}",
        conditions,
        [
            harness.Row(serial, rates[serial]),
            *(
                harness.Row(name, rates[name], rates[serial], GOAL if number == cpus else None)
                for name, number in parallel.items()
            ),
        ],
    )


if __name__ == "__main__":
    errors.run(main)

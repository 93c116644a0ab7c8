"""Runs per minute of a sweep with two workers of one thread, against one run after the other.

python -m benchmarks.sweep_throughput

Both are one command, `python -m src.train -m seed=1,...`, timed from its start to its end, with
everything a run pays for: imports, tracking, files, held-out images. They differ by the launcher
and by TensorFlow's threads: one for each worker, or as many as there are workers.
"""

import tempfile
from functools import partial
from pathlib import Path

from benchmarks import harness, processes
from src.config import compose
from src.runtime import errors

GOAL = harness.at_least(1.3)


def threads(count: int) -> dict[str, str]:
    """Return the variables that give TensorFlow this many threads."""
    return dict.fromkeys(("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"), str(count))


def runs_per_minute(
    folder: Path, runs: int, workers: int, overrides: list[str], *, parallel: bool
) -> float:
    """Train with the seeds 1 to `runs` in one sweep; return the runs per minute.

    Args:
        folder: the project; the sweep's files lie in a new folder there.
        runs: how many.
        workers: processes of the parallel sweep, and threads of the other.
        overrides: of every run, such as epochs=2.
        parallel: in workers of one thread each, instead of one after the other.
    """
    seeds = ",".join(str(seed) for seed in range(1, runs + 1))
    out = tempfile.mkdtemp(dir=folder)
    launcher = ("hydra/launcher=joblib", f"hydra.launcher.n_jobs={workers}") if parallel else ()
    seconds, _ = processes.run(
        *(
            "-m",
            "src.train",
            "-m",
            f"hydra.sweep.dir={out}",
            f"seed={seeds}",
            "mlflow.resume=false",
        ),
        *launcher,
        *overrides,
        folder=folder,
        environment=threads(1 if parallel else workers),
    )
    return 60 * runs / seconds


def main() -> None:
    """Measure, and print the table."""
    parser = harness.parser("sweep_throughput", __doc__, rounds=3)
    parser.add_argument("--runs", type=int, default=6, help="of each sweep")
    parser.add_argument(
        "--workers", type=int, default=2, help="of one sweep, and threads of the other"
    )
    parser.add_argument("--overrides", nargs="+", default=["epochs=2"], help="of every run")
    given = parser.parse_args()

    compose.compose(*given.overrides)  # mistakes, before anything is trained
    conditions = harness.conditions("tensorflow", "keras", "hydra-joblib-launcher", "joblib")
    serial = f"one after the other, {given.workers} threads"
    parallel = f"{given.workers} workers of one thread"
    with processes.project_with_our_data() as folder:
        # The shortest of trainings creates the MLflow store, which neither side is to pay for.
        processes.train(folder, "model=mlp", "augmentation=none", "batch_size=1000", "epochs=1")
        measure = partial(runs_per_minute, folder, given.runs, given.workers, given.overrides)
        rates = harness.interleave(
            {serial: partial(measure, parallel=False), parallel: partial(measure, parallel=True)},
            given.rounds,
        )
    harness.show(
        f"Runs per minute of a sweep of {given.runs}, {' '.join(given.overrides)}",
        conditions,
        [
            harness.Row(serial, rates[serial]),
            harness.Row(parallel, rates[parallel], rates[serial], GOAL),
        ],
    )


if __name__ == "__main__":
    errors.run(main)

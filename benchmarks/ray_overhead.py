"""Seconds of a study on a Ray of this machine, against local processes; start-up apart.

python -m benchmarks.ray_overhead

Both run the same trainings with the same workers of one thread each. The time is that from the
start of the first run to the end of the last one, by MLflow; start-up is the rest of the command's
time: imports, checks, the start of Ray. Needs the extra `cluster`.
"""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from uuid import uuid4

import yaml

from benchmarks import harness, processes
from src.config import compose
from src.core import errors
from src.data import dataset
from src.experiments.executors import choice
from src.tracking import run_tags

GOAL = harness.at_most(1.1)


@dataclass(frozen=True)
class Taken:
    """Seconds of a study: of its runs, from the first one's start to the last one's end, and of
    all else.
    """

    seconds: float
    startup: float

    def __str__(self) -> str:
        """Return both as text."""
        return f"{self.seconds:.0f} s of runs, {self.startup:.0f} s of start-up"


def project(folder: Path) -> None:
    """Put our code beside a project's data, so that a new study can be written there."""
    processes.copy_code(folder)
    shutil.copy(processes.ROOT / "requirements.lock", folder)


def study(folder: Path, executor: str, seeds: int, workers: int, overrides: Sequence[str]) -> Taken:
    """Run a new study of two activations in a project folder; return its seconds.

    Args:
        folder: the project.
        executor: that of the runs.
        seeds: how many of each activation.
        workers: runs at a time.
        overrides: of every run.
    """
    name = f"of-{executor}-{uuid4().hex[:8]}"  # a new one finds no finished runs
    text = {
        "question": "What does it cost?",
        "experiment": "default",
        "dataset": dataset.load_description().name,
        "factor": "activation",
        "levels": ["relu", "swish"],
        "seeds": list(range(1, seeds + 1)),
        "workers": workers,
        "overrides": list(overrides),
    }
    (folder / "conf" / "study" / f"{name}.yaml").write_text(yaml.safe_dump(text))
    command = ("-m", "src.study", name, f"{choice.KEY}={executor}")
    threads = dict.fromkeys(("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"), "1")
    wall, _ = processes.run(*command, folder=folder, environment=threads)
    seconds = _seconds(folder, name)
    return Taken(seconds, wall - seconds)


def _seconds(folder: Path, name: str) -> float:
    """Return the seconds from the start of a study's first run to the end of its last one."""
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{folder / 'mlflow.db'}")
    experiments = [one.experiment_id for one in client.search_experiments()]
    found = client.search_runs(experiments, f"tags.{run_tags.STUDY} = '{name}'")
    children = [one.info for one in found if run_tags.PARENT in one.data.tags]
    first = min(one.start_time for one in children)
    last = max(one.end_time for one in children)
    return (last - first) / 1000


def main() -> None:
    """Measure, and print the table."""
    parser = harness.parser("ray_overhead", __doc__, rounds=3)
    parser.add_argument("--seeds", type=int, default=4, help="of each of two activations")
    parser.add_argument("--workers", type=int, default=2, help="runs at a time")
    parser.add_argument(
        "--overrides", nargs="+", default=["model=mini", "epochs=2"], help="of every run"
    )
    given = parser.parse_args()

    compose.compose(*given.overrides)  # mistakes, before anything is trained
    conditions = harness.conditions("tensorflow", "keras", "mlflow", "ray")
    with processes.project_with_our_data() as folder:
        project(folder)
        options = {"seeds": given.seeds, "workers": given.workers, "overrides": given.overrides}
        results = harness.interleave(
            {name: partial(study, folder, name, **options) for name in choice.EXECUTORS},
            given.rounds,
            describe=str,
            rotate=True,
        )
    local, ray = results[choice.LOCAL], results[choice.RAY]
    seconds = [one.seconds for one in local]
    startup = [one.startup for one in local]
    harness.show(
        f"Seconds of a study of {2 * given.seeds} runs, {' '.join(given.overrides)}, "
        f"{given.workers} at a time",
        conditions,
        [
            harness.Row("runs, local processes", seconds),
            harness.Row("runs, Ray", [one.seconds for one in ray], seconds, GOAL),
            harness.Row("start-up, local processes", startup),
            harness.Row("start-up, Ray", [one.startup for one in ray], startup),
        ],
    )


if __name__ == "__main__":
    errors.run(main)

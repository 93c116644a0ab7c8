"""Seconds of `python -m src.train` besides training and evaluation, against `import tensorflow`.

python -m benchmarks.startup

That is the wall time of the process minus the seconds of its epochs, of its validations and of the
prediction of the test images: imports, set-up, logging, figures and the end.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks import harness, probes, processes
from src.config import compose
from src.core import errors

IMPORT = ("-c", "import tensorflow")
GOAL = harness.at_most(1.3)


@dataclass(frozen=True)
class Spent:
    """Where a process's wall seconds went."""

    training: float
    evaluation: float
    other: float

    def __str__(self) -> str:
        """Return the seconds besides training and evaluation, as text."""
        return f"{self.other:.1f} s besides training and evaluation"


def train(folder: Path, *overrides: str) -> Spent:
    """Train in a project folder; return where the process's time went."""
    done = processes.train(folder, *overrides, command=("benchmarks.probes", "evaluation"))
    evaluation = processes.last_line(done.printed)[probes.EVALUATION_SECONDS]
    return Spent(done.seconds, evaluation, done.wall_seconds - done.seconds - evaluation)


def import_tensorflow() -> Spent:
    """Import TensorFlow in its own process."""
    return Spent(0, 0, processes.run(*IMPORT)[0])


def rows(trained: Sequence[Spent], imported: Sequence[Spent]) -> list[harness.Row]:
    """Return the table's rows, from the processes of each round."""
    reference = [spent.other for spent in imported]
    return [
        harness.Row("import tensorflow", reference),
        harness.Row("src.train: all else", [spent.other for spent in trained], reference, GOAL),
        harness.Row("src.train: training", [spent.training for spent in trained]),
        harness.Row("src.train: evaluation", [spent.evaluation for spent in trained]),
    ]


def main() -> None:
    """Measure, and print the table."""
    parser = harness.parser("startup", __doc__, rounds=5)
    parser.add_argument("--overrides", nargs="+", default=["epochs=1"], help="of the training")
    given = parser.parse_args()

    compose.compose(*given.overrides)  # mistakes, before anything is trained
    conditions = harness.conditions("tensorflow", "keras", "mlflow")
    with processes.project_with_our_data() as folder:
        measurements: dict[str, Callable[[], Spent]] = {
            "import": import_tensorflow,
            "train": partial(train, folder, *given.overrides),
        }
        results = harness.interleave(measurements, given.rounds, describe=str)
    harness.show(
        f"Wall seconds of `python -m src.train {' '.join(given.overrides)}`, by their use",
        conditions,
        rows(results["train"], results["import"]),
    )


if __name__ == "__main__":
    errors.run(main)

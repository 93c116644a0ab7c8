"""What `python -m src.train` spends besides training and evaluation, against `import tensorflow`.

python -m benchmarks.startup

That is the wall time of the process less the seconds of its epochs, of its validations and of the
prediction of the test images: imports, set-up, logging, figures and the end.
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks import projects, turns
from benchmarks.timed_evaluation import EVALUATION_SECONDS
from src.runtime import errors

IMPORT = ("-c", "import tensorflow")
GOAL = turns.at_most(1.5)


@dataclass(frozen=True)
class Spent:
    """Where a process's wall seconds went."""

    training: float
    evaluation: float
    outside: float

    def __str__(self) -> str:
        """Return what is not training or evaluation, as text."""
        return f"{self.outside:.1f} s outside training and evaluation"


def ours(folder: Path, *overrides: str) -> Spent:
    """Train in a project folder; return what was spent on what."""
    done = projects.process(folder, *overrides, module="benchmarks.timed_evaluation")
    evaluation = json.loads(done.printed.splitlines()[-1])[EVALUATION_SECONDS]
    return Spent(done.train_seconds, evaluation, done.seconds - done.train_seconds - evaluation)


def bare_import() -> Spent:
    """Import TensorFlow in a process of its own."""
    return Spent(0, 0, turns.run(*IMPORT)[0])


def rows(trained: Sequence[Spent], imported: Sequence[Spent]) -> list[turns.Row]:
    """Return the table's rows, from the processes of each round."""
    reference = [spent.outside for spent in imported]
    return [
        turns.Row("import tensorflow", reference),
        turns.Row("src.train: all else", [spent.outside for spent in trained], reference, GOAL),
        turns.Row("src.train: training", [spent.training for spent in trained]),
        turns.Row("src.train: evaluation", [spent.evaluation for spent in trained]),
    ]


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description="What a training's process spends besides it.")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--overrides", nargs="+", default=["epochs=1"])
    given = parser.parse_args()

    conditions = turns.conditions("tensorflow", "keras", "mlflow")
    with projects.with_our_data() as folder:
        results = turns.take(
            {"import": bare_import, "train": partial(ours, folder, *given.overrides)},
            given.rounds,
            say=str,
        )
    turns.show(
        f"Wall seconds of `python -m src.train {' '.join(given.overrides)}`, by what they went to",
        conditions,
        rows(results["train"], results["import"]),
    )


if __name__ == "__main__":
    errors.run(main)

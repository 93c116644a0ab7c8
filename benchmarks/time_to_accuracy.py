"""Seconds of training until the notebook's score, ours against a public recipe's.

python -m benchmarks.time_to_accuracy
python -m benchmarks.time_to_accuracy --reference fifteen_cnns --reference-epochs 30

Ours trains as `python -m src.train` does, once per seed; the reference in turn with it. Evaluation
counts on neither side. One epoch of the reference lasts as long as any other, so by default it
trains two, and the second one's time stands for all of its thirty; `--reference-epochs 30` trains
them all, and then its accuracy is known too.
"""

from functools import partial
from statistics import median

from benchmarks import projects, race, turns
from src.runtime import errors, metric_names
from src.runtime.errors import InputError

EPOCHS = 30  # of either reference

# The goals: our part of the seconds, and the mean accuracy (None: the reference's own).
GOALS = {"notebook_2017": (1 / 20, 0.99671), "fifteen_cnns": (1 / 4, None)}


def seconds(epochs: list[float]) -> float:
    """Return a reference's time for all its epochs.

    Args:
        epochs: the seconds of those that it trained; the first one compiles, so where they are not
            all, it does not stand for the others.
    """
    return sum(epochs) if len(epochs) >= EPOCHS else EPOCHS * median(epochs[1:])


def reference(name: str, epochs: int, seed: int) -> projects.Training:
    """Train a reference in a process of its own; its accuracy counts after all epochs only."""
    module = f"benchmarks.references.{name}"
    result = turns.answer("-m", module, "--seed", str(seed), "--epochs", str(epochs))
    accuracy = result[metric_names.TEST_ACCURACY] if epochs >= EPOCHS else None
    return projects.Training(seconds(result[metric_names.EPOCH_SECONDS]), accuracy)


def main() -> None:
    """Measure, and print the table."""
    parser = race.arguments(
        "Time to accuracy, against a public recipe.", experiment="default", seeds=[1, 2, 3]
    )
    parser.add_argument("--reference", choices=GOALS, default="notebook_2017")
    parser.add_argument("--reference-epochs", type=int, default=2, help="of its 30")
    given = parser.parse_args()
    if given.reference_epochs < 2:
        raise InputError("--reference-epochs must be 2 or more: the first epoch compiles.")
    ratio, accuracy = GOALS[given.reference]
    conditions = turns.conditions("tensorflow", "keras")
    with projects.with_our_data() as folder:
        race.run(
            "Seconds of training, evaluation excluded",
            conditions,
            given,
            folder,
            f"{given.reference}, {EPOCHS} epochs",
            partial(reference, given.reference, given.reference_epochs),
            ratio=ratio,
            accuracy=accuracy,
        )


if __name__ == "__main__":
    errors.run(main)

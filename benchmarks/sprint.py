"""Seconds of training to 99 % on MNIST's official 10,000, ours against PyTorch.

python -m benchmarks.sprint

`experiment=sprint` against github.com/tuomaso/train_mnist_fast, in turn, once per seed. Both have
MNIST's official split; ours holds the validation images of params.yaml back from the 60,000.
"""

from functools import partial
from pathlib import Path

from benchmarks import projects, race, turns
from src.runtime import errors, metric_names

REFERENCE = "train_mnist_fast"
RATIO, ACCURACY = 1 / 1.5, 0.99  # the goals


def reference(folder: Path, seed: int) -> projects.Training:
    """Train the reference in a process of its own, on the data of a project folder."""
    words = ("-m", f"benchmarks.references.{REFERENCE}", "--seed", str(seed))
    result = turns.answer(*words, folder=folder, PYTHONPATH=str(projects.ROOT))
    return projects.Training(result[metric_names.TRAIN_SECONDS], result[metric_names.TEST_ACCURACY])


def main() -> None:
    """Measure, and print the table."""
    parser = race.arguments(
        "Seconds to 99 %, against PyTorch.", experiment="sprint", seeds=[1, 2, 3, 4, 5]
    )
    given = parser.parse_args()
    conditions = turns.conditions("tensorflow", "keras", "torch")
    with projects.with_mnist() as folder:
        race.run(
            "Seconds of training on MNIST's 60,000, evaluation excluded",
            conditions,
            given,
            folder,
            REFERENCE,
            partial(reference, folder),
            ratio=RATIO,
            accuracy=ACCURACY,
        )


if __name__ == "__main__":
    errors.run(main)

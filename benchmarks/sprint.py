"""Seconds of training to 99 % on MNIST's official 10,000, ours against PyTorch.

python -m benchmarks.sprint

`experiment=sprint` against github.com/tuomaso/train_mnist_fast, interleaved, once per seed. Both
train on MNIST's official split; ours holds the validation images of params.yaml back from the
60,000.
"""

from pathlib import Path

from benchmarks import harness, processes, time_to_accuracy
from benchmarks.processes import Training
from src.core import errors, metric_names


def train_mnist_fast(folder: Path, seed: int) -> Training:
    """Train the reference in its own process, on the data of a project folder."""
    words = ("-m", "benchmarks.references.pytorch", "train_mnist_fast", "--seed", str(seed))
    result = processes.answer(*words, folder=folder)
    return Training(result[metric_names.TRAIN_SECONDS], result[metric_names.TEST_ACCURACY])


REFERENCE = time_to_accuracy.Reference(
    "train_mnist_fast", train_mnist_fast, packages=("torch",), ratio=1 / 1.5, accuracy=0.99
)


def main() -> None:
    """Measure, and print the table."""
    parser = harness.parser("sprint", __doc__)
    time_to_accuracy.add_arguments(parser, experiment="sprint", seeds=[1, 2, 3, 4, 5])
    time_to_accuracy.compare(
        "Seconds of training on MNIST's 60,000, evaluation excluded",
        parser.parse_args(),
        REFERENCE,
        processes.project_with_mnist(),
    )


if __name__ == "__main__":
    errors.run(main)

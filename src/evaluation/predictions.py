"""What a trained model says of the test images: the submission and, where possible, its score."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from src.data import dataset, read_csv, write_csv
from src.evaluation import figures, scoring
from src.runtime import atomic_write, paths
from src.training import batches


@dataclass(frozen=True)
class Predictions:
    """What was written: files for the training's run, the submission, and the score, if known."""

    folder: Path
    submission: Path
    scores: dict[str, float]

    @property
    def artifacts(self) -> dict[Path, str]:
        """Every file, with its folder inside the MLflow run."""
        return {
            path: path.parent.relative_to(self.folder).as_posix().removeprefix(".")
            for path in sorted(self.folder.rglob("*"))
            if path.is_file()
        }


def probabilities(scores: np.ndarray) -> np.ndarray:
    """Return class scores, float (N, 10), divided by their row's sum (a sigmoid head's need it)."""
    scores = scores.astype(np.float64)
    return (scores / scores.sum(axis=1, keepdims=True)).astype(np.float32)


def write(model, folder: Path) -> Predictions:
    """Predict the test images and write the submission, the score and the figures.

    Args:
        model: a Keras model that takes uint8 (batch, 28, 28).
        folder: where to; it holds submission.csv, probabilities.npy, metrics.json,
            predictions.csv, per_class.csv and figures/. Without held-out labels the last three
            are empty.

    Raises:
        InputError: an input is missing, or does not fit the others.
    """
    images = dataset.load(paths.TEST)["images"]
    read_csv.submission(paths.SAMPLE_SUBMISSION_CSV, len(images))  # asks for these very ids
    labels = read_csv.solution(paths.SOLUTION_CSV, len(images))
    output = probabilities(model.predict(batches.evaluation_batches(images), verbose=0))
    predicted = output.argmax(axis=1)

    files = Predictions(folder, folder / paths.SUBMISSION, {})
    with atomic_write.writing(folder) as [aside]:
        aside.mkdir()
        write_csv.submission(aside / paths.SUBMISSION, predicted.astype(np.uint8))
        np.save(aside / paths.PROBABILITIES, output)
        (aside / "figures").mkdir()
        pairs = pd.DataFrame({"actual": [], "predicted": []})
        table = pd.DataFrame()
        if labels is not None:
            files.scores.update(scoring.score(labels, predicted))
            pairs = pd.DataFrame({"actual": labels, "predicted": predicted})
            table = scoring.per_class(labels, predicted)
            worst = scoring.most_confident_errors(labels, output)
            figures.save(
                figures.confusion_matrix(labels, predicted),
                aside / "figures" / "confusion_matrix.png",
            )
            figures.save(
                figures.confident_errors(images[worst], labels[worst], output[worst]),
                aside / "figures" / "confident_errors.png",
            )
        pairs.to_csv(aside / paths.PREDICTED, index=False)
        table.to_csv(aside / "per_class.csv", index=False)
        (aside / "metrics.json").write_text(json.dumps(files.scores, indent=2) + "\n")
    return files

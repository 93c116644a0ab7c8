"""A model's predictions of the test images: the submission and, if possible, its score."""

import json
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import pandas as pd

from src.core import paths
from src.core.atomic_write import writing
from src.data import provenance, read_csv, write_csv
from src.evaluation import scoring
from src.training import batches


@dataclass(frozen=True)
class Predictions:
    """The folder and the submission that were written, and the score, empty if not known."""

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


def held_out_labels(images: int) -> np.ndarray | None:
    """Return the labels of so many test images, uint8 (N,), or None if they are not known.

    Raises:
        InputError: sample_submission.csv or solution.csv is missing, is not the one that fetch
            wrote, or is not of these images.
    """
    provenance.verify(paths.SAMPLE_SUBMISSION_CSV, paths.SOLUTION_CSV)
    read_csv.submission(paths.SAMPLE_SUBMISSION_CSV, images)  # asks for these very IDs
    return read_csv.solution(paths.SOLUTION_CSV, images)


def write(
    model: keras.Model, images: np.ndarray, labels: np.ndarray | None, folder: Path
) -> Predictions:
    """Predict test images and write the submission, the score and the figures, all or none.

    Args:
        model: takes uint8 (batch, 28, 28).
        images: uint8 (N, 28, 28).
        labels: `held_out_labels`.
        folder: for submission.csv, probabilities.npy, metrics.json, predictions.csv, per_class.csv
            and figures/; the last four are empty if the labels are not known.
    """
    output = predict(model, images)
    scores = {} if labels is None else scoring.score(labels, output.argmax(axis=1))
    with writing(folder) as [temporary]:
        _write(temporary, images, labels, output, scores)
    return Predictions(folder, folder / paths.SUBMISSION, scores)


def predict(model: keras.Model, images: np.ndarray) -> np.ndarray:
    """Return the class probabilities of images, float32 (N, 10)."""
    return probabilities(model.predict(batches.evaluation_batches(images), verbose=0))


def probabilities(scores: np.ndarray) -> np.ndarray:
    """Return class scores, float (N, 10), divided by their row's sum (a sigmoid head's need it)."""
    scores = scores.astype(np.float64)
    return (scores / scores.sum(axis=1, keepdims=True)).astype(np.float32)


def _write(
    folder: Path,
    images: np.ndarray,
    labels: np.ndarray | None,
    output: np.ndarray,
    scores: dict[str, float],
) -> None:
    from src.evaluation import figures  # Matplotlib: a run imports it during the training

    predicted = output.argmax(axis=1)
    figures_folder = folder / "figures"
    figures_folder.mkdir(parents=True)
    write_csv.submission(folder / paths.SUBMISSION, predicted.astype(np.uint8))
    np.save(folder / paths.PROBABILITIES, output)
    pairs, table = pd.DataFrame({"actual": [], "predicted": []}), pd.DataFrame()
    if labels is not None:
        pairs = pd.DataFrame({"actual": labels, "predicted": predicted})
        table = scoring.per_class(labels, predicted)
        worst = scoring.most_confident_errors(labels, output)
        confusion = figures.confusion_matrix(labels, predicted)
        errors = figures.confident_errors(images[worst], labels[worst], output[worst])
        figures.save(confusion, figures_folder / "confusion_matrix.png")
        figures.save(errors, figures_folder / "confident_errors.png")
    pairs.to_csv(folder / paths.PREDICTED, index=False)
    table.to_csv(folder / "per_class.csv", index=False)
    compared = {name: scores[name] for name in scoring.COMPARED if name in scores}
    (folder / paths.METRICS).write_text(json.dumps(compared, indent=2) + "\n")

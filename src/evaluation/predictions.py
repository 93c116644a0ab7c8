"""A model's predictions of the test images: the submission and, if possible, its score."""

import json
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np
import pandas as pd

from src.core import paths
from src.core.atomic_write import writing
from src.data import write_csv
from src.evaluation import scoring
from src.training import batches


class Predictions(NamedTuple):
    """The folder and the submission that were written, and the score, empty if not known."""

    folder: Path
    submission: Path | None  # None for other test images than those of test.csv
    scores: dict[str, float]

    @property
    def artifacts(self) -> dict[Path, str]:
        """Every file, with its folder inside the MLflow run."""
        files = sorted(path for path in self.folder.rglob("*") if path.is_file())
        return {path: str(path.parent.relative_to(self.folder)).removeprefix(".") for path in files}


def write(
    model: keras.Model,
    images: np.ndarray,
    labels: np.ndarray | None,
    folder: Path,
    *,
    submission: bool = True,
) -> Predictions:
    """Predict test images, uint8 (N, 28, 28), and write all of submission.csv, probabilities.npy,
    metrics.json, predictions.csv, per_class.csv and figures/, or none. Without the labels,
    uint8 (N,), the last four are empty. `submission` is whether the images are those of test.csv:
    for others there is no submission.csv.
    """
    from src.evaluation import figures  # Matplotlib: a run imports it during the training

    output = probabilities(model.predict(batches.evaluation_batches(images), verbose=0))
    predicted, scores, drawn = output.argmax(axis=1), {}, {}
    pairs, table = pd.DataFrame({"actual": [], "predicted": []}), pd.DataFrame()
    if labels is not None:
        scores = scoring.score(labels, predicted)
        pairs = pd.DataFrame({"actual": labels, "predicted": predicted})
        table = scoring.per_class(labels, predicted)
        worst = scoring.most_confident_errors(labels, output)
        errors = figures.confident_errors(images[worst], labels[worst], output[worst])
        confusion = figures.confusion_matrix(labels, predicted)
        drawn = {"confusion_matrix": confusion, "confident_errors": errors}
    compared = {name: value for name, value in scores.items() if name not in scoring.BOUNDS}
    with writing(folder) as [temporary]:
        (temporary / "figures").mkdir(parents=True)
        if submission:
            write_csv.submission(temporary / paths.SUBMISSION, predicted.astype(np.uint8))
        np.save(temporary / paths.PROBABILITIES, output)
        (temporary / paths.METRICS).write_text(json.dumps(compared, indent=2) + "\n")
        pairs.to_csv(temporary / paths.PREDICTED, index=False)
        table.to_csv(temporary / "per_class.csv", index=False)
        for name, figure in drawn.items():
            figures.save(figure, temporary / "figures" / f"{name}.png")
    return Predictions(folder, folder / paths.SUBMISSION if submission else None, scores)


def probabilities(scores: np.ndarray) -> np.ndarray:
    """Return class scores, float (N, 10), divided by their row's sum (a sigmoid head's need it)."""
    scores = scores.astype(np.float64)
    return (scores / scores.sum(axis=1, keepdims=True)).astype(np.float32)

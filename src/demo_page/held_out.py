"""The held-out images for the page, and the most confident errors of its models."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from src.core import paths
from src.core.errors import InputError
from src.data import dataset
from src.data.digits import SIDE
from src.demo_page.readers import Reader
from src.evaluation import scoring

ERRORS = 12  # on the page


@dataclass(frozen=True)
class Mistake:
    """An error: an image, by its number and label, and a model's answer with its probability."""

    number: int
    label: int
    reader: str
    predicted: int
    probability: float


@dataclass(frozen=True)
class HeldOutImages:
    """Images, uint8 (N, 28, 28), their labels, uint8 (N,), if known, and mistakes in them."""

    images: np.ndarray
    labels: np.ndarray | None = None
    mistakes: list[Mistake] = field(default_factory=list)


def load(client: MlflowClient, readers: Sequence[Reader]) -> HeldOutImages:
    """Return the test images in data/processed, if any, and their most confident errors among the
    models, one for each image, from the files of each run that was scored on the same data.
    """
    try:
        images = dataset.load(paths.TEST)["images"]
        digest = dataset.load_description().digest
    except InputError:  # the page works without them
        return HeldOutImages(np.zeros((0, SIDE, SIDE), np.uint8))
    labels, found = None, []
    for reader in readers:
        alike = reader.run.data.tags.get("data_digest") == digest
        scored = _scored(client, reader.run.info.run_id) if alike else None
        if scored is None or len(scored[0]) != len(images):
            continue
        labels, output = scored
        for number in scoring.most_confident_errors(labels, output, ERRORS).tolist():
            best, label = int(output[number].argmax()), int(labels[number])
            found.append(Mistake(number, label, reader.name, best, float(output[number, best])))
    worst: dict[int, Mistake] = {}
    for mistake in sorted(found, key=lambda one: -one.probability):
        worst.setdefault(mistake.number, mistake)
    return HeldOutImages(images, labels, list(worst.values())[:ERRORS])


def _scored(client: MlflowClient, run_id: str) -> tuple[np.ndarray, np.ndarray] | None:
    """Return the labels and the class probabilities that a run logged, if it has them."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            table = client.download_artifacts(run_id, paths.PREDICTED, folder)
            output = client.download_artifacts(run_id, paths.PROBABILITIES, folder)
            return pd.read_csv(table)["actual"].to_numpy(np.uint8), np.load(output)
        except (MlflowException, OSError, ValueError, KeyError):
            return None

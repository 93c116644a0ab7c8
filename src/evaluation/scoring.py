"""Scores of predictions on the held-out labels, which nothing else may read."""

import numpy as np
import pandas as pd

from src.core import metric_names
from src.data.digits import CLASSES
from src.evaluation import wilson

# They would only fill DVC's table.
BOUNDS = (metric_names.TEST_ACCURACY_LOW, metric_names.TEST_ACCURACY_HIGH)


def score(labels: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
    """Return the scores, with Wilson's 95% interval, of true and predicted digits, ints (N,)."""
    count, right = len(labels), int((labels == predicted).sum())
    return {
        metric_names.TEST_ACCURACY: right / count,
        **dict(zip(BOUNDS, wilson.interval(right, count), strict=True)),
        metric_names.TEST_ERROR_PERCENT: 100 * (count - right) / count,
        metric_names.TEST_ERRORS: count - right,
        metric_names.TEST_IMAGES: count,
    }


def per_class(labels: np.ndarray, predicted: np.ndarray) -> pd.DataFrame:
    """Return precision, recall, F1 (each 0 where undefined), images and errors of each digit."""
    support = np.bincount(labels, minlength=CLASSES)
    taken_for = np.bincount(predicted, minlength=CLASSES)
    right = np.bincount(labels[labels == predicted], minlength=CLASSES)
    return pd.DataFrame(
        {
            "label": range(CLASSES),
            "images": support,
            "errors": support - right,
            "precision": right / np.maximum(taken_for, 1),
            "recall": right / np.maximum(support, 1),
            "f1": 2 * right / np.maximum(support + taken_for, 1),
        }
    ).round(6)


def most_confident_errors(labels: np.ndarray, output: np.ndarray, count: int = 12) -> np.ndarray:
    """Return the positions of wrong predictions, the most probable first, integers (≤ count,), from
    true digits, integers (N,), and class probabilities, float (N, 10).
    """
    wrong = np.flatnonzero(output.argmax(axis=1) != labels)
    order = np.argsort(-output[wrong].max(axis=1), kind="stable")
    return wrong[order[:count]]

"""How good predictions are on the held-out labels. Nothing else may read those."""

import numpy as np
import pandas as pd
from scipy.stats import binomtest
from sklearn.metrics import precision_recall_fscore_support

from src.runtime import metric_names


def score(labels: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
    """Return accuracy, its 95% Wilson interval, and the count of errors.

    Args:
        labels: true digits, integers (N,).
        predicted: predicted digits, integers (N,).
    """
    count = len(labels)
    right = int((labels == predicted).sum())
    low, high = binomtest(right, count).proportion_ci(method="wilson")  # 95% by default
    return {
        metric_names.TEST_ACCURACY: right / count,
        metric_names.TEST_ACCURACY_LOW: float(low),
        metric_names.TEST_ACCURACY_HIGH: float(high),
        metric_names.TEST_ERRORS: count - right,
        metric_names.TEST_IMAGES: count,
    }


def per_class(labels: np.ndarray, predicted: np.ndarray) -> pd.DataFrame:
    """Return precision, recall, F1 and the counts of images and errors for each digit."""
    classes = np.arange(10)
    precision, recall, f1, support = precision_recall_fscore_support(
        labels, predicted, labels=classes, zero_division=0
    )
    errors = [int(((labels == digit) & (predicted != digit)).sum()) for digit in classes]
    return pd.DataFrame(
        {
            "label": classes,
            "images": support,
            "errors": errors,
            "precision": precision.round(6),
            "recall": recall.round(6),
            "f1": f1.round(6),
        }
    )


def most_confident_errors(
    labels: np.ndarray, probabilities: np.ndarray, count: int = 12
) -> np.ndarray:
    """Return the positions of the wrong predictions, the most probable first, integers (≤ count,).

    Args:
        labels: true digits, integers (N,).
        probabilities: float (N, 10), each row sums to 1.
        count: how many at the most.
    """
    wrong = np.flatnonzero(probabilities.argmax(axis=1) != labels)
    order = np.argsort(-probabilities[wrong].max(axis=1), kind="stable")
    return wrong[order[:count]]

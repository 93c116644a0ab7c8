"""What runs of several seeds show beside their accuracy: calibration, shared errors, speed.

Most functions take `correct`, bool (seeds, images): whether the run of a seed got an image right.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.spatial.distance import pdist, squareform

from src.evidence.statistics import Estimate, check_seeds, majority, mean_over_seeds
from src.runtime.errors import InputError


@dataclass(frozen=True)
class Reliability:
    """How often predictions of a confidence are right.

    Attributes:
        edges: float (bins + 1,), of the confidence; a bin holds its upper edge.
        confidence: mean in each bin, float (bins,); NaN where a bin is empty.
        accuracy: share of right predictions in each bin, float (bins,); NaN where it is empty.
        count: predictions in each bin, integers (bins,).
    """

    edges: np.ndarray
    confidence: np.ndarray
    accuracy: np.ndarray
    count: np.ndarray

    @property
    def expected_calibration_error(self) -> float:
        """Mean distance between confidence and accuracy, weighted by the bins' counts."""
        gaps = np.nan_to_num(np.abs(self.accuracy - self.confidence))
        return float(np.average(gaps, weights=self.count))


def reliability(probabilities: np.ndarray, labels: np.ndarray, bins: int = 15) -> Reliability:
    """Return the reliability curve of one run, or of several taken together.

    Runs that are taken together may hide each other's errors: for a mean calibration error over
    seeds, call this once a seed.

    Args:
        probabilities: float (images, classes) or (seeds, images, classes); rows sum to 1.
        labels: true classes, integers (images,).
        bins: how many, all equally wide.

    Reference:
        Guo and others, "On calibration of modern neural networks", ICML 2017.
    """
    confidence = probabilities.max(axis=-1).astype(np.float64)
    right = probabilities.argmax(axis=-1) == labels
    edges = np.linspace(0, 1, bins + 1)
    inside = np.searchsorted(edges[1:-1], confidence.ravel())
    count = np.bincount(inside, minlength=bins)
    with np.errstate(invalid="ignore"):  # 0 / 0 of an empty bin is NaN
        return Reliability(
            edges=edges,
            confidence=np.bincount(inside, confidence.ravel(), minlength=bins) / count,
            accuracy=np.bincount(inside, right.ravel(), minlength=bins) / count,
            count=count,
        )


def uniquely_misclassified(correct: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the images that one activation alone gets wrong, by the vote of its seeds.

    Args:
        correct: for each activation bool (seeds, images).

    Returns:
        For each activation the images' positions, integers (≤ images,): first those where its share
        of wrong seeds is farthest above the mean of the others'.
    """
    names = list(correct)
    shares = np.array([1 - correct[name].mean(axis=0) for name in names])
    wrong = np.array([~majority(correct[name]) for name in names])
    alone = wrong & (wrong.sum(axis=0) == 1)
    ahead = shares - (shares.sum(axis=0) - shares) / (len(names) - 1)
    return {
        name: np.flatnonzero(alone[i])[np.argsort(-ahead[i, alone[i]], kind="stable")]
        for i, name in enumerate(names)
    }


def error_overlap(correct: Mapping[str, np.ndarray]) -> np.ndarray:
    """Return how much the errors of two runs overlap, by the activations of the two.

    The overlap is Jaccard's index: the images that both get wrong, over those that at least one
    does. It is averaged over all pairs of runs with different seeds. So the diagonal shows how much
    the seed alone changes, and an activation changes something where its row is below that.

    Args:
        correct: for each activation bool (seeds, images), all of one shape.

    Returns:
        Float (activations, activations), symmetric, in the order of the mapping.

    Raises:
        InputError: fewer than two seeds.
    """
    wrong = ~np.stack(list(correct.values()))
    activations, seeds, images = wrong.shape
    check_seeds(seeds)
    overlap = 1 - squareform(pdist(wrong.reshape(-1, images), "jaccard"))
    overlap = overlap.reshape(activations, seeds, activations, seeds)
    other_seed = ~np.eye(seeds, dtype=bool)
    return overlap.transpose(0, 2, 1, 3)[:, :, other_seed].mean(axis=-1)


def epochs_to(val_accuracy: np.ndarray, threshold: float = 0.99) -> np.ndarray:
    """Return the first epoch, from 1, that reaches a validation accuracy; NaN if none does.

    Args:
        val_accuracy: float (runs, epochs); NaN where a run has no such epoch.
        threshold: the accuracy to reach, a fraction.

    Returns:
        Float (runs,).
    """
    reached = val_accuracy >= threshold
    return np.where(reached.any(axis=1), reached.argmax(axis=1) + 1.0, np.nan)


def time_ratio(seconds: np.ndarray, reference: np.ndarray) -> Estimate:
    """Return how many times as long an epoch takes as with a reference activation.

    The ratio is that of geometric means over seeds, with Student's t interval on the logarithms of
    the ratios within the seeds: the load of the machine at a seed's hour cancels if its runs were
    neighbours. A run counts by its median epoch (see `median_epochs`).

    Args:
        seconds: of training, float (seeds, epochs); NaN where a run has no such epoch.
        reference: the same of the reference, with the same seeds; epochs may differ in number.

    Raises:
        InputError: fewer than two seeds, different counts of seeds, or a run of one epoch.
    """
    check_seeds(len(seconds))
    if len(seconds) != len(reference):
        raise InputError(
            f"Times are compared seed by seed: found {len(seconds)} runs, but {len(reference)} of "
            "the reference. Take the seeds that both have."
        )
    medians = median_epochs(seconds), median_epochs(reference)
    logs = mean_over_seeds(np.log(medians[0]) - np.log(medians[1]))
    return Estimate(*(float(np.exp(log)) for log in (logs.value, logs.low, logs.high)))


def median_epochs(seconds: np.ndarray) -> np.ndarray:
    """Return the median epoch of each run, float (seeds,), without the first, which compiles.

    Args:
        seconds: of training, float (seeds, epochs); NaN where a run has no such epoch.

    Raises:
        InputError: a run of one epoch.
    """
    later = seconds[:, 1:]
    if np.isnan(later).all(axis=1).any():
        raise InputError(
            "A time needs runs of at least 2 epochs, because the first one compiles and does not "
            "count: train with epochs=2 or more."
        )
    return np.nanmedian(later, axis=1)

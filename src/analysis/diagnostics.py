"""Measures of runs beyond their accuracy: calibration, shared errors, speed.

Most functions take `correct`, bool (seeds, images): whether the run of a seed classifies an image
correctly. Fewer than two seeds raise InputError.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats
from scipy.spatial.distance import pdist, squareform

from src.analysis.statistics import ALPHA, Estimate, check_seeds, majority, mean_over_seeds
from src.core.errors import InputError


@dataclass(frozen=True)
class Reliability:
    """The accuracy of predictions by confidence, in bins that include their upper edge."""

    edges: np.ndarray  # float (bins + 1,)
    confidence: np.ndarray  # mean of each bin, float (bins,); NaN where a bin is empty
    accuracy: np.ndarray  # likewise
    count: np.ndarray  # predictions in each bin, integers (bins,)

    @property
    def expected_calibration_error(self) -> float:
        """Mean absolute gap between confidence and accuracy, weighted by the bins' counts."""
        gaps = np.nan_to_num(np.abs(self.accuracy - self.confidence))
        return float(np.average(gaps, weights=self.count))

    @property
    def mean_confidence(self) -> float:
        """The mean over all predictions."""
        return float(np.nansum(self.confidence * self.count) / self.count.sum())


def pooled(curves: Sequence[Reliability]) -> Reliability:
    """Return the reliability curve of the predictions of several runs together.

    They may cancel each other's miscalibration: a mean calibration error is that over the runs.
    """
    count = np.sum([one.count for one in curves], axis=0)

    def mean(values: list[np.ndarray]) -> np.ndarray:
        sums = [np.nan_to_num(of) * one.count for of, one in zip(values, curves, strict=True)]
        with np.errstate(invalid="ignore"):  # 0 / 0 of an empty bin is NaN
            return np.sum(sums, axis=0) / count

    confidence, accuracy = [one.confidence for one in curves], [one.accuracy for one in curves]
    return Reliability(curves[0].edges, mean(confidence), mean(accuracy), count)


def reliability(probabilities: np.ndarray, labels: np.ndarray, bins: int = 15) -> Reliability:
    """Return the reliability curve of a run, in bins of equal width.

    `probabilities` are float (images, classes), their rows sum to 1; `labels` are the true classes,
    integers (images,).

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
    """Return the positions of the images that one level alone misclassifies, by majority vote of
    its seeds, integers (≤ images,): those first where its share of wrong seeds exceeds the mean of
    the others' most.
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
    """Return how much the errors of two runs overlap, by the levels of the two in the order of the
    mapping, float (levels, levels), symmetric.

    The overlap is the Jaccard index: the images that both misclassify, divided by those that at
    least one does, averaged over all pairs of runs with different seeds. So the diagonal shows what
    the seed alone changes; a level changes more where its row is below the diagonal.
    """
    wrong = ~np.stack(list(correct.values()))
    levels, seeds, images = wrong.shape
    check_seeds(seeds)
    overlap = 1 - squareform(pdist(wrong.reshape(-1, images), "jaccard"))
    by_level = overlap.reshape(levels, seeds, levels, seeds).transpose(0, 2, 1, 3)
    return by_level[:, :, ~np.eye(seeds, dtype=bool)].mean(axis=-1)


def seed_effect(correct: Mapping[str, np.ndarray]) -> Estimate | None:
    """Return the variance of the number of errors over seeds, divided by its value if each image
    were a coin flip of its own, Σ p(1 − p) over the images; None if no image is contested.

    It is 1 if which seed a run has says nothing about its accuracy on other images: the best of
    several seeds is then no better than the others. p is estimated from the seeds without bias, and
    the ratio pooled over the levels. The interval is that of a variance with a χ² distribution, for
    new seeds on these images.

    Reference:
        Jordan, "On the variance of neural network training with respect to test sets and
        distributions", arXiv 2304.01910 (2023).
    """
    over_seeds = flips = 0.0
    for rows in correct.values():
        check_seeds(len(rows))
        over_seeds += rows.sum(axis=1).var(ddof=1)
        flips += rows.var(axis=0, ddof=1).sum()
    if not flips:
        return None
    freedom = sum(len(rows) - 1 for rows in correct.values())
    bounds = stats.chi2.ppf([1 - ALPHA / 2, ALPHA / 2], freedom) / freedom
    ratio = float(over_seeds / flips)
    return Estimate(ratio, float(ratio / bounds[0]), float(ratio / bounds[1]))


def epochs_to(val_accuracy: np.ndarray, threshold: float = 0.99) -> np.ndarray:
    """Return the first epoch, counted from 1, that reaches a validation accuracy, float (runs,);
    NaN if none does. `val_accuracy` is float (runs, epochs); NaN where a run has no such epoch.
    """
    reached = val_accuracy >= threshold
    return np.where(reached.any(axis=1), reached.argmax(axis=1) + 1.0, np.nan)


def time_ratio(seconds: np.ndarray, reference: np.ndarray) -> Estimate:
    """Return the ratio of a level's time per epoch to that of a reference with the same seeds, both
    as for `median_epochs`: the geometric mean, over seeds, with Student's t interval on logarithms.
    The load of the machine cancels out if the runs of a seed were neighbors in time.
    """
    logs = mean_over_seeds(np.log(median_epochs(seconds)) - np.log(median_epochs(reference)))
    return Estimate(*(float(np.exp(log)) for log in (logs.value, logs.low, logs.high)))


def median_epochs(seconds: np.ndarray) -> np.ndarray:
    """Return the seconds of each run's median epoch, float (seeds,), without the first, which
    compiles. `seconds` is float (seeds, epochs); NaN where a run has no such epoch. Raise
    InputError if a run has one epoch only.
    """
    later = seconds[:, 1:]
    if np.isnan(later).all(axis=1).any():
        raise InputError(
            "Times need runs of at least 2 epochs because the first, which compiles, does not "
            "count: train with epochs=2 or more."
        )
    return np.nanmedian(later, axis=1)

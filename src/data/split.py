"""The division of the images into training, validation and test images."""

import math
from collections.abc import Mapping

import numpy as np

from src.core import paths
from src.core.errors import InputError
from src.data.digits import CLASSES

REMEDY = "fetch a train.csv with more images."

Part = dict[str, np.ndarray]  # `images`, uint8 (N, 28, 28), and `labels`, uint8 (N,)


def by_fraction(labels: np.ndarray, fraction: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the indices of the training and of the validation images (a fraction), stratified by
    the labels, uint8 (N,). Raise InputError if a class has too few images to be in both parts.
    """
    counts = np.bincount(labels, minlength=CLASSES)
    present = np.count_nonzero(counts)
    for digit in np.flatnonzero(counts == 1):
        raise InputError(
            f"{paths.TRAIN_CSV} has 1 image of class {digit}, at least 2 expected, for training "
            f"and for validation: {REMEDY}"
        )
    held_back = math.ceil(fraction * len(labels))
    if min(held_back, len(labels) - held_back) < present:
        raise InputError(
            f"preprocess.valid_fraction={fraction} makes {len(labels) - held_back:,} training and "
            f"{held_back:,} validation images of the {len(labels):,} of {paths.TRAIN_CSV}, at "
            f"least {present} each expected, one of every class: change the fraction, or {REMEDY}"
        )
    return _split(labels, held_back, seed)


def anew(
    training: Mapping[str, np.ndarray], validation: Mapping[str, np.ndarray], seed: int
) -> tuple[Part, Part]:
    """Return training and validation arrays drawn anew by a seed from the union of both, each part
    of its old size; `Dataset.split_anew` describes them.
    """
    union = _union(training, validation)
    train, valid = _split(union["labels"], len(validation["labels"]), seed)
    return _part(union, train), _part(union, valid)


def all_anew(
    training: Mapping[str, np.ndarray],
    validation: Mapping[str, np.ndarray],
    test: Mapping[str, np.ndarray],
    seed: int,
) -> tuple[Part, Part, Part]:
    """Return training, validation and test arrays drawn anew by a seed from the union of the three,
    each part of its old size: the test images as fetch draws them, then the validation images as
    `anew` does; `Dataset.draw_anew` describes them. Raise InputError if a class has too few images
    to be in the first two.
    """
    union = _union(training, validation, test)
    order = np.random.RandomState(seed).permutation(len(union["labels"]))
    labelled, held_out = np.split(order, [-len(test["labels"])])
    ours = _part(union, labelled)
    counts = np.bincount(ours["labels"], minlength=CLASSES)
    for digit in np.unique(union["labels"]):
        if counts[digit] < 2:
            raise InputError(
                f"data_seed={seed} draws {counts[digit]} of the images of class {digit} for "
                "training and validation, at least 2 expected: use another seed, or fetch more "
                "images."
            )
    train, valid = _split(ours["labels"], len(validation["labels"]), seed)
    return _part(ours, train), _part(ours, valid), _part(union, held_out)


def _union(*parts: Mapping[str, np.ndarray]) -> Part:
    return {name: np.concatenate([part[name] for part in parts]) for name in ("images", "labels")}


def _part(arrays: Part, indices: np.ndarray) -> Part:
    return {name: array[indices] for name, array in arrays.items()}


def _split(labels: np.ndarray, held_back: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    # RandomState, because NumPy has frozen its stream.
    order = np.random.RandomState(seed).permutation(len(labels))
    is_valid = np.zeros(len(labels), bool)
    for label, number in enumerate(_stratified(np.bincount(labels, minlength=CLASSES), held_back)):
        is_valid[order[labels[order] == label][:number]] = True
    return order[~is_valid[order]], order[is_valid[order]]


def _stratified(counts: np.ndarray, total: int) -> np.ndarray:
    """Return each class's number of images, `total` in all: a share, but neither 0 nor all."""
    shares = total * counts / counts.sum()
    least, most = np.minimum(counts, 1), np.maximum(counts - 1, 0)
    numbers = np.clip(np.floor(shares).astype(int), least, most)
    while missing := np.sign(total - numbers.sum()):
        # One more, or one less, of the class that is farthest from its share.
        free = numbers < most if missing > 0 else numbers > least
        numbers[np.where(free, missing * (shares - numbers), -np.inf).argmax()] += missing
    return numbers

"""The split of the labelled images into training and validation images."""

import math
from collections.abc import Mapping

import numpy as np

from src.core import paths
from src.core.errors import InputError
from src.data.digits import CLASSES

REMEDY = "fetch a train.csv with more images."


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
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Return training and validation arrays, `images` and `labels`, drawn anew by a seed from the
    union of both, each part of its old size; `Dataset.split_anew` describes them.
    """
    union = {name: np.concatenate([training[name], validation[name]]) for name in training}
    parts = _split(union["labels"], len(validation["labels"]), seed)
    train, valid = ({name: array[part] for name, array in union.items()} for part in parts)
    return train, valid


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

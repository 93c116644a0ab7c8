"""Stage 2: check data/raw, and turn it into arrays of training, validation and test images.

    python -m src.preprocess

Reads the section `preprocess` of params.yaml. Writes to data/processed: train.npz and valid.npz
(images, labels), test.npz (images), dataset.json, and two figures.
"""

import json
import math
import sys
from collections.abc import Sequence
from dataclasses import asdict

import numpy as np

from src.config import compose
from src.data import digits, provenance, read_csv
from src.data.dataset import Dataset, digest
from src.data.digits import CLASSES
from src.runtime import errors, paths
from src.runtime.atomic_write import writing
from src.runtime.command_line import no_arguments
from src.runtime.errors import InputError

CLASS_BALANCE = paths.DATA_FIGURES / "class_balance.png"
SAMPLE_DIGITS = paths.DATA_FIGURES / "sample_digits.png"
REMEDY = "fetch a train.csv with more images."


def main(argv: Sequence[str] = ()) -> None:
    """Write data/processed, whole or not at all."""
    no_arguments("preprocess", str(__doc__), argv)
    cfg = compose.stage("preprocess")
    origin = provenance.verify(paths.TRAIN_CSV, paths.TEST_CSV, paths.SAMPLE_SUBMISSION_CSV)
    rows_train, rows_test = digits.LAYOUTS[origin.layout] or (None, None)
    images, labels = read_csv.train(paths.TRAIN_CSV, rows_train)
    test_images = read_csv.test(paths.TEST_CSV, rows_test)
    read_csv.submission(paths.SAMPLE_SUBMISSION_CSV, len(test_images))

    train, valid = split(labels, cfg.valid_fraction, cfg.seed)
    parts = {
        paths.TRAIN: {"images": images[train], "labels": labels[train]},
        paths.VALID: {"images": images[valid], "labels": labels[valid]},
        paths.TEST: {"images": test_images},
    }
    counts = {path.stem: len(arrays["images"]) for path, arrays in parts.items()}
    dataset = Dataset(f"{origin.source}-{origin.layout}", digest(parts), counts)

    from src.evaluation import figures

    per_class = [np.bincount(labels[part], minlength=CLASSES) for part in (train, valid)]
    # The description comes last: readers compare the arrays with it.
    with writing(*parts, CLASS_BALANCE, SAMPLE_DIGITS, paths.DATASET) as files:
        *archives, class_balance, sample_digits, description = files
        for file, arrays in zip(archives, parts.values(), strict=True):
            np.savez(file, **arrays)
        description.write_text(json.dumps(asdict(dataset), indent=2) + "\n")
        figures.save(figures.class_balance(*per_class), class_balance)
        figures.save(figures.sample_images(**parts[paths.TRAIN], seed=cfg.seed), sample_digits)
    print(
        f"{paths.PROCESSED}: {counts['train']:,} training, {counts['valid']:,} validation and "
        f"{counts['test']:,} test images of {dataset.name} ({dataset.digest[:12]})"
    )


def split(labels: np.ndarray, fraction: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the indices of the training and of the validation images, stratified by class.

    Args:
        labels: uint8 (N,).
        fraction: of the images, for validation.
        seed: of the random split.

    Returns:
        Two integer arrays, together (N,).

    Raises:
        InputError: a class has too few images to be in both parts.
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
    # RandomState, because NumPy has frozen its stream.
    order = np.random.RandomState(seed).permutation(len(labels))
    is_valid = np.zeros(len(labels), bool)
    for label, number in enumerate(_stratified(counts, held_back)):
        is_valid[order[labels[order] == label][:number]] = True
    return order[~is_valid[order]], order[is_valid[order]]


def _stratified(counts: np.ndarray, total: int) -> np.ndarray:
    """Return how many images of each class make `total`: its share, to a whole number, but at least
    one, and not all that there are.
    """
    shares = total * counts / counts.sum()
    least, most = np.minimum(counts, 1), np.maximum(counts - 1, 0)
    numbers = np.clip(np.floor(shares).astype(int), least, most)
    while missing := np.sign(total - numbers.sum()):
        # One more, or one less, of the class that is farthest from its share.
        free = numbers < most if missing > 0 else numbers > least
        numbers[np.where(free, missing * (shares - numbers), -np.inf).argmax()] += missing
    return numbers


if __name__ == "__main__":
    errors.run(lambda: main(sys.argv[1:]))

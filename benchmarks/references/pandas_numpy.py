"""The stages fetch and preprocess as a notebook would write them, with plain pandas and NumPy.

python -m benchmarks.references.pandas_numpy fetch FOLDER   MNIST's four IDX files in FOLDER
python -m benchmarks.references.pandas_numpy preprocess

It ends in the same CSVs and arrays as ours, but for the draw of the validation images, which it
makes without regard to their classes. It checks nothing: no digest of the files, no cell, no
column, no count of rows; it draws no figure and describes nothing.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

from src.core import errors, paths

ROWS = 42_000  # of train.csv
SEED = 2017  # of Kaggle's draw from the 70,000 images, as in params.yaml


def fetch(folder: Path, rows: int = ROWS, seed: int = SEED) -> None:
    """Write train.csv, test.csv, sample_submission.csv and solution.csv.

    Args:
        folder: with the four IDX files, not gzipped.
        rows: of train.csv; the others are for test.csv.
        seed: of the draw.
    """
    images, labels = (
        np.concatenate(
            [
                np.fromfile(folder / f"{part}-{kind}-ubyte", np.uint8, offset=header)
                for part in ("train", "t10k")
            ]
        )
        for kind, header in (("images-idx3", 16), ("labels-idx1", 8))
    )
    order = np.random.RandomState(seed).permutation(len(labels))
    images, labels = images.reshape(-1, 784)[order], labels[order]
    paths.RAW.mkdir(parents=True, exist_ok=True)
    frame = pd.DataFrame(images, columns=[f"pixel{number}" for number in range(784)])
    frame[rows:].to_csv(paths.TEST_CSV, index=False)
    frame = frame[:rows]
    frame.insert(0, "label", labels[:rows])
    frame.to_csv(paths.TRAIN_CSV, index=False)
    held_out = pd.DataFrame({"ImageId": range(1, len(labels) - rows + 1), "Label": labels[rows:]})
    held_out.to_csv(paths.SOLUTION_CSV, index=False)
    held_out.assign(Label=0).to_csv(paths.SAMPLE_SUBMISSION_CSV, index=False)


def preprocess() -> None:
    """Write train.npz, valid.npz (a tenth, drawn at random) and test.npz."""
    train, test = (
        pd.read_csv(path).to_numpy(np.uint8) for path in (paths.TRAIN_CSV, paths.TEST_CSV)
    )
    order = np.random.RandomState(2).permutation(len(train))
    labels, images = train[order, 0], train[order, 1:].reshape(-1, 28, 28)
    held = len(train) // 10
    paths.PROCESSED.mkdir(parents=True, exist_ok=True)
    np.savez(paths.TRAIN, images=images[held:], labels=labels[held:])
    np.savez(paths.VALID, images=images[:held], labels=labels[:held])
    np.savez(paths.TEST, images=test.reshape(-1, 28, 28))


def main() -> None:
    """Run one of the two."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.references.pandas_numpy",
        description="Fetch and preprocess with pandas and NumPy, without any check.",
    )
    stages = parser.add_subparsers(dest="stage", required=True)
    fetching = stages.add_parser("fetch", help="write the CSVs")
    fetching.add_argument("folder", type=Path, help="with MNIST's IDX files")
    stages.add_parser("preprocess", help="write the arrays")
    given = parser.parse_args()
    if given.stage == "fetch":
        fetch(given.folder)
    else:
        preprocess()


if __name__ == "__main__":
    errors.run(main)

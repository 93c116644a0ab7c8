"""Kaggle's submission file: `ImageId,Label`, an id from 1 and a digit per test image."""

from pathlib import Path

import numpy as np
import pandas as pd

from src import atomic
from src.errors import InputError

COLUMNS = ("ImageId", "Label")


def write(path: Path, labels: np.ndarray, sample: Path) -> None:
    """Write a submission after checking it against Kaggle's sample.

    Args:
        path: where to.
        labels: the predicted digits, integers (N,).
        sample: the competition's sample_submission.csv.

    Raises:
        InputError: the sample is missing, or has other columns, ids or rows.
    """
    if not sample.is_file():
        raise InputError(f"{sample} does not exist: run `dvc repro fetch` first.")
    ids = pd.Series(np.arange(1, len(labels) + 1))
    expected = pd.read_csv(sample)
    if tuple(expected.columns) != COLUMNS:
        raise InputError(
            f"{sample} has the columns {', '.join(expected.columns)}, expected "
            f"{', '.join(COLUMNS)}: run `dvc repro --force fetch` to fetch it anew."
        )
    if not expected["ImageId"].equals(ids):
        raise InputError(
            f"{sample} lists {len(expected):,} images, but the model predicted {len(labels):,}: "
            "the sample and the test images differ; run `dvc repro` to make both from one source."
        )
    with atomic.writing(path) as [aside]:
        pd.DataFrame({"ImageId": ids, "Label": labels}).to_csv(aside, index=False)

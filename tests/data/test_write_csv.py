import numpy as np
import pandas as pd
import pytest

from src.data import mirrors, write_csv


def frame(images, labels=None):
    table = pd.DataFrame(images.reshape(len(images), -1), columns=write_csv.PIXELS)
    if labels is not None:
        table.insert(0, "label", labels)
    return table


@pytest.mark.parametrize("labelled", [True, False])
def test_images_are_written_as_pandas_would(sample, tmp_path, labelled):
    images = sample[mirrors.TRAIN_IMAGES].copy()
    images[:3] = np.arange(3 * 784).reshape(3, 28, 28) % 256  # every byte, the last pixel too
    images = np.concatenate([images, images])  # more than are written at a time
    labels = np.arange(len(images), dtype=np.uint8) % 10 if labelled else None
    write_csv.images(tmp_path / "images.csv", images, labels)
    expected = frame(images, labels).to_csv(index=False, lineterminator="\n")
    assert (tmp_path / "images.csv").read_text() == expected


def test_a_submission_counts_from_one(tmp_path):
    write_csv.submission(tmp_path / "submission.csv", np.array([7, 0, 9], np.uint8))
    assert (tmp_path / "submission.csv").read_text() == "ImageId,Label\n1,7\n2,0\n3,9\n"

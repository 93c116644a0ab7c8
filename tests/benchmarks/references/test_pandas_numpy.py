import numpy as np
import pytest

from benchmarks import data_stages
from benchmarks.references import pandas_numpy
from src import fetch, preprocess
from src.core import paths
from src.data import dataset, mirrors, sources

CSVS = (paths.TRAIN_CSV, paths.TEST_CSV, paths.SAMPLE_SUBMISSION_CSV, paths.SOLUTION_CSV)


@pytest.fixture
def mirror(project, sample, monkeypatch):
    """A folder with the sample as IDX files, which our own fetch draws from, too."""
    monkeypatch.setattr(mirrors, "download", lambda name: (sample, "sample"))
    monkeypatch.setitem(sources.LAYOUTS, "kaggle", (500, 300))
    data_stages.make_mirror(project)
    return project


def arrays():
    train, valid, test = map(dataset.load, (paths.TRAIN, paths.VALID, paths.TEST))
    pairs = [
        (image.tobytes(), int(label))
        for part in (train, valid)
        for image, label in zip(part["images"], part["labels"], strict=True)
    ]
    return len(train["labels"]), sorted(pairs), test["images"]


def test_it_makes_the_same_csvs_and_images_as_ours_but_for_the_draw(mirror, words, monkeypatch):
    monkeypatch.setattr(pandas_numpy.fetch, "__defaults__", (500, pandas_numpy.SEED))
    fetch.main()
    csvs = [path.read_bytes() for path in CSVS]
    preprocess.main()
    ours = arrays()
    for line in (("fetch", str(mirror)), ("preprocess",)):
        words(*line)
        pandas_numpy.main()
    assert [path.read_bytes() for path in CSVS] == csvs
    theirs = arrays()
    assert theirs[:2] == ours[:2]
    np.testing.assert_array_equal(theirs[2], ours[2])

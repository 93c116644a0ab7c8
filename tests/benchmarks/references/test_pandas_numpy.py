import numpy as np
import pytest

from benchmarks import data_stages
from benchmarks.references import pandas_numpy
from src import fetch, preprocess
from src.data import dataset, mirrors, sources
from src.runtime import paths

CSVS = (paths.TRAIN_CSV, paths.TEST_CSV, paths.SAMPLE_SUBMISSION_CSV, paths.SOLUTION_CSV)


@pytest.fixture
def mirror(project, sample, monkeypatch):
    """A folder with the sample as IDX files, which our own fetch draws from, too."""
    monkeypatch.setattr(mirrors, "download", lambda name: (sample, "sample"))
    monkeypatch.setitem(sources.LAYOUTS, "kaggle", (500, 300))
    data_stages.make_mirror(project)
    return project


def test_it_fetches_the_same_csvs_as_ours(mirror):
    fetch.main()
    ours = [path.read_bytes() for path in CSVS]

    pandas_numpy.fetch(mirror, rows=500)

    assert [path.read_bytes() for path in CSVS] == ours


def test_it_makes_the_same_images_of_them_as_ours_but_for_the_draw(mirror):
    def arrays():
        train, valid, test = map(dataset.load, (paths.TRAIN, paths.VALID, paths.TEST))
        pairs = [
            (image.tobytes(), int(label))
            for part in (train, valid)
            for image, label in zip(part["images"], part["labels"], strict=True)
        ]
        return len(train["labels"]), sorted(pairs), test["images"]

    fetch.main()
    preprocess.main()
    ours = arrays()

    pandas_numpy.preprocess()

    theirs = arrays()
    assert theirs[:2] == ours[:2]
    np.testing.assert_array_equal(theirs[2], ours[2])


def test_its_stages_are_two_commands(mirror, words, monkeypatch):
    monkeypatch.setattr(pandas_numpy.fetch, "__defaults__", (500, pandas_numpy.SEED))
    for given in (("fetch", str(mirror)), ("preprocess",)):
        words(*given)
        pandas_numpy.main()

    counts = [len(dataset.load(path)["images"]) for path in (paths.TRAIN, paths.VALID, paths.TEST)]
    assert counts == [450, 50, 300]

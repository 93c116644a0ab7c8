import numpy as np

from benchmarks import data_stages
from benchmarks.references import pandas_numpy
from src import fetch, preprocess
from src.core import paths
from src.data import dataset, mirrors, sources

CSVS = (paths.TRAIN_CSV, paths.TEST_CSV, paths.SAMPLE_SUBMISSION_CSV, paths.SOLUTION_CSV)


def arrays():
    """Return the number of training images, all labelled images in one order, and the others."""
    train, valid, test = map(dataset.load, (paths.TRAIN, paths.VALID, paths.TEST))
    images = np.concatenate([train["images"], valid["images"]])
    labels = np.concatenate([train["labels"], valid["labels"]])
    pairs = sorted(zip(map(bytes, images), labels, strict=True))
    return len(train["labels"]), pairs, test["images"].tobytes()


def test_it_makes_the_same_csvs_and_images_as_ours_but_for_the_draw(
    project, sample, words, monkeypatch
):
    monkeypatch.setattr(mirrors, "download", lambda name: (sample, "sample"))
    monkeypatch.setitem(sources.LAYOUTS, "kaggle", (500, 300))
    monkeypatch.setattr(pandas_numpy.fetch, "__defaults__", (500, pandas_numpy.SEED))
    data_stages.make_mirror(project)
    fetch.main()
    csvs = [path.read_bytes() for path in CSVS]
    preprocess.main()
    ours = arrays()
    for line in (("fetch", str(project)), ("preprocess",)):
        words(*line)
        pandas_numpy.main()
    assert [path.read_bytes() for path in CSVS] == csvs
    assert arrays() == ours

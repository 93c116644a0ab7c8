import numpy as np

from benchmarks import cross_validation
from src.core import metric_names, paths
from src.data import dataset

TINY = "model=mlp model.units=[8] epochs=1 batch_size=64 augmentation=none precision=float32"


def test_all_labelled_images_count_once_and_each_fold_is_scored_on_its_own(processed):
    images, labels = cross_validation.labelled()
    expected = np.concatenate([dataset.load(path)["images"] for path in (paths.TRAIN, paths.VALID)])
    assert len(labels) == len(images)
    assert sorted(map(bytes, images)) == sorted(map(bytes, expected))
    found = cross_validation.score(TINY, 1, 3)
    assert 0 < found[metric_names.TEST_ERRORS] <= len(images) / 3
    assert found[metric_names.TRAIN_SECONDS] > 0

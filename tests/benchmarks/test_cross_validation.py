import numpy as np
import pytest
from rich.console import Console

from benchmarks import cross_validation
from src.data import dataset
from src.runtime import metric_names, paths
from src.runtime.errors import InputError
from src.training import batches

TINY = "model=mlp model.units=[8] epochs=1 batch_size=64 augmentation=none precision=float32"


def test_every_labelled_image_is_there_once_and_none_of_the_held_out_ones(processed):
    images, labels = cross_validation.labelled()
    counts = dataset.load_description().counts
    assert len(images) == len(labels) == counts["train"] + counts["valid"]
    known = np.concatenate([dataset.load(path)["images"] for path in (paths.TRAIN, paths.VALID)])
    assert sorted(map(bytes, images)) == sorted(map(bytes, known))


def test_a_recipe_is_scored_on_the_fold_that_it_was_not_trained_on(processed, monkeypatch):
    trained = []
    drawn = batches.training_batches

    def watch(images, labels, **settings):
        trained.append(images)
        return drawn(images, labels, **settings)

    monkeypatch.setattr(batches, "training_batches", watch)
    images, _ = cross_validation.labelled()
    found = cross_validation.score(TINY, 1, 3)
    assert 0 < found[metric_names.TEST_ERRORS] <= len(images) / 3
    assert found[metric_names.TRAIN_SECONDS] > 0
    held = np.arange(len(images)) % 3 == 1
    np.testing.assert_array_equal(trained[0], images[~held])


def test_the_table_sums_the_errors_of_all_folds():
    results = {
        "": [
            {metric_names.TEST_ERRORS: 3, metric_names.TRAIN_SECONDS: 2.0},
            {metric_names.TEST_ERRORS: 4, metric_names.TRAIN_SECONDS: 3.0},
        ]
    }
    console = Console(record=True, width=100)
    console.print(cross_validation.table(results, 1000))
    [row] = [line for line in console.export_text().splitlines() if "params.yaml" in line]
    assert row.split()[3:] == ["7", "3", "4", "0.700%", "2.5"]


def test_a_mistake_in_a_recipe_is_refused_before_anything_trains(processed, words):
    words(TINY, "epohcs=3")
    with pytest.raises(InputError, match="epohcs"):
        cross_validation.main()


def test_one_fold_is_refused(processed, words):
    words("", "--folds", "1")
    with pytest.raises(InputError, match="2 or more"):
        cross_validation.main()

import pytest

from benchmarks import time_to_accuracy, turns
from src.runtime import metric_names
from src.runtime.errors import InputError


def test_two_epochs_stand_for_all_without_the_first_that_compiles():
    assert time_to_accuracy.seconds([50.0, 2.0]) == 60.0
    assert time_to_accuracy.seconds([50.0, 2.0, 9.0, 3.0]) == 90.0


def test_a_whole_training_is_the_sum_of_its_epochs():
    assert time_to_accuracy.seconds([50.0] + [2.0] * 29) == 108.0


@pytest.mark.parametrize(("epochs", "accuracy"), [(2, None), (30, 0.9)])
def test_the_references_accuracy_counts_at_its_end_only(monkeypatch, epochs, accuracy):
    result = {metric_names.EPOCH_SECONDS: [1.0] * epochs, metric_names.TEST_ACCURACY: 0.9}
    monkeypatch.setattr(turns, "answer", lambda *words: result)

    training = time_to_accuracy.reference("notebook_2017", epochs, seed=1)

    assert training.accuracy == accuracy
    assert training.seconds == 30.0


def test_one_epoch_of_the_reference_is_refused(words):
    words("--reference-epochs", "1")

    with pytest.raises(InputError, match="must be 2 or more"):
        time_to_accuracy.main()

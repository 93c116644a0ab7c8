import pytest

from src.core import metric_names
from src.training.history import best_epoch, kept_epoch, summarize


def row(epoch, accuracy, seconds=1.0):
    return {
        metric_names.EPOCH: epoch,
        metric_names.VAL_ACCURACY: accuracy,
        metric_names.VAL_LOSS: 1 - accuracy,
        metric_names.EPOCH_SECONDS: seconds,
        metric_names.IMAGES_PER_SECOND: 100 / seconds,
    }


def history(*accuracies):
    return [row(number, accuracy) for number, accuracy in enumerate(accuracies, 1)]


@pytest.mark.parametrize(
    ("accuracies", "epoch"),
    [((0.5,), 1), ((0.5, 0.9, 0.7), 2), ((0.9, 0.5, 0.7), 1), ((0.5, 0.9, 0.9, 0.7), 3)],
)
def test_the_best_epoch_has_the_highest_validation_accuracy_and_is_the_later_of_equals(
    accuracies, epoch
):
    rows = history(*accuracies)
    assert best_epoch(rows) is rows[epoch - 1]


def test_the_epoch_whose_weights_are_kept_is_the_best_or_the_last():
    rows = history(0.5, 0.9, 0.7)
    assert kept_epoch(rows, restore_best_weights=True) is rows[1]
    assert kept_epoch(rows, restore_best_weights=False) is rows[2]


def test_the_summary_is_of_the_epoch_that_is_kept_and_its_medians_leave_out_the_first():
    history = [row(1, 0.5, 50.0), row(2, 0.75, 2.0), row(3, 0.625, 5.0), row(4, 0.5, 4.0)]
    last = summarize(history, restore_best_weights=False)
    assert last[metric_names.BEST_EPOCH] == 4
    assert last[metric_names.BEST_VAL_ACCURACY] == 0.5
    assert summarize(history, restore_best_weights=True) == {
        metric_names.BEST_EPOCH: 2,
        metric_names.BEST_VAL_ACCURACY: 0.75,
        metric_names.BEST_VAL_LOSS: 0.25,
        metric_names.MEDIAN_EPOCH_SECONDS: 4.0,
        metric_names.MEDIAN_IMAGES_PER_SECOND: 25.0,
        metric_names.TRAIN_SECONDS: 61.0,
    }


def test_the_summary_of_a_single_epoch_has_only_that_to_go_by():
    assert summarize([row(1, 0.5, 50.0)], True)[metric_names.MEDIAN_EPOCH_SECONDS] == 50.0

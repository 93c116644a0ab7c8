import pytest

from src.runtime import metric_names


def history(*accuracies):
    return [
        {
            metric_names.EPOCH: number,
            metric_names.VAL_ACCURACY: accuracy,
            metric_names.VAL_LOSS: -number,
        }
        for number, accuracy in enumerate(accuracies, 1)
    ]


@pytest.mark.parametrize(
    ("accuracies", "epoch"),
    [((0.5,), 1), ((0.5, 0.9, 0.7), 2), ((0.9, 0.5, 0.7), 1), ((0.5, 0.9, 0.9, 0.7), 3)],
)
def test_the_best_epoch_has_the_highest_validation_accuracy_and_is_the_later_of_equals(
    accuracies, epoch
):
    rows = history(*accuracies)
    assert metric_names.best(rows) is rows[epoch - 1]


def test_no_two_metrics_share_a_name():
    names = [value for key, value in vars(metric_names).items() if key.isupper()]
    assert len(set(names)) == len(names) > 15

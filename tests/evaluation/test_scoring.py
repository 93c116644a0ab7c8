import numpy as np
import pytest
from scipy.stats import binomtest
from sklearn.metrics import precision_recall_fscore_support

from src.core import metric_names
from src.evaluation import scoring, wilson


def test_a_score_has_the_accuracy_with_wilsons_interval_and_the_errors():
    found = scoring.score(np.where(np.arange(263) < 81, 0, 1), np.zeros(263, int))
    # Newcombe, "Two-sided confidence intervals for the single proportion: comparison of seven
    # methods", Statistics in Medicine 17 (1998), table I, method 3.
    assert found[metric_names.TEST_ACCURACY_LOW] == pytest.approx(0.2553, abs=5e-5)
    assert found[metric_names.TEST_ACCURACY_HIGH] == pytest.approx(0.3662, abs=5e-5)
    assert found[metric_names.TEST_ACCURACY] == 81 / 263
    assert found[metric_names.TEST_ERROR_PERCENT] == 100 * 182 / 263
    assert found[metric_names.TEST_ERRORS] == 182
    assert found[metric_names.TEST_IMAGES] == 263
    assert {type(value) for value in found.values()} == {int, float}  # which JSON can write


@pytest.mark.parametrize("count", [1, 7, 200, 28_000])
def test_the_interval_is_scipys(count):
    for right in {0, 1, count // 2, count - 1, count}:
        expected = tuple(binomtest(right, count).proportion_ci(method="wilson"))
        assert wilson.interval(right, count) == pytest.approx(expected, rel=0, abs=1e-12)


@pytest.mark.parametrize("classes", [2, 9, 10])
def test_each_class_has_what_scikit_learn_says(classes):
    draw = np.random.RandomState(classes)
    labels = draw.randint(0, classes, 1000).astype(np.uint8)
    predicted = np.where(draw.random_sample(1000) < 0.9, labels, draw.randint(0, 10, 1000))
    table = scoring.per_class(labels, predicted)
    expected = precision_recall_fscore_support(labels, predicted, labels=range(10), zero_division=0)
    for name, values in zip(("precision", "recall", "f1", "images"), expected, strict=True):
        np.testing.assert_allclose(table[name], values, atol=1e-6)
    wrong = np.bincount(labels[labels != predicted], minlength=10)
    assert table["errors"].tolist() == wrong.tolist()


def probabilities(*pairs):
    """Return a row for each (digit, its probability)."""
    rows = np.zeros((len(pairs), 10))
    for row, (digit, probability) in zip(rows, pairs, strict=True):
        row[:] = (1 - probability) / 9
        row[digit] = probability
    return rows


def test_the_most_probable_errors_come_first_equal_ones_in_order_and_right_answers_never():
    labels = np.array([1, 2, 3, 4, 5])
    given = probabilities((1, 0.99), (0, 0.6), (0, 0.9), (4, 0.2), (0, 0.7))
    assert scoring.most_confident_errors(labels, given).tolist() == [2, 4, 1]
    assert scoring.most_confident_errors(labels, given, count=2).tolist() == [2, 4]
    assert scoring.most_confident_errors(labels[:1], given[:1]).shape == (0,)
    given = probabilities(*[(0, 0.8)] * 20)
    found = scoring.most_confident_errors(np.ones(20, int), given)
    assert found.tolist() == list(range(12))

import numpy as np
import pytest
from scipy import stats
from sklearn.calibration import calibration_curve
from sklearn.metrics import jaccard_score

from src.analysis import diagnostics
from src.core.errors import InputError

# Time


def test_the_ratio_of_times_is_found_under_any_load():
    random = np.random.default_rng(12)
    load = random.lognormal(0, 1, (6, 1))  # of the hour in which a seed's runs were made
    reference = load * random.lognormal(0, 0.001, (6, 9))
    seconds = 1.3 * load * random.lognormal(0, 0.001, (6, 9))
    seconds[:, 0] += 1000  # compiles
    seconds[:, 4] *= 50  # somebody else's hour
    found = diagnostics.time_ratio(seconds, reference)
    assert found.value == pytest.approx(1.3, rel=1e-3)
    assert 1.29 < found.low < found.value < found.high < 1.31


def test_times_need_a_second_epoch():
    for reference in (np.ones((2, 1)), np.array([[1, 2, 2], [1, np.nan, np.nan]])):
        with pytest.raises(InputError, match="at least 2 epochs because the first, which compiles"):
            diagnostics.time_ratio(np.ones((2, 3)), reference)


def test_a_run_counts_by_its_median_epoch_without_the_first():
    seconds = np.array([[90.0, 2.0, 4.0, 3.0], [1.0, 5.0, 9.0, np.nan], [7.0, np.nan, 2.0, np.nan]])
    assert diagnostics.median_epochs(seconds).tolist() == [3, 7, 2]


@pytest.mark.parametrize(
    "function",
    [
        lambda: diagnostics.time_ratio(np.ones((1, 9)), np.ones((1, 9))),
        lambda: diagnostics.error_overlap({"relu": np.ones((1, 9), bool)}),
    ],
)
def test_one_seed_is_refused(function):
    with pytest.raises(InputError, match=r"^Found 1 seed, but the variance across seeds takes"):
        function()


def two_classes(confidence, right):
    """Return probabilities (N, 2) and labels of predictions with a given confidence."""
    confidence = np.asarray(confidence)
    return np.stack([confidence, 1 - confidence], axis=1), np.where(right, 0, 1)


def test_the_calibration_error_agrees_with_examples_worked_by_hand_and_a_bin_holds_its_upper_edge():
    confidence = [0.78, 0.64, 0.92, 0.58, 0.51, 0.85, 0.70, 0.63, 0.83]
    right = [True, True, False, True, False, True, True, False, True]
    found = diagnostics.reliability(*two_classes(confidence, right), bins=5)
    assert found.count.tolist() == [0, 0, 2, 4, 3]
    assert found.accuracy[2:] == pytest.approx([1 / 2, 3 / 4, 2 / 3])
    assert found.confidence[2:] == pytest.approx([0.545, 0.6875, 2.6 / 3])
    assert np.isnan(found.accuracy[:2]).all()
    assert found.expected_calibration_error == pytest.approx((0.09 + 0.25 + 0.6) / 9)
    found = diagnostics.reliability(*two_classes([0.8] * 4, [True, True, False, False]), bins=5)
    assert found.count.tolist() == [0, 0, 0, 4, 0]
    assert found.expected_calibration_error == pytest.approx(0.3)


def test_the_reliability_curve_is_scikit_learns():
    random = np.random.default_rng(14)
    probabilities = random.dirichlet(np.full(10, 0.2), 2000).astype(np.float32)
    labels = random.integers(0, 10, 2000).astype(np.uint8)
    found = diagnostics.reliability(probabilities, labels, bins=15)
    accuracy, confidence = calibration_curve(
        probabilities.argmax(1) == labels, probabilities.max(1), n_bins=15
    )
    filled = found.count > 0
    assert found.accuracy[filled] == pytest.approx(accuracy)
    assert found.confidence[filled] == pytest.approx(confidence, rel=1e-5)
    assert found.count.sum() == 2000


def test_the_curves_of_several_runs_are_pooled_to_that_of_all_predictions():
    random = np.random.default_rng(16)
    probabilities = random.dirichlet(np.ones(10), (3, 50))
    labels = random.integers(0, 10, 50)
    together = diagnostics.pooled([diagnostics.reliability(one, labels) for one in probabilities])
    laid_out = diagnostics.reliability(probabilities.reshape(150, 10), np.tile(labels, 3))
    assert together.count.tolist() == laid_out.count.tolist()
    assert 0 in together.count
    for name in ("edges", "confidence", "accuracy"):
        expected = pytest.approx(getattr(laid_out, name), nan_ok=True)
        assert getattr(together, name) == expected
    assert together.expected_calibration_error == pytest.approx(laid_out.expected_calibration_error)
    assert together.mean_confidence == pytest.approx(probabilities.max(axis=-1).mean())


def rights(*rows):
    """Return `correct` from rows of 1 and 0."""
    return np.array([[mark == "1" for mark in row] for row in rows])


def test_images_that_one_activation_alone_misclassifies_are_found_the_clearest_first():
    found = diagnostics.uniquely_misclassified(
        {
            "relu": rights("00111", "01111", "01011"),
            "swish": rights("11011", "11011", "11010"),
            "gelu": rights("01111", "01011", "01111"),
        }
    )
    # Image 0 is wrong with two activations, 1 and 4 with one seed of three.
    places = {name: images.tolist() for name, images in found.items()}
    assert places == {"relu": [], "swish": [2], "gelu": []}
    found = diagnostics.uniquely_misclassified(
        {"relu": rights("1010", "0010", "0000"), "swish": rights("1111", "1111", "0111")}
    )
    assert found["relu"].tolist() == [1, 3, 0]
    assert found["swish"].tolist() == []


def test_the_overlap_of_errors_is_jaccards_between_runs_of_different_seeds():
    random = np.random.default_rng(17)
    correct = {name: random.random((3, 40)) > 0.3 for name in ("relu", "swish")}
    found = diagnostics.error_overlap(correct)
    for row, first in enumerate(correct.values()):
        for column, second in enumerate(correct.values()):
            seeds = [(one, other) for one in range(3) for other in range(3) if one != other]
            scores = [jaccard_score(~first[one], ~second[other]) for one, other in seeds]
            assert found[row, column] == pytest.approx(np.mean(scores))
    assert found == pytest.approx(found.T)


def test_runs_without_errors_agree():
    perfect = np.ones((2, 5), bool)
    assert diagnostics.error_overlap({"a": perfect, "b": perfect}).tolist() == [[1, 1], [1, 1]]


def test_the_first_epoch_that_reaches_99_percent_counts_from_one():
    found = diagnostics.epochs_to(
        np.array(
            [[0.95, 0.99, 0.98], [0.992, 0.993, 0.994], [0.9, 0.98, 0.9899], [0.9, 0.991, np.nan]]
        )
    )
    assert found == pytest.approx([2, 1, np.nan, 2], nan_ok=True)


def flips(seed_sd):
    """Return `correct` of levels whose images are coin flips, but for an effect of the seed."""
    random = np.random.default_rng(18)
    chance = random.uniform(0.2, 0.8, (3, 1, 400)) + random.normal(0, seed_sd, (3, 40, 1))
    return dict(zip("abc", random.random((3, 40, 400)) < chance, strict=True))


def test_the_effect_of_the_seed_is_the_variance_of_the_errors_against_coin_flips():
    assert diagnostics.seed_effect(flips(0.0)).value == pytest.approx(1, abs=0.25)
    # By a seed's effect of 0.05, 400² · 0.05² is added to about 400 · (0.25 − 0.03).
    found = diagnostics.seed_effect(flips(0.05))
    assert found.value == pytest.approx(1 + 400 / 88, rel=0.25)
    low, high = 117 / stats.chi2.ppf([0.975, 0.025], 117)  # 3 levels with 39 degrees of freedom
    assert (found.low, found.high) == pytest.approx((found.value * low, found.value * high))
    assert found.low > 1
    assert diagnostics.seed_effect({"a": np.ones((5, 90), bool)}) is None

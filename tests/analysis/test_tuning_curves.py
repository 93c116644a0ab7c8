import numpy as np
import pytest
from scipy import stats

from src.analysis import tuning_curves
from src.core.errors import InputError


def test_of_a_sampler_that_learns_only_the_best_so_far_is_told():
    found = tuning_curves.curve(np.array([0.98, 0.97, 0.99]), "tpe")
    assert found.best_so_far.tolist() == [0.98, 0.98, 0.99]
    assert found.median is found.low is found.high is None


def test_a_failed_trial_has_spent_its_share():
    found = tuning_curves.curve(np.array([np.nan, 0.9]), "random")
    assert found.best_so_far.tolist() == [0.0, 0.9]
    assert found.median == pytest.approx([0.0, 0.9])


def test_without_a_trial_there_is_no_curve():
    with pytest.raises(InputError, match="at least one trial"):
        tuning_curves.curve(np.array([]), "random")


def test_the_probability_that_all_ranks_keep_their_bounds_is_exact_and_95_percent_in_the_band():
    # Kolmogorov's statistic: all ranks are within a constant of their steps.
    trials = 15
    rank = np.arange(1, trials + 1)
    for distance in (0.2, 0.3, 0.4):
        low = np.clip(rank / trials - distance, 0, 1)
        high = np.clip((rank - 1) / trials + distance, 0, 1)
        expected = stats.kstwo(trials).cdf(distance)
        assert tuning_curves.coverage(low, high) == pytest.approx(expected, abs=1e-9)
    for trials in (2, 12, 60):
        assert tuning_curves.coverage(*tuning_curves.band(trials)) == pytest.approx(0.95, abs=1e-4)


@pytest.mark.parametrize("trials", [5, 12])
def test_the_true_curve_lies_within_the_band_in_95_percent_of_searches(trials):
    random = np.random.default_rng(3)
    truth = 0.5 ** (1 / np.arange(1, trials + 1))  # of uniform scores

    def inside():
        found = tuning_curves.curve(random.random(trials), "random")
        return np.all((found.low <= truth) & (truth <= found.high))

    assert np.mean([inside() for _ in range(400)]) >= 0.95 - 3 * 0.011


def test_the_curve_lies_between_its_bounds_and_rises():
    found = tuning_curves.curve(np.random.default_rng(4).beta(50, 1, 40), "random")
    assert np.all(found.low <= found.median)
    assert np.all(found.median <= found.high)
    for line in (found.low, found.median, found.high):
        assert np.all(np.diff(line) >= 0)
    assert found.high[-1] == 1.0  # 40 trials cannot exclude better settings

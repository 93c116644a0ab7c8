import numpy as np
import pytest

from benchmarks import tuned_luck


def test_runs_have_their_true_accuracies_and_the_spread_over_seeds_that_the_docstring_says():
    random = np.random.default_rng(1)
    for accuracy in (0.9955, 0.9963):
        found = 1 - tuned_luck.errors_of(random, np.full(300, accuracy)).mean(axis=1)
        assert found.mean() == pytest.approx(accuracy, abs=0.00005)
        assert found.std() == pytest.approx(0.0002, abs=0.00004)


def test_the_winner_is_chosen_by_a_noisy_validation():
    random = np.random.default_rng(1)
    equal = tuned_luck.winners(random, 100, 0.0)
    assert equal.tolist() == [tuned_luck.ACCURACY] * 100
    apart = tuned_luck.winners(random, 2000, 0.0003)
    # The best of 12 would be 1.6 standard deviations above the mean if validation had no noise.
    assert 0.0001 < apart.mean() - tuned_luck.ACCURACY < 0.0003


def test_one_search_per_level_raises_false_alarms_and_one_per_seed_does_not():
    once, repeated = (
        tuned_luck.false_alarms(100, 0.0003, by_seed=by_seed) for by_seed in (False, True)
    )
    assert once > 0.4
    assert repeated < 0.12

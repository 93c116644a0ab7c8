import numpy as np
import pytest
from scipy import stats

from src.analysis import alpha_spending

LOOKS = (5, 10, 20, 30)


@pytest.mark.parametrize(
    ("looks", "bounds"),
    # Published bounds for equally spaced looks, two-sided 5%: R's gsDesign and ldbounds, spending
    # function of Lan and DeMets of the O'Brien–Fleming type.
    [
        (1, [1.960]),
        (2, [2.963, 1.969]),
        (3, [3.710, 2.511, 1.993]),
        (4, [4.333, 2.963, 2.359, 2.014]),
        (5, [4.877, 3.357, 2.680, 2.290, 2.031]),
    ],
)
def test_the_bounds_are_the_published_ones(looks, bounds):
    found = alpha_spending.levels(0.05, tuple(range(1, looks + 1)))
    assert stats.norm.isf(np.array(found) / 2) == pytest.approx(bounds, abs=6e-4)


def test_by_any_spending_function_the_bounds_are_the_published_ones():
    shares = np.arange(1, 6) / 5
    pocock = alpha_spending.levels_of(0.05 * np.log(1 + (np.e - 1) * shares), shares)
    # Lan and DeMets's table for five looks
    expected = [2.438, 2.427, 2.410, 2.397, 2.386]
    assert stats.norm.isf(np.array(pocock) / 2) == pytest.approx(expected, abs=6e-4)


def test_normal_studies_cross_a_bound_in_5_percent():
    random = np.random.default_rng(1)
    sums = random.normal(size=(200_000, 30)).cumsum(axis=1)[:, np.array(LOOKS) - 1]
    bounds = stats.norm.isf(np.array(alpha_spending.levels(0.05, LOOKS)) / 2)
    crossed = (np.abs(sums / np.sqrt(LOOKS)) > bounds).any(axis=1).mean()
    assert crossed == pytest.approx(0.05, abs=4 * 0.0005)


def test_the_last_look_spends_all_and_without_planned_looks_nothing_is_corrected():
    assert alpha_spending.spent(0.05, 1.0) == pytest.approx(0.05)
    assert alpha_spending.spent(0.05, 0.5) == pytest.approx(0.00305, abs=1e-5)  # gsDesign's sfLDOF
    assert alpha_spending.level(0.05, 7, ()) == 0.05
    assert alpha_spending.overall_p_value(0.03, 7, ()) == 0.03


def test_an_unplanned_look_is_one_more_and_there_is_none_after_the_last():
    planned = alpha_spending.levels(0.05, LOOKS)
    assert [alpha_spending.level(0.05, seeds, LOOKS) for seeds in LOOKS] == list(planned)
    between = alpha_spending.level(0.05, 15, LOOKS)
    assert between == alpha_spending.levels(0.05, (5, 10, 15, 30))[2] < planned[2]
    assert alpha_spending.level(0.05, 34, LOOKS) == planned[3]


@pytest.mark.parametrize("seeds", [5, 7, 10, 20, 30, 34])
def test_an_overall_p_value_is_significant_exactly_below_the_looks_level(seeds):
    level = alpha_spending.level(0.05, seeds, LOOKS)
    assert alpha_spending.overall_p_value(level, seeds, LOOKS) == pytest.approx(0.05, rel=1e-9)
    found = [alpha_spending.overall_p_value(p, seeds, LOOKS) for p in (0, 1e-15, 1e-4, 0.2, 1)]
    assert found == sorted(found)
    assert found[-1] == 1.0

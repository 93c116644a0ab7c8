from dataclasses import replace

import numpy as np
import pytest

from src.analysis import intervals, planning
from src.analysis.planning import Spread

EFFECT = 0.0002


def spread_of(levels=2, seed_sd=1.0, image_se=0.0, reference=None):
    """Return the variability of a pair of so many levels that vary alike."""
    random = np.random.default_rng(1)
    while True:
        family = intervals.family(intervals.from_runs(random.normal(size=(levels, 10))), reference)
        if family.every.is_alike == (levels > 2):
            break
    return Spread(family, 0.05, seed_sd**2, image_se**2, float(family.freedom[0]))


@pytest.mark.parametrize(
    ("effect", "seeds", "power"),
    [(1 / 3, 25, 0.360), (0.5, 33, 0.795), (0.5, 34, 0.808)],  # G*Power
)
def test_the_power_of_one_pair_on_these_images_is_that_of_the_paired_t_test(effect, seeds, power):
    from statsmodels.stats.power import TTestPower

    [found] = spread_of().power(np.array([seeds]), effect)
    assert found == pytest.approx(power, abs=1e-3)
    assert found == pytest.approx(TTestPower().power(effect, seeds, 0.05), abs=1e-3)


@pytest.mark.parametrize(
    ("difference", "seed_sd", "seeds"),
    # UCLA's and G*Power's examples: 5 pounds with a standard deviation of 5, and half of it
    [(5, 5, 10), (2.5, 5, 34)],
)
def test_the_seeds_needed_agree_with_published_examples(difference, seed_sd, seeds):
    assert spread_of(seed_sd=seed_sd).seeds_needed(difference) == seeds


@pytest.mark.parametrize(("levels", "reference"), [(2, None), (4, 0), (4, None)])
def test_the_detectable_effect_is_the_one_that_needs_these_seeds(levels, reference):
    for seeds, image_se in [(3, 0.0), (10, 0.0), (10, 0.0001)]:
        spread = spread_of(levels, 0.0003, image_se, reference)
        least = spread.detectable_effect(seeds)
        assert spread.power(np.array([seeds]), least) == pytest.approx(0.8)
        assert spread.seeds_needed(1.0001 * least) == seeds


@pytest.mark.parametrize(("levels", "seeds"), [(2, 6), (4, 8)])
@pytest.mark.parametrize("image_sd", [0.0, 0.9])
def test_the_detectable_effect_is_found_in_four_studies_of_five(levels, seeds, image_sd):
    random, images = np.random.default_rng(2017), 100
    seed_sd = np.sqrt(2 * (0.2**2 + 1 / images))
    planned = spread_of(levels, seed_sd, np.sqrt(2 / images) * image_sd, 0)
    truth = planned.detectable_effect(seeds)
    found = []
    while len(found) < 600:
        values = random.normal(0, 1, (levels, seeds, images))
        values += random.normal(0, 0.2, (levels, seeds, 1))
        values += random.normal(0, image_sd, (levels, 1, images))
        values[0] += truth
        family = intervals.family(intervals.from_correct(values), 0)
        if family.every.is_alike == (levels > 2):
            found.append(family.mean[0] > family.half_widths(0.05)[0])
    assert np.mean(found) == pytest.approx(0.8, abs=0.05)


def test_no_number_of_seeds_makes_up_for_too_few_images():
    few, enough = (spread_of(2, 0.0001, image_se) for image_se in (0.00008, 0.00006))
    assert few.seeds_needed(EFFECT) is None
    assert few.detectable_effect(10_000) > EFFECT
    assert planning.more_seeds(few, EFFECT / 2, 10, EFFECT) is None
    # Half of the interval is 1.96 standard errors, and may be half of the effect.
    needed = planning.images_needed(few, 1000, EFFECT)
    assert needed == pytest.approx(1000 * (1.96 * 0.8) ** 2, rel=1e-3)
    seeds = enough.seeds_needed(EFFECT)
    less, reached = enough.power(np.array([seeds - 1, seeds]), EFFECT)
    assert less < 0.8 <= reached
    constant = spread_of(seed_sd=0.0)
    assert (constant.seeds_needed(EFFECT), constant.detectable_effect(2)) == (2, 0)


def test_more_seeds_are_a_range_that_grows_with_the_spread_and_shrinks_with_the_effect():
    spread = spread_of()
    by_sd = [
        planning.more_seeds(replace(spread, seed_variance=sd**2), 0.0, 10, 1.0) for sd in (1, 2, 3)
    ]
    by_effect = [planning.more_seeds(spread, 0.0, 10, effect) for effect in (1.0, 0.5, 0.25)]
    for ranges in (by_sd, by_effect):
        assert all(low < high for low, high in ranges)
        for ends in zip(*ranges, strict=True):
            assert list(ends) == sorted(set(ends))
    known = planning.more_seeds(replace(spread, freedom=1e6), 0.0, 10, 0.5)
    assert by_effect[1][0] < known[0] <= known[1] < by_effect[1][1]


def test_the_upper_end_of_more_seeds_decides_about_80_percent_of_studies():
    random, outcomes = np.random.default_rng(4), []
    for truth in random.uniform(-2.5, 2.5, 400):  # in smallest effects
        runs = random.normal([[truth], [0.0]], 1.0, (2, 8))
        family = intervals.family(intervals.from_runs(runs))
        if is_decided(family):
            continue
        [variance], [freedom] = family.seed_variance, family.freedom
        spread = Spread(family, 0.05, variance, 0.0, freedom)
        if more := planning.more_seeds(spread, family.mean[0], 8, 1.0):
            new = random.normal([[truth], [0.0]], 1.0, (2, more[1]))
            grown = intervals.from_runs(np.concatenate([runs, new], axis=1))
            outcomes.append(is_decided(intervals.family(grown)))
    assert len(outcomes) > 200
    assert 0.75 < np.mean(outcomes) < 0.9


def is_decided(family):
    """Return whether the only interval lies within ± 1, or beyond."""
    mean, half = abs(family.mean[0]), family.half_widths(0.05)[0]
    return mean + half < 1 or mean - half > 1

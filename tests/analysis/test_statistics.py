from itertools import combinations

import numpy as np
import pytest
from scipy import stats

from src.analysis import statistics, verdicts
from src.analysis.verdicts import Verdict
from src.core.errors import InputError
from tests.support.simulated_runs import BOTH, IMAGES, NOISE, SEEDS, simulate

# Student, "The probable error of a mean", Biometrika 6 (1908): hours of sleep that ten patients
# gained by each of two drugs.
SLEEP = (
    np.array([0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0]),
    np.array([1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4]),
)

# Darwin's maize: crossed minus self-fertilized plants in eighths of an inch, from Fisher, "The
# design of experiments" (1935), who counted their sign changes in section 21.
MAIZE = np.array([49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48])

KINDS = pytest.mark.parametrize("kind", [NOISE, IMAGES, SEEDS, BOTH], ids=str)


def difference(random, seeds, kind, shift=0.0, **sizes):
    """Simulate two activations and return the difference (seeds, images) and its true mean."""
    (first, second), (right, other) = simulate(random, seeds, kind, (0.0, shift), **sizes)
    return first.astype(np.int8) - second, right - other


def share_of(studies, holds):
    """Return in what share of simulated studies something holds."""
    random = np.random.default_rng(2017)
    return np.mean([holds(random) for _ in range(studies)])


def test_the_interval_over_seeds_is_students():
    first, second = SLEEP
    found = statistics.mean_over_seeds(first - second)
    # R: t.test(extra ~ group, data = sleep, paired = TRUE)
    assert found.value == pytest.approx(-1.58)
    assert found.low == pytest.approx(-2.4598858, abs=1e-7)
    assert found.high == pytest.approx(-0.7001142, abs=1e-7)


def test_without_an_effect_of_the_images_the_crossed_interval_is_that_over_seeds():
    values = np.zeros((3, 90))
    for seed, count in enumerate((3, 9, 4)):  # no image twice
        values[seed, 30 * seed : 30 * seed + count] = 1
    found = statistics.crossed_effects_mean(values)
    of_seeds = statistics.mean_over_seeds(values.mean(1))
    assert found.image_se == 0
    assert (found.low, found.high) == pytest.approx((of_seeds.low, of_seeds.high))
    assert found.p_value == pytest.approx(stats.ttest_1samp(values.mean(1), 0).pvalue)
    assert found.seed_sd == pytest.approx(values.mean(1).std(ddof=1))


def test_seeds_that_all_agree_leave_the_sampling_of_the_images():
    row = np.repeat([1, -1, 0], [30, 12, 958])
    found = statistics.crossed_effects_mean(np.stack([row] * 5))
    error = row.std(ddof=1) / np.sqrt(1000)
    assert found.image_se == pytest.approx(error)
    assert found.high - found.value == pytest.approx(stats.norm.ppf(0.975) * error)
    assert found.p_value == pytest.approx(2 * stats.norm.sf(0.018 / error))


def test_seeds_that_come_out_equal_by_luck_do_not_make_certain():
    values = np.zeros((2, 1000))
    values[0, :7] = values[1, 7:14] = 1  # seven images each, but none in common
    found = statistics.crossed_effects_mean(values)
    assert found.low < 0 < found.value == 0.007
    assert found.p_value > 0.05
    assert found.seed_sd == pytest.approx(np.sqrt(0.007 / 1000), rel=0.02)


def test_where_no_image_differs_the_interval_ends_where_accuracies_do():
    perfect = statistics.crossed_effects_mean(np.ones((10, 3000), bool))
    assert (perfect.low, perfect.high) == pytest.approx((0.999, 1))


# 400 studies: a share of 95% has a standard error of 1.1 pp.
@KINDS
@pytest.mark.parametrize(("seeds", "shift"), [(10, 0.0), (10, 0.4), (3, 0.4)])
def test_the_crossed_interval_holds_the_truth_in_95_percent_of_studies(kind, seeds, shift):
    def holds(random):
        values, truth = difference(random, seeds, kind, shift)
        found = statistics.crossed_effects_mean(values)
        assert (found.p_value < 0.05) == (not found.low <= 0 <= found.high)
        return found.low <= truth <= found.high

    assert 0.92 <= share_of(400, holds) <= 0.99


def test_the_permutation_test_agrees_with_published_counts():
    # Nine patients slept longer with the second drug, one as long: 2 of 2**9 sign changes.
    assert statistics.permutation_test(*SLEEP) == pytest.approx(2 / 2**9)
    # Fisher: 863 of the 32,768 sums are at least 314.
    assert statistics.permutation_test(MAIZE, np.zeros(15)) == pytest.approx(2 * 863 / 2**15)


@pytest.mark.parametrize("seeds", [2, 3, 5, 10])
def test_the_least_p_of_the_permutation_test_depends_on_the_count_of_seeds(seeds):
    counts = np.arange(seeds) + 100
    assert statistics.permutation_test(counts + 5, counts) == pytest.approx(2 / 2**seeds)


def test_beyond_15_seeds_permutations_are_drawn_and_repeatable():
    first, second = np.random.default_rng(8).normal([[0.5], [0.0]], 1, (2, 40))
    found = statistics.permutation_test(first, second)
    assert found == statistics.permutation_test(first, second)
    assert found == pytest.approx(stats.ttest_rel(first, second).pvalue, abs=0.02)


def runs(both, first, second, neither):
    """Return two runs' right images from the counts of a fourfold table."""
    counts = [both, first, second, neither]
    return (
        np.repeat([True, True, False, False], counts),
        np.repeat([True, False, True, False], counts),
    )


@pytest.mark.parametrize(
    ("table", "p_value"),
    [
        # Agresti, "Categorical data analysis", approval of the prime minister in two surveys: z² is
        # 17.36, for which the normal approximation gives 3.1e-5. Exact: R's binom.test(86, 236).
        ((794, 150, 86, 570), 3.716e-5),
        ((48, 28, 35, 53), 0.45),  # R's binom.test(c(35, 28))
        ((90, 0, 5, 5), 2 / 2**5),
        ((90, 0, 0, 10), 1.0),
        ((90, 4, 4, 2), 1.0),
    ],
)
def test_mcnemars_test_is_exact(table, p_value):
    assert statistics.mcnemar_test(*runs(*table)) == pytest.approx(p_value, rel=1e-3)


def test_the_majority_of_the_seeds_decides_and_half_is_enough():
    two, three = np.array([[1, 1, 0, 0], [1, 0, 1, 0]]), np.array([[1, 1, 0], [1, 0, 0], [1, 0, 0]])
    assert statistics.majority(two == 1).tolist() == [True, True, True, False]
    assert statistics.majority(three == 1).tolist() == [True, False, False]


@pytest.mark.parametrize("looks", [(), (5, 10, 20)], ids=["one look", "three looks"])
def test_interval_p_and_verdict_never_contradict_each_other(looks):
    random = np.random.default_rng(12)
    seen = set()
    for study in range(24):
        levels, seeds = "abcd"[: random.integers(2, 5)], (2, 3, 8)[study % 3]
        shifts, kind = random.uniform(0, 1.2, len(levels)), [NOISE, IMAGES, SEEDS, BOTH][study % 4]
        values = dict(zip(levels, simulate(random, seeds, kind, shifts)[0], strict=True))
        if study % 5 == 4:  # accuracies alone
            values = {name: rows.mean(axis=1) for name, rows in values.items()}
        plan = {"smallest_effect": 0.008, "looks": looks, "is_paired": study % 10 != 4}
        for pair in statistics.compare(values, reference=[None, "b"][study % 2], **plan):
            low, high = pair.difference.low, pair.difference.high
            assert pair.significant == (pair.difference.p_value < 0.05) == (not low <= 0 <= high)
            assert pair.equivalent == (low > -0.008 and high < 0.008)
            found = verdicts.verdict(pair)
            if found is not Verdict.EQUIVALENT:
                assert pair.significant == found.different
            seen.add(found)
    assert seen == set(Verdict)


@pytest.mark.parametrize("reference", [None, "ReLU"])
def test_every_pair_that_is_judged_is_compared_and_corrected_for_all_of_them(reference):
    studies, _ = simulate(np.random.default_rng(10), 10, BOTH, (0.0, 0.0, 1.0))
    correct = dict(zip(("Swish", "GELU", "ReLU"), studies, strict=True))
    found = statistics.compare(correct, reference=reference)
    pairs = [pair for pair in combinations(correct, 2) if reference in (None, *pair)]
    assert [(pair.first, pair.second) for pair in found] == pairs
    for pair in found:
        rights = correct[pair.first].sum(1), correct[pair.second].sum(1)
        assert pair.p_permutation == statistics.permutation_test(*rights)
        votes = statistics.majority(correct[pair.first]), statistics.majority(correct[pair.second])
        assert pair.p_mcnemar == statistics.mcnemar_test(*votes)
        assert (pair.pairs, pair.seeds, pair.images) == (len(pairs), 10, 4000)
        assert pair.p_permutation_adjusted == pytest.approx(min(len(pairs) * pair.p_permutation, 1))
        assert pair.p_mcnemar_adjusted == pytest.approx(min(len(pairs) * pair.p_mcnemar, 1))
        # Simultaneous intervals are wider than one by itself, on equal estimates.
        values = correct[pair.first].astype(int) - correct[pair.second]
        alone = statistics.crossed_effects_mean(values)
        assert pair.difference.value == pytest.approx(alone.value)
        assert pair.difference.seed_sd == pytest.approx(alone.seed_sd)
        assert pair.difference.image_se == pytest.approx(alone.image_se)
        assert pair.difference.p_value > alone.p_value
    assert [pair.significant for pair in found][-2:] == [True, True]
    assert found[-1].difference.value > 0


def test_of_accuracies_alone_nothing_is_known_on_images():
    first, second = SLEEP
    (paired,) = statistics.compare({"a": first, "b": second})
    (apart,) = statistics.compare({"a": first, "b": second[:8]}, is_paired=False)
    assert paired.difference.p_value == pytest.approx(stats.ttest_rel(first, second).pvalue)
    assert paired.p_permutation == pytest.approx(2 / 2**9)
    assert apart.seeds == 8
    for pair in (paired, apart):
        assert pair.difference.image_se == 0
        assert (pair.images, pair.p_mcnemar, pair.p_mcnemar_adjusted) == (None, None, None)


@pytest.mark.parametrize(
    "function",
    [
        lambda: statistics.mean_over_seeds(np.ones(1)),
        lambda: statistics.crossed_effects_mean(np.ones((1, 9))),
        lambda: statistics.permutation_test(np.ones(1), np.ones(1)),
        lambda: statistics.compare({"a": np.ones(1), "b": np.ones(1)}),
    ],
)
def test_one_seed_is_refused(function):
    with pytest.raises(InputError, match=r"^Found 1 seed, but the variance across seeds takes"):
        function()


def test_superiority_is_mann_and_whitneys_share():
    first, second = np.random.default_rng(32).integers(0, 9, (2, 7))
    expected = stats.mannwhitneyu(first, second).statistic / 49
    assert statistics.superiority(first, second).value == pytest.approx(expected)
    assert statistics.superiority(first, first[::-1]).value == 0.5


@pytest.mark.parametrize(
    ("first", "second", "won"), [((3, 3, 3, 0, 3), (1, 1, 1, 1, 1), 4), ((2, 3, 4), (0, 1, 1), 3)]
)
def test_its_interval_is_wilsons_of_as_many_matches_as_seeds(first, second, won):
    found = statistics.superiority(np.array(first), np.array(second))
    expected = stats.binomtest(won, len(first)).proportion_ci(method="wilson")
    assert found.value == won / len(first)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))


def test_a_draw_counts_as_half_and_the_other_way_round_is_the_rest():
    assert statistics.superiority(np.ones(4), np.ones(4)).value == 0.5
    first, second = np.random.default_rng(33).random((2, 6))
    there, back = statistics.superiority(first, second), statistics.superiority(second, first)
    rest = (1 - back.high, 1 - back.value, 1 - back.low)
    assert (there.low, there.value, there.high) == pytest.approx(rest)


@pytest.mark.parametrize("seeds", [3, 5, 10])
@pytest.mark.parametrize(("truth", "spread"), [(0.5, 1), (0.75, 3), (0.92, 1)])
def test_the_interval_of_superiority_holds_the_truth_in_95_percent_of_studies(seeds, truth, spread):
    shift = stats.norm.ppf(truth) * np.hypot(1, spread)

    def holds(random):
        first, second = random.normal((shift, 0), (1, spread), (seeds, 2)).T
        found = statistics.superiority(first, second)
        return found.low <= truth <= found.high

    assert share_of(400, holds) >= 0.95 - 0.02


def test_the_permutation_test_raises_no_more_false_alarms_than_promised():
    def alarm(random):
        (first, second), _ = simulate(random, 8, SEEDS, (0.0, 0.0))
        return statistics.permutation_test(first.sum(1), second.sum(1)) < 0.05

    assert 0.01 < share_of(300, alarm) <= 0.05 + 3 * 0.0126


def test_mcnemars_test_is_that_of_statsmodels():
    from statsmodels.stats.contingency_tables import mcnemar

    for first, second in np.random.default_rng(20).integers(0, 90, (50, 2)):
        expected = mcnemar([[5, first], [second, 5]], exact=True).pvalue
        found = statistics.mcnemar_test(*runs(5, first, second, 5))
        assert found == pytest.approx(expected, rel=1e-12)

import numpy as np
import pytest
from scipy import stats

from src.analysis import diagnostics, gap
from tests.support.refusal import refusal


@pytest.mark.parametrize(("images", "error"), [(7000, 0.00436), (50, 0.3), (3, 0.9)])
def test_on_images_of_their_own_it_is_the_difference_of_two_binomials(images, error):
    right = np.arange(images + 1)
    one = stats.binom.pmf(right, images, 1 - error)
    expected = [1.0] + [
        2 * (one[apart:] * stats.binom.cdf(right[: images + 1 - apart], images, 1 - error)).sum()
        for apart in right[1:60]
    ]
    found = gap.shares_apart(images, 2 * error * (1 - error))
    assert found.shape == (images + 1,)
    assert found[:60] == pytest.approx(expected, abs=1e-11)


@pytest.mark.parametrize("discordance", [0.004, 0.2, 0.7, 1.0])
def test_on_the_same_images_it_is_a_mixture_of_mcnemars_tests(discordance):
    images = 300
    both = np.arange(images + 1)  # images that just one gets right
    weights = stats.binom.pmf(both, images, discordance)
    found = gap.shares_apart(images, discordance)
    for apart in (1, 2, 7, 15, 40):
        one_side = stats.binom.sf(np.ceil((both + apart) / 2) - 1, both, 0.5)
        assert found[apart] == pytest.approx((weights * 2 * one_side).sum(), abs=1e-13)


def test_a_seed_effect_is_one_more_normal_term():
    random = np.random.default_rng(0)
    images, discordance, variance, pairs = 2000, 0.01, 25.0, 400_000
    ones = random.binomial(images, discordance, pairs)
    apart = 2 * random.binomial(ones, 0.5) - ones
    apart += np.rint(random.normal(0, 5, pairs)).astype(int)
    found = gap.shares_apart(images, discordance, variance)
    for least in (1, 5, 10, 20):
        expected = (np.abs(apart) >= least).mean()
        assert found[least] == pytest.approx(expected, abs=4 * np.sqrt(expected / pairs))
    whole = stats.norm.sf(9.5, scale=np.sqrt(variance + images * discordance))
    assert found[10] == pytest.approx(2 * whole, rel=0.01)


def test_a_seed_effect_as_large_as_the_images_does_not_wrap_around():
    changes = np.array([0.25, 0.5, 0.25])  # of one image: −1, 0 or +1
    edges = stats.norm.cdf(np.arange(-4, 4) + 0.5, scale=3)
    rounded = np.diff(edges, prepend=0, append=1)  # −4 to 4
    for _ in range(4):
        rounded = np.convolve(rounded, changes)
    apart = np.abs(np.arange(-8, 9))
    expected = [rounded[apart >= least].sum() for least in range(5)]
    assert gap.shares_apart(4, 0.5, 9.0) == pytest.approx(expected)


def simulated(seed_sd, seeds=150, images=4000, levels=2):
    """Return the `correct` of levels whose runs err independently, but for an effect of the seed on
    all images; and the probability of each image to be misclassified.
    """
    random = np.random.default_rng(1)
    hard = random.beta(0.05, 1.0, images)
    draws = random.random((levels, seeds, images))
    effect = 1 + random.normal(0, seed_sd, (levels, seeds, 1))
    return {str(level): one for level, one in enumerate(draws >= hard * effect)}, hard


@pytest.mark.parametrize("seed_sd", [0.0, 0.1])
def test_the_noise_of_a_study_is_that_of_its_simulation(seed_sd):
    correct, hard = simulated(seed_sd)
    accuracies = [right.mean(axis=1) for right in correct.values()]
    found = gap.seed_noise(accuracies, np.diag(diagnostics.error_overlap(correct)), hard.size)
    error, changes = hard.mean(), (hard * (1 - hard)).sum()
    assert found.disagreement == pytest.approx(
        changes / hard.size / (error * (1 - error)), rel=0.03
    )
    ratio = 1 + (hard.sum() * seed_sd) ** 2 / changes
    assert found.low < ratio < found.high
    assert found.variance_ratio == pytest.approx(ratio, rel=0.25)
    width = np.array([found.low, found.high]) / found.variance_ratio
    assert width == pytest.approx(298 / stats.chi2.ppf([0.975, 0.025], 298))


@pytest.mark.parametrize("seed_sd", [0.0, 0.1])
def test_pairs_of_simulated_runs_are_as_far_apart_as_computed(seed_sd):
    correct, hard = simulated(seed_sd, seeds=1000)
    right = np.concatenate([one.sum(axis=1) for one in correct.values()])
    accuracies = [one.mean(axis=1) for one in correct.values()]
    overlaps = [overlap_of(one[:60]) for one in correct.values()]
    noise = gap.seed_noise(accuracies, overlaps, hard.size)
    pooled = round(right.mean())
    found = gap.of((pooled - 5, pooled + 5), hard.size, noise)
    apart = np.abs(right[:, None] - right)[np.triu_indices(right.size, 1)]
    for least in (5, 10, 20):
        expected = (apart >= least).mean()
        assert found.same.seeds[least] == pytest.approx(expected, rel=0.1, abs=0.003)
        assert found.independent[least] > found.same.changes[least]
    if seed_sd == 0:
        assert found.same.seeds[10] == pytest.approx(found.same.changes[10], rel=0.15)
    else:
        assert found.same.seeds[10] > 1.5 * found.same.changes[10]


def overlap_of(correct):
    return diagnostics.error_overlap({"": correct})[0, 0]


def test_a_variance_below_that_of_independent_changes_is_no_seed_effect():
    noise = gap.SeedNoise(disagreement=0.3, variance_ratio=0.8, low=0.5, high=1.5)
    found = gap.of((6962, 6977), 7000, noise)
    assert (found.apart, found.accuracy) == (15, pytest.approx(13939 / 14000))
    assert found.same.seeds.tolist() == found.same.low.tolist() == found.same.changes.tolist()
    assert found.same.high[15] > found.same.seeds[15]


@pytest.mark.parametrize(
    ("accuracies", "overlaps"),
    [
        ([[0.9, 0.9]], [1.0]),  # the two runs never disagree
        ([[0.1, 0.1]], [0.0]),  # two runs that err on 90% must err together on some
        ([[0.9]], [0.5]),
        ([[0.9, 0.8]], [0.5, 0.4]),
        ([], []),
    ],
)
def test_numbers_that_contradict_each_other_are_refused(accuracies, overlaps):
    with pytest.raises(ValueError, match="its "):
        gap.seed_noise(accuracies, overlaps, 100)


@pytest.mark.parametrize(
    ("score", "images", "right"),
    [
        ("0.99457", 7000, 6962),
        ("0.99671", 7000, 6977),
        ("0.9963928571428572", 28000, 27899),  # the float nearest to 27899 / 28000
        ("0.000001", 1_000_000, 1),
        ("1.000", 100, 100),
        ("0.50", 2, 1),
    ],
)
def test_a_score_is_a_count(score, images, right):
    assert gap.right_answers(score, images) == right


def test_every_count_is_found_again_from_five_digits_and_from_a_float():
    for right in range(1, 7003, 37):
        assert gap.right_answers(f"{right / 7003:.5f}", 7003) == right
        assert gap.right_answers(str(right / 7003), 7003) == right


@pytest.mark.parametrize(
    ("score", "images", "said"),
    [
        ("0.99460", 7000, "the nearest are 0.99457 (6,962 right) and 0.99471 (6,963 right)"),
        ("0.99460", 7000, "25%: 7,000 of 28,000"),
        ("0.99", 7000, "may be any of 71 counts of 7,000 images (6,895 to 6,965 right)"),
        ("99.457", 7000, "for percent, divide by 100"),
        ("0", 7000, "0 is not a score"),
        ("nan", 7000, "nan is not a score"),
        ("many", 7000, "many is not a score"),
        ("0.5", 1, "--images 1: give 2 to 1,000,000"),
        ("0.5", 2_000_000, "--images 2000000: give 2 to 1,000,000"),
    ],
)
def test_a_score_that_is_no_count_is_refused(score, images, said):
    assert said in refusal(gap.right_answers, score, images)

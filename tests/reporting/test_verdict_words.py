from dataclasses import replace
from itertools import combinations

import pytest

from src.analysis.statistics import Estimate
from src.analysis.verdicts import Look, Verdict
from src.config import factor
from src.reporting import verdict_words
from tests.support.simulated_runs import pair

# A difference of 0.05 pp that is significant, one that is not, and the same with reversed signs.
SIGNIFICANT, NOT_SIGNIFICANT = {"pp": 0.05, "p": 0.01}, {"pp": 0.02, "p": 0.5}
WORSE, LESS = {"pp": -0.05, "p": 0.01}, {"pp": -0.025, "p": 0.5}
SAME = {"pp": 0.001, "p": 0.5, "p_equivalence": 0.01}
RATE = factor.of("optimizer.learning_rate", [0.1])


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (
            pair(pp=0.05, p=0.0004),
            "Swish beats ReLU by 0.05 pp (simultaneous 95% CI 0.02 to 0.08, adjusted p < 0.001).",
        ),
        (
            pair(pp=-0.05, p=0.03, pairs=1),
            "ReLU beats Swish by 0.05 pp (95% CI 0.02 to 0.08, p = 0.03).",
        ),
        (  # a bound of less than a hundredth gets the digits that it needs
            pair(pp=0.006, half=0.0046, p=0.02),
            "Swish beats ReLU by 0.006 pp (simultaneous 95% CI 0.001 to 0.011, adjusted p = 0.02).",
        ),
        (
            pair(pp=0.001, half=0.0123, p=0.9, p_equivalence=0.01),
            "Swish and ReLU are equivalent: any difference is smaller than 0.02 pp (simultaneous "
            "95% CI −0.02 to 0.02, adjusted p = 0.01).",
        ),
        (
            pair(pp=-0.01, half=0.005, p=0.001, p_equivalence=0.01),
            "ReLU and Swish are equivalent: ReLU beats Swish, but by less than 0.02 pp "
            "(simultaneous 95% CI 0.00 to 0.02, adjusted p = 0.01).",
        ),
        (  # its interval is not rounded beyond the smallest effect
            pair(pp=0.0, half=0.021, p=0.9, p_equivalence=0.01, smallest_effect=0.000215),
            "Swish and ReLU are equivalent: any difference is smaller than 0.0215 pp (simultaneous "
            "95% CI −0.021 to 0.021, adjusted p = 0.01).",
        ),
    ],
)
def test_a_decided_pair_is_one_sentence(found, said):
    assert verdict_words.sentence(found) == said


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (
            pair(pp=0.015, half=0.025, p=0.3, pairs=1),
            "smaller than 0.04 pp (95% CI −0.01 to 0.04, p = 0.3). 12 to 27 more ",
        ),
        (  # the bound is the farther end of the interval
            pair(pp=-0.03, half=0.04, p=0.2),
            "smaller than 0.07 pp (simultaneous 95% CI −0.07 to 0.01, adjusted p = 0.2). 12 ",
        ),
        (  # bounds are rounded outward
            pair(pp=0.021, half=0.0211, p=0.06),
            "smaller than 0.05 pp (simultaneous 95% CI −0.01 to 0.05, adjusted p = 0.06). ",
        ),
    ],
)
def test_an_undecided_difference_is_bounded(found, said):
    start = "Undecided between Swish and ReLU: any difference is "
    assert verdict_words.sentence(found).startswith(start + said)


@pytest.mark.parametrize(
    ("more_seeds", "images", "said"),
    [
        ((1, 1), None, "1 more seed would probably show whether it reaches 0.02 pp."),
        ((8, 3321), None, "8 to 3,300 more seeds would probably show whether it reaches 0.02 pp."),
        (
            None,
            28_000,
            "It is too close to 0.02 pp for any number of seeds to show whether it reaches it.",
        ),
        (
            None,
            161_234,
            "No number of seeds is likely to show whether it reaches 0.02 pp: that takes about "
            "160,000 images instead of 28,000.",
        ),
    ],
)
def test_an_undecided_pair_says_what_would_decide_it(more_seeds, images, said):
    found = pair(pp=0.01, half=0.06, p=0.7, more_seeds=more_seeds, images_needed=images)
    assert verdict_words.sentence(found).endswith(f"). {said}")


@pytest.mark.parametrize(
    ("case", "said"),
    [
        (SIGNIFICANT, "Learning rate 0.06 beats 0.006 by 0.05 pp"),
        (WORSE, "Learning rate 0.006 beats 0.06 by 0.05 pp"),
        (NOT_SIGNIFICANT, "Undecided between learning rate 0.06 and 0.006:"),
        (SAME, "Learning rate 0.06 and 0.006 are equivalent:"),
    ],
)
def test_a_number_is_called_by_its_noun(case, said):
    assert verdict_words.sentence(pair("0.06", "0.006", **case), RATE).startswith(said)


def test_the_probability_that_a_run_beats_another_is_that_of_the_higher_mean():
    assert verdict_words.superiority(pair()) == (
        "A run of Swish beats a run of ReLU on these images with a probability of 0.70 (95% CI "
        "0.50 to 0.90)."
    )
    worse = pair(superiority=Estimate(0.2, 0.1, 0.4), **WORSE)
    assert verdict_words.superiority(worse) == (
        "A run of ReLU beats a run of Swish on these images with a probability of 0.80 (95% CI "
        "0.60 to 0.90)."
    )


@pytest.mark.parametrize(
    ("found", "text"),
    [
        (pair(**SIGNIFICANT), "–"),
        (pair(more_seeds=(8, 1234)), "8 to 1,200"),
        (pair(more_seeds=(3, 3)), "3"),
        (pair(more_seeds=None, images_needed=90_000.0), "too few images"),
        (pair(more_seeds=None, images_needed=9_000.0), "too close"),
    ],
)
def test_only_an_undecided_pair_asks_for_more_seeds(found, text):
    assert verdict_words.more_seeds(found) == text


def trio(five, *cases):
    """Return findings of three pairs, or of fewer."""
    names = (("Swish", "ReLU"), ("GELU", "ReLU"), ("Swish", "GELU"))
    both = zip(names, cases, strict=False)
    return replace(five, pairs=tuple(pair(*one, pairs=len(cases), **case) for one, case in both))


@pytest.mark.parametrize(
    ("cases", "said"),
    [
        (
            [NOT_SIGNIFICANT],
            "Undecided: no difference in accuracy between the two activations was detected, but "
            "one of 0.02 pp or more cannot be ruled out.",
        ),
        ([WORSE], "The two activations differ significantly in accuracy."),
        ([SAME], "The two activations are equivalent: less than 0.02 pp of accuracy apart."),
        (
            [NOT_SIGNIFICANT] * 3,
            "Undecided: no difference in accuracy between any two activations was detected, but "
            "differences of 0.02 pp or more cannot be ruled out.",
        ),
        (
            [NOT_SIGNIFICANT, SIGNIFICANT, SAME],
            "Of 3 pairs of activations, 1 differs significantly in accuracy, 1 is equivalent (less "
            "than 0.02 pp apart) and 1 is undecided.",
        ),
        ([SIGNIFICANT] * 3, "All 3 pairs of activations differ significantly in accuracy."),
        ([SAME] * 3, "All 3 pairs of activations are equivalent: less than 0.02 pp apart."),
    ],
)
def test_the_headline_counts_the_verdicts(five, cases, said):
    assert verdict_words.headline(trio(five, *cases)) == said


@pytest.mark.parametrize(
    ("cases", "said"),
    [
        (
            [NOT_SIGNIFICANT],
            "No detectable difference: Swish − ReLU is 0.020 pp (95% CI −0.010 to 0.050).",
        ),
        ([SIGNIFICANT], "The two differ significantly: Swish beats ReLU by 0.050 pp (p = 0.01)."),
        ([WORSE], "The two differ significantly: ReLU beats Swish by 0.050 pp (p = 0.01)."),
        (
            [NOT_SIGNIFICANT, LESS, NOT_SIGNIFICANT],
            "None of the 3 pairs shows a detectable difference. The largest, GELU − ReLU, is "
            "−0.025 pp (simultaneous 95% CI −0.055 to 0.005).",
        ),
        (
            [SIGNIFICANT, WORSE, NOT_SIGNIFICANT],
            "2 of 3 pairs differ significantly: Swish beats ReLU by 0.050 pp (p = 0.01) and "
            "ReLU beats GELU by 0.050 pp (p = 0.01).",
        ),
        (
            [NOT_SIGNIFICANT, WORSE, SAME],
            "1 of 3 pairs differs significantly: ReLU beats GELU by 0.050 pp (p = 0.01). "
            "Equivalent: Swish − GELU.",
        ),
    ],
)
def test_the_significant_differences_are_named_or_else_the_largest(five, cases, said):
    assert verdict_words.differences(trio(five, *cases)) == said


def test_of_many_differences_four_are_named(five):
    pairs = tuple(pair(f"A{number}", **SIGNIFICANT) for number in range(6))
    finding = verdict_words.differences(replace(five, pairs=pairs))
    assert finding.startswith("6 of 6 pairs differ significantly: A0 beats ReLU by ")
    assert finding.endswith("A3 beats ReLU by 0.050 pp (p = 0.01) and 2 more.")


def test_the_bound_from_which_a_difference_is_meaningful_is_explained(five):
    definition, columns = verdict_words.how_to_read(replace(five, smallest_effect=0.000215))
    assert "confidence intervals (CI) that hold for all pairs at once." in definition
    assert "A difference below 0.0215 pp does not matter in this study" in definition
    assert "from 0.75 on (for a worse one, 0.25 or less)" in columns


def test_the_reason_for_the_smallest_effect_follows_it(five):
    definition, _ = verdict_words.how_to_read(replace(five, because="It is 5.6 images."))
    assert definition.endswith(" The study's reason for 0.02 pp: “It is 5.6 images.”")
    assert "reason" not in verdict_words.how_to_read(five)[0]


@pytest.mark.parametrize(
    ("effect", "said"),
    [
        (Estimate(0.87, 0.6, 1.4), "as far as this study can show: picking it buys nothing on"),
        (Estimate(1.1, 0.7, 1.9), "may be nothing but coin flips on these images: picking it is"),
        (Estimate(1.8, 1.2, 3.0), "So seeds do differ: a better one on these images tends to be"),
    ],
)
def test_the_effect_of_the_seed_is_put_in_words(five, effect, said):
    text = verdict_words.seed_effect(replace(five, seed_effect=effect))
    assert f" {effect.value:.2f} times (95% CI {effect.low:.2f} to {effect.high:.2f}) what" in text
    assert said in text
    assert verdict_words.seed_effect(replace(five, seed_effect=None)) == ""


def test_a_pair_is_answered_across_studies():
    found = {Verdict.UNDECIDED: ["default"], Verdict.BETTER: ["fashion", "notebook"]}
    assert verdict_words.across("Swish", "ReLU", found) == (
        "Swish beats ReLU in 2 of 3 (fashion, notebook) and is undecided against ReLU in 1 of 3 "
        "(default)."
    )


def test_a_look_says_which_pairs_are_still_open():
    pairs = tuple(combinations("abc", 2))
    assert verdict_words.look(Look(pairs, ())) == "all of 3 pairs decided"
    assert verdict_words.look(Look((), ())).startswith("no pair can be judged, because runs")
    assert verdict_words.look(Look(pairs, pairs[1:])) == (
        "1 of 3 pairs decided, not yet a and c and b and c"
    )

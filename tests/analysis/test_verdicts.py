import numpy as np
import pytest

from src.analysis import alpha_spending, statistics, verdicts
from src.analysis.verdicts import Verdict
from tests.support.simulated_runs import BOTH, SEEDS, pair, simulate

LOOKS = (5, 10, 20, 30)
PLAN = (4, 8, 16)


def judged(p, p_equivalence=1.0, pp=0.02):
    """Return the verdict on a difference with these p values."""
    return pair(pp=pp, p=p, p_equivalence=p_equivalence).verdict


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (judged(0.001), Verdict.BETTER),
        (judged(0.001, pp=-0.02), Verdict.WORSE),
        (judged(0.8, 0.01), Verdict.EQUIVALENT),
        (judged(0.001, 0.01), Verdict.EQUIVALENT),  # real, but it does not matter
        (judged(0.8), Verdict.UNDECIDED),
        (judged(0.06), Verdict.UNDECIDED),
    ],
)
def test_there_are_four_verdicts(found, expected):
    assert found is expected


def test_with_planned_looks_intervals_are_wider_and_at_the_level_of_the_look():
    (first, second), _ = simulate(np.random.default_rng(5), 10, BOTH, (0.0, 0.35))
    (plain,) = statistics.compare({"a": first, "b": second})
    (looked,) = statistics.compare({"a": first, "b": second}, looks=LOOKS)
    half = looked.difference.high - looked.difference.value
    assert half > plain.difference.high - plain.difference.value
    family = statistics.judge({"a": first, "b": second}).family
    assert half == pytest.approx(family.half_widths(alpha_spending.level(0.05, 10, LOOKS))[0])
    assert looked.difference.p_value > plain.difference.p_value


@pytest.mark.parametrize(
    ("accuracies", "expected"),
    [
        ([0.99, 0.11, 0.99, 0.11], [False, True, False, True]),
        ([0.99, 0.5, 0.98], [False, True, False]),  # less than half of the way
        ([0.99, 0.6, 0.98], [False, False, False]),
        ([0.114, 0.114], [True, True]),  # none is better than a guess
        ([0.3, 0.25, 0.35], [False, False, False]),  # a hard problem
    ],
)
def test_a_run_that_attains_less_than_half_of_the_others_has_failed_to_learn(accuracies, expected):
    assert verdicts.failed(np.array(accuracies), 0.114).tolist() == expected


def test_levels_with_failed_runs_are_not_judged():
    correct = study(np.random.default_rng(3), BOTH, (0.0, 0.1, 0.8), images=800)
    correct["b"][4] = np.arange(800) % 10 == 0
    plan = {"reference": "c", "smallest_effect": 0.01, "looks": (), "guess": 0.114}
    found = verdicts.look(correct, compare="all", **plan)
    learned = {name: correct[name] for name in "ac"}
    assert found == verdicts.look(learned, compare="all", **plan)
    assert found.pairs == (("a", "c"),)
    none = verdicts.Look((), ())
    assert verdicts.look(correct, compare="reference", **{**plan, "reference": "b"}) == none
    assert verdicts.look({name: correct[name] for name in "ab"}, compare="all", **plan) == none


def study(random, kind, shifts, **sizes):
    return dict(zip("abcdef", simulate(random, PLAN[-1], kind, shifts, **sizes)[0], strict=False))


def first_seeds(correct, seeds):
    return {name: rows[:seeds] for name, rows in correct.items()}


@pytest.mark.parametrize("compare", ["all", "reference"])
def test_a_look_comes_to_the_verdicts_of_the_report(compare):
    random = np.random.default_rng(1)
    for _ in range(4):
        correct = study(random, BOTH, (0.0, 0.1, 0.8), images=800)
        for seeds in PLAN:
            now = first_seeds(correct, seeds)
            plan = {"smallest_effect": 0.01, "looks": PLAN}
            found = verdicts.look(now, reference="c", compare=compare, guess=0.1, **plan)
            reference = "c" if compare == "reference" else None
            pairs = statistics.compare(now, reference=reference, **plan)
            assert found.pairs == tuple((one.first, one.second) for one in pairs)
            assert found.undecided == tuple(
                (one.first, one.second)
                for one in pairs
                if verdicts.verdict(one) is Verdict.UNDECIDED
            )


def test_over_all_looks_a_family_raises_a_false_alarm_in_at_most_5_percent_of_studies():
    random = np.random.default_rng(2)
    planned = unplanned = 0
    studies = 250
    for _ in range(studies):
        correct = study(random, SEEDS, (0.0, 0.0, 0.0), images=300, hard=100)
        planned += alarm(correct, PLAN)
        unplanned += alarm(correct, ())
    assert planned / studies <= 0.05 + 2.5 * 0.0138
    assert unplanned > planned
    assert unplanned / studies > 0.08


def alarm(correct, looks):
    """Return whether any look finds a difference."""
    for seeds in PLAN:
        now = first_seeds(correct, seeds)
        judged = statistics.judge(now, looks=looks)
        if (np.abs(judged.family.mean) > judged.family.half_widths(judged.level())).any():
            return True
    return False

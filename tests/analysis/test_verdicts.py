from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from src.analysis import alpha_spending, statistics, verdicts
from src.analysis.verdicts import Verdict
from tests.support.simulated_runs import BOTH, SEEDS, comparison, simulate

LOOKS = (5, 10, 20, 30)
PLAN = (4, 8, 16)


def pair(value, half, p_adjusted, p_equivalence=1.0, pairs=3, **more):
    """Return a comparison of Swish with ReLU, in percentage points."""
    estimate = statistics.CrossedEstimate(
        value / 100, (value - half) / 100, (value + half) / 100, p_adjusted, 0.0003, 0.0
    )
    made = comparison("Swish", "ReLU", estimate, p_adjusted, pairs)
    return replace(made, p_equivalence_adjusted=p_equivalence, **more)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (pair(0.05, 0.03, 0.001), Verdict.BETTER),
        (pair(-0.05, 0.03, 0.001), Verdict.WORSE),
        (pair(0.0, 0.01, 0.8, 0.01), Verdict.EQUIVALENT),
        (pair(0.01, 0.005, 0.001, 0.01), Verdict.EQUIVALENT),  # real, but it does not matter
        (pair(0.0, 0.03, 0.8), Verdict.UNDECIDED),
        (pair(0.03, 0.02, 0.06), Verdict.UNDECIDED),  # not
    ],
)
def test_there_are_four_verdicts(found, expected):
    assert verdicts.verdict(found) is expected


def test_more_seeds_are_only_for_what_is_undecided_and_fewer_for_a_larger_smallest_effect():
    assert verdicts.more_seeds(pair(0.05, 0.03, 0.001)) is None
    assert verdicts.more_seeds(pair(0.0, 0.01, 0.8, 0.01)) is None
    assert verdicts.more_seeds(pair(0.0, 0.03, 0.8)) > 0
    found = [verdicts.more_seeds(pair(0, 0.1, 0.8, smallest_effect=e)) for e in (2e-4, 4e-4, 8e-4)]
    assert found == sorted(found, reverse=True)
    assert found[0] > found[2]


def test_where_images_are_too_few_no_number_of_seeds_is_enough():
    found = pair(0.01, 0.06, 0.7)
    found = replace(found, difference=replace(found.difference, image_se=0.0001))
    assert verdicts.more_seeds(found) is None
    # Half of the interval is 2.39 standard errors at 5% / 3, and may be 0.01 pp: 2.39² as many.
    assert verdicts.images_needed(found) == pytest.approx(5.73, abs=0.01)


def test_the_seeds_asked_for_decide_four_of_five_studies(monkeypatch):
    monkeypatch.setattr(verdicts, "MOST_SEEDS", 300)  # it is faster, and few ask for more
    random = np.random.default_rng(4)
    images, spread = 60, 1.5 / 2**0.5  # in smallest effects: half by seeds, half by each run alone

    def rows(seeds, effect):
        of_seeds = random.normal(0, spread, (seeds, 1))
        rest = random.normal(0, spread * images**0.5, (seeds, images))
        return (effect + of_seeds + rest) / 1000

    outcomes = []
    for effect in random.uniform(-2.5, 2.5, 500):
        values = rows(8, effect)
        more = verdicts.more_seeds(judged(values, 0.001))
        if more:
            later = judged(np.concatenate([values, rows(more, effect)]), 0.001)
            outcomes.append(verdicts.verdict(later) is not Verdict.UNDECIDED)
    assert len(outcomes) > 150
    assert np.mean(outcomes) == pytest.approx(0.8, abs=0.1)


def judged(values, smallest_effect):
    """Return a comparison that is the only one of its study."""
    tested, p_equivalence = statistics.crossed_tests(values, smallest_effect)
    made = comparison("a", "b", tested, tested.p_value, 1)
    own = {"smallest_effect": smallest_effect, "p_equivalence_adjusted": p_equivalence}
    return replace(made, seeds=len(values), **own)


def test_with_planned_looks_intervals_are_wider_and_agree_with_the_tests():
    (first, second), _ = simulate(np.random.default_rng(5), 10, BOTH, (0.0, 0.35))
    (plain,) = statistics.compare({"a": first, "b": second})
    (looked,) = statistics.compare({"a": first, "b": second}, looks=LOOKS)
    assert looked.difference.low < plain.difference.low
    assert looked.difference.high > plain.difference.high
    assert looked.difference.p_value > plain.difference.p_value
    excludes = not looked.difference.low <= 0 <= looked.difference.high
    assert looked.significant == excludes
    level = alpha_spending.level(0.05, 10, LOOKS)
    values = first.astype(int) - second
    assert looked.difference.low == statistics.crossed_effects_mean(values, level).low


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
            found = verdicts.look(now, reference="c", compare=compare, **plan)
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
        values = [now[a].astype(np.int8) - now[b] for a, b in combinations(now, 2)]
        p_values = [statistics.crossed_tests(one, 1e-9, looks)[0].p_value for one in values]
        if min(p_values) < 0.05 / len(p_values):
            return True
    return False

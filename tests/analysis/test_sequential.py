from itertools import combinations

import numpy as np
import pytest

from src.analysis import sequential, statistics, verdicts
from src.analysis.verdicts import Verdict
from tests.support.simulated_runs import BOTH, SEEDS, simulate

LOOKS = (4, 8, 16)


def study(random, kind, shifts, **sizes):
    return dict(zip("abcdef", simulate(random, LOOKS[-1], kind, shifts, **sizes)[0], strict=False))


def first_seeds(correct, seeds):
    return {name: rows[:seeds] for name, rows in correct.items()}


@pytest.mark.parametrize("compare", ["all", "reference"])
def test_a_look_comes_to_the_verdicts_of_the_report(compare):
    random = np.random.default_rng(1)
    for _ in range(4):
        correct = study(random, BOTH, (0.0, 0.1, 0.8), images=800)
        for seeds in LOOKS:
            now = first_seeds(correct, seeds)
            plan = {"smallest_effect": 0.01, "looks": LOOKS}
            found = sequential.look(now, reference="c", compare=compare, **plan)
            reference = "c" if compare == "reference" else None
            pairs = statistics.compare(now, reference=reference, **plan)
            assert found.pairs == tuple((one.first, one.second) for one in pairs)
            assert found.undecided == tuple(
                (one.first, one.second)
                for one in pairs
                if verdicts.verdict(one) is Verdict.UNDECIDED
            )
            assert found.decided == (not found.undecided)


def test_over_all_looks_a_family_raises_a_false_alarm_in_at_most_5_percent_of_studies():
    random = np.random.default_rng(2)
    planned = unplanned = 0
    studies = 250
    for _ in range(studies):
        correct = study(random, SEEDS, (0.0, 0.0, 0.0), images=300, hard=100)
        planned += alarm(correct, LOOKS)
        unplanned += alarm(correct, ())
    assert planned / studies <= 0.05 + 2.5 * 0.0138
    assert unplanned > planned
    assert unplanned / studies > 0.08


def alarm(correct, looks):
    """Return whether any look finds a difference."""
    for seeds in LOOKS:
        now = first_seeds(correct, seeds)
        values = [now[a].astype(np.int8) - now[b] for a, b in combinations(now, 2)]
        p_values = [statistics.crossed_tests(one, 1e-9, looks)[0].p_value for one in values]
        if min(p_values) < 0.05 / len(p_values):
            return True
    return False

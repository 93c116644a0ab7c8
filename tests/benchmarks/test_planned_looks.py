import numpy as np
import pytest

from benchmarks import planned_looks
from src.analysis import alpha_spending, statistics

LOOKS = [5, 10, 20, 30]


@pytest.mark.parametrize("rule", planned_looks.RULES)
def test_every_rule_has_a_level_for_each_look(rule):
    levels = planned_looks.RULES[rule](LOOKS)
    assert len(levels) == 4
    assert all(0 <= level <= 0.05 for level in levels)
    if rule == "O'Brien–Fleming spending":  # that of the studies
        assert levels == [alpha_spending.level(0.05, seeds, LOOKS) for seeds in LOOKS]


def test_a_look_has_the_p_values_of_its_seeds():
    random = np.random.default_rng(1)
    found = planned_looks.p_values(planned_looks.study(random, 30, 2.0, 0.15), LOOKS)
    assert found.shape == (4, 3)
    assert found[-1, 2] == pytest.approx(2, abs=1)
    assert found[-1, 0] < 0.01
    assert (found[:, 1] == 1).all()
    values = planned_looks.study(random, 10, 0.0, 0.0)
    single = statistics.crossed_effects_mean(values).p_value
    assert planned_looks.p_values(values, [5, 10])[1, 0] == pytest.approx(single)


def test_a_study_stops_at_the_first_look_that_decides():
    first = [[0.3, 0.3, 1.0], [0.01, 0.4, 1.5], [0.5, 0.01, 0.1]]
    found = np.array([first, 3 * [[0.3, 0.3, 1.0]]])
    ends = planned_looks.outcome(found, [0.02, 0.02, 0.02], [5, 10, 20])
    assert ends[:, :3].tolist() == [[10, 1, 0], [20, 0, 0]]
    np.testing.assert_equal(ends[:, 3], [1.5, np.nan])

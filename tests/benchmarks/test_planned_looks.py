import numpy as np
import pytest

from benchmarks import planned_looks
from src.analysis import alpha_spending

LOOKS = [5, 10, 20, 30]


@pytest.mark.parametrize("rule", planned_looks.RULES)
def test_every_rule_has_a_level_for_each_look(rule):
    levels = planned_looks.RULES[rule](LOOKS)
    assert len(levels) == 4
    assert all(0 <= level <= 0.05 for level in levels)
    if rule == "O'Brien–Fleming spending":  # that of the studies
        assert levels == [alpha_spending.level(0.05, seeds, LOOKS) for seeds in LOOKS]


def test_a_study_stops_at_the_first_look_that_decides():
    found = np.array([[[0.3, 0.3], [0.01, 0.4], [0.5, 0.01]], [[0.3, 0.3], [0.3, 0.3], [0.3, 0.3]]])
    ends = planned_looks.outcome(found, [0.02, 0.02, 0.02], [5, 10, 20])
    assert ends.tolist() == [[10, 1, 0], [20, 0, 0]]

import numpy as np
import pytest

from benchmarks import planned_looks
from src.analysis import alpha_spending, statistics

LOOKS = [5, 10, 20, 30]


def test_the_rule_of_the_studies_is_among_those_compared():
    found = planned_looks.RULES["O'Brien–Fleming spending"](LOOKS)
    assert found == [alpha_spending.level(0.05, seeds, LOOKS) for seeds in LOOKS]


@pytest.mark.parametrize("rule", planned_looks.RULES.values())
def test_every_rule_has_a_level_for_each_look(rule):
    levels = rule(LOOKS)
    assert len(levels) == 4
    assert all(0 <= level <= 0.05 for level in levels)


def test_a_study_stops_at_the_first_look_that_decides():
    found = np.array([[[0.3, 0.3], [0.01, 0.4], [0.5, 0.01]], [[0.3, 0.3], [0.3, 0.3], [0.3, 0.3]]])
    ends = planned_looks.outcome(found, [0.02, 0.02, 0.02], [5, 10, 20])
    assert ends.tolist() == [[10, 1, 0], [20, 0, 0]]


def test_the_largest_number_of_seeds_shows_an_equivalence_in_four_of_five_studies():
    random = np.random.default_rng(1)
    shown = [
        statistics.equivalence_test(planned_looks.study(random, 30, 0.0, 0.0), 1.0) < 0.05
        for _ in range(400)
    ]
    assert np.mean(shown) == pytest.approx(0.8, abs=0.07)


def test_the_table_has_the_wrong_verdicts_and_the_seeds_of_every_rule(words, capsys):
    words("--studies", "20", "--looks", "4", "8")
    planned_looks.main()
    printed = capsys.readouterr().out
    assert "looks at 4, 8 seeds" in printed
    assert printed.count("Pocock") == 3

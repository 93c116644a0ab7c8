import pytest

from src.analysis.statistics import Estimate
from src.reporting import tables


@pytest.mark.parametrize(
    "table", [tables.accuracies, tables.learning, lambda found: tables.costs(found, None, {})]
)
def test_every_level_has_a_row_with_a_cell_under_each_head(five, table):
    made = table(five)
    assert [row.name for row in made.rows] == five.levels
    assert {len(row.cells) for row in made.rows} == {len(made.heads) - 1}


def test_every_pair_has_a_row_colored_by_its_verdict(five):
    made = tables.verdicts(five.pairs)
    assert [row.name for row in made.rows] == [pair.name for pair in five.pairs]
    assert [row.kind for row in made.rows] == [pair.verdict.value for pair in five.pairs]
    heads = [head for head, _ in made.cells(made.rows[0])]
    assert heads == list(made.heads[1:])


def test_a_fraction_and_its_interval_are_given_in_hundredths_rounded_outwards():
    assert tables.hundredths(-0.000214) == "−0.021"
    assert tables.hundredths_interval(Estimate(0, -0.0000011, 0.0000011)) == "−0.001 to 0.001"
    assert tables.hundredths_interval(Estimate(0, 0.0123, 0.0123), 2) == "1.23 to 1.23"
    assert tables.interval(Estimate(1, 0.98765, 1.01234)) == "0.987 to 1.013"


@pytest.mark.parametrize(
    ("value", "text"), [(0.0312, "0.031"), (0.0496, "0.0496"), (0.0001, "< 0.001"), (1.0, "1")]
)
def test_a_p_value_stands_without_its_name(value, text):
    assert tables.p_value(value) == text


def test_more_seeds_than_can_be_counted_are_told_as_such():
    assert [tables.seeds(needed) for needed in (28, 1500, None)] == ["28", "1,500", "over 10,000"]

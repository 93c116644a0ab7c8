import pytest

from src.analysis.statistics import Estimate
from src.reporting import tables


def cells(table):
    """Return the rows of a table in Markdown, the heads first, without the line below them."""
    rows = [line.strip("| ").split(" | ") for line in table.splitlines()]
    return [rows[0], *rows[2:]]


@pytest.mark.parametrize(
    "table", [tables.accuracies, tables.learning, lambda found: tables.costs(found, None, {})]
)
def test_every_level_has_a_row_with_a_cell_under_each_head(five, table):
    heads, *rows = cells(table(five))
    assert [row[0] for row in rows] == five.levels
    assert {len(row) for row in rows} == {len(heads)}


def test_every_pair_has_a_row_with_its_verdict(five):
    heads, *rows = cells(tables.verdicts(five.pairs))
    assert heads[:2] == ["Pair", "Verdict"]
    assert [row[:2] for row in rows] == [[pair.name, pair.verdict] for pair in five.pairs]
    assert {len(row) for row in rows} == {len(heads)}


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


def test_more_than_10_000_seeds_are_not_counted():
    assert [tables.seeds(needed) for needed in (28, 1500, None)] == ["28", "1,500", "over 10,000"]

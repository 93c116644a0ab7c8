from types import SimpleNamespace

import pytest

from src.experiments import table
from src.experiments.table import Table


@pytest.mark.parametrize(
    ("values", "text"), [([], "–"), ([0.5], "0.50"), ([0.25, 0.75], "0.50 ± 0.35")]
)
def test_a_spread_is_the_mean_and_from_two_values_on_the_standard_deviation(values, text):
    assert table.spread(values, ".2f") == text


def test_a_metric_that_no_run_has_is_a_dash():
    run = SimpleNamespace(data=SimpleNamespace(metrics={"test_accuracy": 0.5}))
    assert table.cells([run]) == ["0.5000", "–", "–", "–"]


def test_a_table_is_printed_with_its_caption_and_an_empty_one_not_at_all(capsys):
    Table(["level", "of\nit"], [], 1, "A caption").show()
    assert capsys.readouterr().out == ""
    Table(["level", "of\nit"], [["[a]", "1"]], 1, "A caption").show()
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["A", "caption"] in lines
    assert ["[a]", "1"] in lines


def test_in_markdown_the_first_column_is_code_and_a_bar_is_escaped():
    text = Table(["level", "of\nit"], [["a|b", "1"]]).markdown()
    assert text.splitlines()[0] == "| level&nbsp; | of it&nbsp; |"
    assert "| `a\\|b`&nbsp; | 1&nbsp; |" in text

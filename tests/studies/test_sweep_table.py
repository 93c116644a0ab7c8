import pytest

from src.studies import sweep_table


@pytest.mark.parametrize(
    ("values", "text"), [([], "–"), ([0.5], "0.50"), ([0.25, 0.75], "0.50 ± 0.35")]
)
def test_a_spread_is_the_mean_and_from_two_values_on_the_standard_deviation(values, text):
    assert sweep_table.spread(values, ".2f") == text

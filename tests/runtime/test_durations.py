import pytest

from src.runtime import durations


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.4, "0 s"),
        (59.4, "59 s"),
        (59.6, "1 min 00 s"),
        (125, "2 min 05 s"),
        (3599.6, "1 h 00 min"),
        (12_345, "3 h 25 min"),
    ],
)
def test_a_duration_has_its_two_largest_units(seconds, text):
    assert durations.text(seconds) == text

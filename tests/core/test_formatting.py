import math

import numpy as np
import pytest

from src.core import formatting


def number(text):
    return float(text.replace("−", "-"))


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (-0.5, 2, "−0.50"),
        (1.25, 1, "1.2"),
        (3, 0, "3"),
        (-0.0004, 4, "−0.0004"),
        *((zero, 2, "0.00") for zero in (-0.004, -0.0, 0.0, np.float32(-1e-9))),
    ],
)
def test_a_number_has_its_decimals_and_a_true_minus_sign_but_zero_has_none(value, digits, text):
    assert formatting.signed(value, digits) == text
    if text == "0.00":
        assert formatting.up(value) == text


@pytest.mark.parametrize(
    ("low", "high", "digits", "text"),
    [
        (0.0123, 0.0123, 2, "0.01 to 0.02"),
        (-0.0123, -0.0101, 2, "−0.02 to −0.01"),
        (-0.0001, 0.0001, 2, "−0.01 to 0.01"),
        (-0.0123, 0.0101, 3, "−0.013 to 0.011"),
        (99.999, 100.0, 2, "99.99 to 100.00"),
    ],
)
def test_an_interval_is_rounded_outwards(low, high, digits, text):
    assert formatting.span(low, high, digits) == text


def test_a_rounded_interval_holds_the_exact_one_and_is_little_wider():
    for low, high in np.random.default_rng(1).normal(0, 0.1, (500, 2)):
        assert low - 0.01 < number(formatting.down(low)) <= low
        assert high <= number(formatting.up(high)) < high + 0.01


@pytest.mark.parametrize("hundredths", [-29, -3, 0, 1, 4, 7, 29, 110, 150])
def test_a_bound_with_so_many_decimals_stays_as_it_is(hundredths):
    for value in (100 * (hundredths / 10_000), np.float64(hundredths) / 100):
        exact = formatting.signed(value)
        assert formatting.span(value, value) == f"{exact} to {exact}"


@pytest.mark.parametrize(
    ("p_value", "level", "text"),
    [
        (0.0312, 0.05, "p = 0.031"),
        (0.0496, 0.05, "p = 0.0496"),
        (0.001, 0.05, "p = 0.001"),
        (0.00099, 0.05, "p < 0.001"),
        (0.0, 0.05, "p < 0.001"),
        (1.0, 0.05, "p = 1"),
    ],
)
def test_a_p_value_has_two_digits_or_as_many_as_keep_its_side(p_value, level, text):
    assert formatting.p_text(p_value, level) == text


@pytest.mark.parametrize("level", [0.05, 0.01])
def test_no_p_value_is_carried_over_its_level(level):
    near = (math.nextafter(level, 0), level, math.nextafter(level, 1))
    for p_value in (*near, *np.random.default_rng(2).uniform(0.001, 2 * level, 500)):
        shown = float(formatting.p_text(p_value, level).removeprefix("p = "))
        assert (shown < level) == (p_value < level)
        assert shown == pytest.approx(p_value, rel=0.05)


@pytest.mark.parametrize(
    ("most", "word", "text"),
    [
        (None, "a", "a"),
        (2, "ab", "a and b"),
        (3, "abc", "a, b and c"),
        (2, "abcd", "a, b and 2 more"),
    ],
)
def test_a_list_has_an_and_before_its_last_word_and_a_long_one_a_count(most, word, text):
    assert formatting.listed([*word], most) == text


@pytest.mark.parametrize(
    ("numbers", "text"), [([], ""), ([4], "4"), ([2, 1], "1–2"), ([10, 1, 2, 3, 7], "1–3, 7, 10")]
)
def test_numbers_that_follow_each_other_are_joined(numbers, text):
    assert formatting.ranges(numbers) == text


def test_a_count_agrees_with_its_noun_and_a_fraction_becomes_a_percentage():
    counts = [formatting.count(number, "seed") for number in (0, 1, 28_000)]
    assert counts == ["0 seeds", "1 seed", "28,000 seeds"]
    assert (formatting.percent(0.99613), formatting.percent(0.5, 0)) == ("99.61%", "50%")


def test_a_duration_has_its_two_largest_units():
    found = [formatting.duration(one) for one in (0.4, 59.4, 59.6, 125, 3599.6, 12_345)]
    assert found == ["0 s", "59 s", "1 min 00 s", "2 min 05 s", "1 h 00 min", "3 h 25 min"]

"""Numbers and lists as text. Rounding never moves a bound inwards, nor p across the level."""

from collections.abc import Sequence
from itertools import groupby
from math import ceil, floor


def signed(value: float, digits: int = 2) -> str:
    """Return a number with so many decimals and a true minus sign; never −0."""
    return f"{round(value, digits) + 0.0:.{digits}f}".replace("-", "−")


def down(value: float, digits: int = 2) -> str:
    """Return the lower bound of an interval: rounded down."""
    # Eleven decimals: 100 × 0.0004 is 0.04, not a little more.
    return signed(floor(round(value * 10**digits, 11)) / 10**digits, digits)


def up(value: float, digits: int = 2) -> str:
    """Return the upper bound of an interval: rounded up."""
    return signed(ceil(round(value * 10**digits, 11)) / 10**digits, digits)


def span(low: float, high: float, digits: int = 2) -> str:
    """Return an interval, rounded outwards: `−0.01 to 0.12`."""
    return f"{down(low, digits)} to {up(high, digits)}"


def p_text(p_value: float, level: float) -> str:
    """Return p with two digits, or with more if rounding would carry it across `level`."""
    if p_value < 0.001:
        return "p < 0.001"
    texts = (f"{p_value:.{digits}g}" for digits in range(2, 18))
    return "p = " + next(text for text in texts if (float(text) < level) == (p_value < level))


def listed(words: Sequence[str], most: int | None = None) -> str:
    """Return `a`, `a and b`, or `a, b and c`; of more than `most` words, `a, b and 3 more`."""
    if most is not None and len(words) > most:
        words = [*words[:most], f"{len(words) - most} more"]
    *others, last = words
    return f"{', '.join(others)} and {last}" if others else last


def ranges(numbers: Sequence[int]) -> str:
    """Return sorted numbers with consecutive ones joined: `1–4, 7`."""
    runs = groupby(enumerate(sorted(numbers)), lambda pair: pair[1] - pair[0])
    parts = [[number for _, number in run] for _, run in runs]
    return ", ".join(f"{part[0]}–{part[-1]}" if len(part) > 1 else f"{part[0]}" for part in parts)


def count(number: int, noun: str) -> str:
    """Return `1 run`, `2 runs`, `28,000 images`."""
    return f"{number:,} {noun}{'s' * (number != 1)}"


def seed_list(numbers: Sequence[int]) -> str:
    """Return `seed 3`, or `seeds 1, 2 and 3`."""
    return f"seed{'s' * (len(numbers) > 1)} {listed(list(map(str, numbers)))}"


def shortened(text: str, most: int) -> str:
    """Return a text of at most so many characters; a longer one loses its middle to a …."""
    if len(text) <= most:
        return text
    end = min(12, most // 2)  # a run's name ends in its seed
    return f"{text[: max(most - end - 1, 0)]}…{text[len(text) - end :]}"


def percent(fraction: float, digits: int = 2) -> str:
    """Return a fraction as `99.61%`."""
    return f"{signed(100 * fraction, digits)}%"


def duration(seconds: float) -> str:
    """Return seconds as `9 s`, `2 min 05 s` or `3 h 20 min`."""
    minutes, rest = divmod(round(seconds), 60)
    if minutes >= 60:
        return f"{minutes // 60} h {minutes % 60:02d} min"
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"


def points(fraction: float, digits: int | None = 3) -> str:
    """Return a fraction as `−0.053 pp`; without `digits`, with its own decimals, at least two."""
    if digits is not None:
        return f"{signed(100 * fraction, digits)} pp"
    whole, _, decimals = f"{100 * fraction:.10f}".rstrip("0").partition(".")
    return f"{whole}.{decimals.ljust(2, '0')} pp"

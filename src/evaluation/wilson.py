"""The interval of a single accuracy, without a library that takes seconds to import."""

import math

Z = 1.959963984540054  # of the standard normal distribution, 97.5% lies below it


def interval(right: int, count: int) -> tuple[float, float]:
    """Return the 95% interval of the share of `right` among `count`, at least 1, as fractions.

    Reference:
        Newcombe, "Two-sided confidence intervals for the single proportion: comparison of seven
        methods", Statistics in Medicine 17, 1998, method 3.
    """
    share = right / count
    scale = 2 * (count + Z**2)
    middle = (2 * count * share + Z**2) / scale
    half = Z / scale * math.sqrt(4 * count * share * (1 - share) + Z**2)
    return (middle - half if right else 0.0), (middle + half if right < count else 1.0)

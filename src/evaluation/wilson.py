"""Wilson's interval of a proportion, without a library that takes seconds to import: method 3 of
Newcombe, "Two-sided confidence intervals for the single proportion: comparison of seven methods",
Statistics in Medicine 17, 1998.
"""

import math

Z = 1.9599639845400545  # of the standard normal distribution, 97.5% lies below it


def interval(right: int, count: int) -> tuple[float, float]:
    """Return the 95% interval of `right` out of `count` (at least 1), as fractions."""
    low, high = of_share(right / count, count)
    return low if right else 0.0, high if right < count else 1.0  # exact at the ends


def of_share(share: float, count: int) -> tuple[float, float]:
    """Return the 95% interval of a share (a fraction) of `count` trials (at least 1)."""
    scale = 1 + Z**2 / count
    middle = (share + Z**2 / (2 * count)) / scale
    half = Z / scale * math.sqrt(share * (1 - share) / count + (Z / (2 * count)) ** 2)
    return max(middle - half, 0.0), min(middle + half, 1.0)

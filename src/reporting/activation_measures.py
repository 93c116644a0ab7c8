"""What is known of an activation by itself: the data that activation_profile.py measures."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Curve:
    """A function and its derivative, both float (points,)."""

    x: np.ndarray
    value: np.ndarray
    slope: np.ndarray


@dataclass(frozen=True)
class Cost:
    """Nanoseconds per element, float (rounds,); `backward` is what the gradient adds.

    Figure, caption, table and results.json all take the three medians below, so that their numbers
    add up: the median of a sum is not the sum of medians.
    """

    forward: np.ndarray
    backward: np.ndarray

    @property
    def median_total(self) -> float:
        """Median over the rounds of forward plus backward."""
        return float(np.median(self.forward + self.backward))

    @property
    def median_forward(self) -> float:
        """Median over the rounds of the forward pass."""
        return float(np.median(self.forward))

    @property
    def added_by_gradient(self) -> float:
        """What of the median total the median forward pass leaves."""
        return self.median_total - self.median_forward


@dataclass(frozen=True)
class Profile:
    """What the activations of a set of runs are by themselves, by activation.

    Attributes:
        curves: with the initial β, the reference first.
        learned: with the smallest and the largest learned β; only of activations that learn it.
        start: the initial β, of the same activations.
        costs: of each layer alone.
    """

    curves: Mapping[str, Curve]
    learned: Mapping[str, list[Curve]]
    start: Mapping[str, float]
    costs: Mapping[str, Cost]

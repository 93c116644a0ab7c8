"""Whether a study that is looked at repeatedly may stop."""

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np

from src.evidence import statistics
from src.evidence.statistics import ALPHA, EFFECT_OF_INTEREST


def decided(
    correct: Mapping[str, np.ndarray],
    *,
    reference: str | None = None,
    compare: str = "all",
    smallest_effect: float = EFFECT_OF_INTEREST,
    looks: Sequence[int] = (),
) -> bool:
    """Return whether every pair that the study judges is better, worse or equivalent by now.

    Args:
        correct: by level, bool (seeds, images), all of one shape, with the same seeds.
        reference: the level that the others are compared with; only needed for
            `compare="reference"`.
        compare: "reference" for the pairs with the reference, "all" for every pair.
        smallest_effect: the smallest difference that matters, a fraction.
        looks: numbers of seeds at which the study is looked at, ascending; the last is the largest
            it can have.

    Raises:
        InputError: fewer than two seeds.
    """
    family = [
        statistics.crossed_tests(
            correct[first].astype(np.int8) - correct[second].astype(np.int8), smallest_effect, looks
        )
        for first, second in combinations(correct, 2)
        if compare == "all" or reference in (first, second)
    ]
    different = statistics.holm([one.difference.p_value for one in family]) < ALPHA
    equivalent = statistics.holm([one.p_equivalence for one in family]) < ALPHA
    return bool((different | equivalent).all())

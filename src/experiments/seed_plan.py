"""The seeds of a study: a list, or a plan of how many to add until its question is decided."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from src.config.schema import kind_of
from src.runtime.errors import InputError, did_you_mean

EXAMPLE = "{until: decided, at_most: 30, looks: [5, 10, 20, 30]}"
KEYS = ("until", "at_most", "looks")
FIRST_LOOK = 5  # seeds, where a plan names no looks: each look then doubles the seeds
MOST = 1000  # seeds


class SeedPlan(NamedTuple):
    """Which seeds a study may have, and after how many it is looked at; no looks without a plan."""

    seeds: tuple[int, ...]
    looks: tuple[int, ...]


def read(given: Any) -> SeedPlan:
    """Return the seeds of a study.

    Args:
        given: the value of `seeds` in its file.

    Raises:
        InputError: it is neither a list of different whole numbers nor a plan that makes sense.
    """
    if isinstance(given, Mapping):
        looks = _looks(given)
        return SeedPlan(tuple(range(1, looks[-1] + 1)), looks)
    if not isinstance(given, list):
        raise InputError(
            f"seeds is {kind_of(given)} ({given}): write a list of whole numbers, or {EXAMPLE}."
        )
    if not given:
        raise InputError("seeds is empty: list at least one.")
    for number, seed in enumerate(given):
        if not _whole(seed):
            raise InputError(
                f"seeds[{number}] is {kind_of(seed)} ({seed}), expected a whole number."
            )
    twice = [str(seed) for seed in dict.fromkeys(given) if given.count(seed) > 1]
    if twice:
        raise InputError(f"seeds has {', '.join(twice)} twice: list each once.")
    return SeedPlan(tuple(given), ())


def _looks(plan: Mapping[Any, Any]) -> tuple[int, ...]:
    """Return after how many seeds a plan looks."""
    for key in plan:
        if key not in KEYS:
            raise InputError(
                f"seeds.{key} is unknown. {did_you_mean(str(key), list(KEYS))}Write {EXAMPLE}."
            )
    if plan.get("until") != "decided":
        raise InputError(f"seeds.until is {plan.get('until')}, expected decided: write {EXAMPLE}.")
    looks: Any = plan.get("looks")
    at_most: Any = plan.get("at_most")
    if at_most is None and not looks:
        raise InputError(f"seeds has no at_most, the most seeds that it may take: write {EXAMPLE}.")
    if at_most is not None and not (_whole(at_most) and 2 <= at_most <= MOST):
        raise InputError(
            f"seeds.at_most={at_most} is no whole number from 2 to {MOST}: write {EXAMPLE}."
        )
    if looks is None:
        looks = [min(FIRST_LOOK, at_most)]
        while looks[-1] < at_most:
            looks.append(min(2 * looks[-1], at_most))
    if not isinstance(looks, list) or not looks or not all(map(_whole, looks)):
        raise InputError(f"seeds.looks is {looks}, expected a list of whole numbers: {EXAMPLE}.")
    if looks[0] < 2 or looks[-1] > MOST or sorted(set(looks)) != looks:
        raise InputError(
            f"seeds.looks is {looks}: after each look there must be more seeds, from 2 to {MOST}, "
            f"as in {EXAMPLE}."
        )
    if at_most is not None and looks[-1] != at_most:
        raise InputError(
            f"seeds.at_most={at_most}, but the last of its looks is after {looks[-1]} seeds: let "
            "both be the same."
        )
    return tuple(looks)


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)

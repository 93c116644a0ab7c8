"""The seeds of a study: a list, or a plan of how many to add until its question is decided."""

from collections.abc import Mapping
from typing import Annotated, Any, NamedTuple

from pydantic import TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from src.config import messages
from src.config.schema import STRICT, bounded, one_of
from src.runtime.errors import InputError

EXAMPLE = "write {until: decided, at_most: 30, looks: [5, 10, 20, 30]}"
FIRST_LOOK = 5  # seeds, where a plan names no looks: each look then doubles the seeds


class SeedPlan(NamedTuple):
    """Which seeds a study may have, and after how many it is looked at; no looks without a plan."""

    seeds: tuple[int, ...]
    looks: tuple[int, ...]


@dataclass(config=STRICT)
class _Plan:
    until: Annotated[str, one_of(("decided",))]
    at_most: Annotated[int, bounded("at_most")] | None = None
    looks: list[Annotated[int, bounded("at_most")]] | None = None


def read(given: Any) -> SeedPlan:
    """Return the seeds of a study from the value of `seeds` in its file.

    Raises:
        InputError: it is neither a list of different whole numbers nor a plan that makes sense.
    """
    if isinstance(given, Mapping):
        where = "A plan of seeds"
        plan = messages.validated(_Plan, given, name="seeds", where=where, missing=EXAMPLE)
        looks = _looks(plan)
        return SeedPlan(tuple(range(1, looks[-1] + 1)), looks)
    try:
        seeds = TypeAdapter(list[int]).validate_python(given, strict=True)
    except ValidationError as error:
        raise messages.rejected(error, "seeds") from error
    if not seeds:
        raise InputError("seeds is empty: list at least one.")
    twice = [str(seed) for seed in dict.fromkeys(seeds) if seeds.count(seed) > 1]
    if twice:
        raise InputError(f"seeds has {', '.join(twice)} twice: list each once.")
    return SeedPlan(tuple(seeds), ())


def _looks(plan: _Plan) -> tuple[int, ...]:
    """Return after how many seeds a plan looks."""
    looks, at_most = plan.looks, plan.at_most
    if looks == [] or (looks is None and at_most is None):
        missing = "looks" if at_most else "at_most, the largest number of seeds"
        raise InputError(f"seeds has no {missing}: {EXAMPLE}.")
    if looks is None:
        assert at_most is not None
        looks = [min(FIRST_LOOK, at_most)]
        while looks[-1] < at_most:
            looks.append(min(2 * looks[-1], at_most))
    if sorted(set(looks)) != looks:
        raise InputError(f"seeds.looks is {looks}: each look needs more seeds, so {EXAMPLE}.")
    if at_most not in (None, looks[-1]):
        raise InputError(
            f"seeds.at_most={at_most}, but the last look is after {looks[-1]} seeds: let both be "
            "the same."
        )
    return tuple(looks)

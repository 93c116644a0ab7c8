"""Searches: the files of conf/search/, checked."""

import importlib.util
from dataclasses import dataclass, field
from functools import cached_property
from math import log10
from typing import Annotated, Any

from pydantic import AfterValidator
from pydantic.dataclasses import dataclass as pydantic_dataclass

from src.config import messages, named_file, override
from src.config.schema import (
    FORBIDDEN_OVERRIDES,
    NON_TRAINING_KEYS,
    STRICT,
    RunSettings,
    bounded,
    one_of,
    refuse_key,
    unknown,
)
from src.core import metric_names, paths
from src.core.errors import InputError

SEARCHES = paths.CONF / "search"
DIGITS = 4  # significant, of a drawn number: more would be false precision
LOG_UNIFORM, UNIFORM, INTEGER, CHOICES = KINDS = ("log_uniform", "uniform", "integer", "choices")
TPE, RANDOM, GP = SAMPLERS = ("tpe", "random", "gp")
MEDIAN, HYPERBAND, HALVING, NO_PRUNER = PRUNERS = (
    "median",
    "hyperband",
    "successive_halving",
    "none",
)
OBJECTIVES = (metric_names.BEST_VAL_ACCURACY,)
EXAMPLE = "see conf/search/learning_rate_and_decay.yaml"
# What to do instead of setting a key in overrides, and of varying it in space.
REMEDIES = {
    **dict.fromkeys((*FORBIDDEN_OVERRIDES, "split_seed"), "no search may set it, so delete it"),
    "seed": "give it under seed",
    "experiment": "give it under experiment",
}
SPACE_REMEDIES = {
    **dict.fromkeys((*REMEDIES, *NON_TRAINING_KEYS), "no search may vary it, so delete it"),
    "seed": "it is luck, which cannot be tuned, so delete it",
}


@dataclass(frozen=True)
class Range:
    """The values that a key may have."""

    kind: str  # of KINDS
    values: tuple[Any, ...]  # the lowest and the highest, or each of the choices

    @property
    def numeric(self) -> bool:
        """Whether it is an interval of numbers."""
        return self.kind != CHOICES

    def rounded(self, value: float) -> float | int:
        """Return a drawn value with `DIGITS` significant digits, within the bounds."""
        if self.kind == INTEGER:
            return int(value)
        low, high = self.values
        places = DIGITS - 1 - int(log10(abs(value)) // 1) if value else 0
        return min(max(round(float(value), places), float(low)), float(high))

    def __str__(self) -> str:
        """Return the range in words: `0.001 to 0.03 (log-uniform)`."""
        if not self.numeric:
            return ", ".join(map(override.value, self.values))
        low, high = self.values
        return f"{low:g} to {high:g} ({self.kind.replace('_', '-')})"


def _range(key: str, given: Any) -> Range:
    """Return the range of a key, checked."""
    if not isinstance(given, dict) or len(given) != 1:
        raise InputError(
            f"space.{key} is {given}, expected one kind of range, as in {{log_uniform: [0.001, "
            f"0.1]}}: use {', '.join(KINDS)}."
        )
    [(kind, values)] = given.items()
    if kind not in KINDS:
        raise InputError(f"space.{key}.{kind} {unknown(str(kind), KINDS)}")
    start, several = f"space.{key}.{kind} is {values}", isinstance(values, list)
    if kind == CHOICES:
        if not several:
            raise InputError(f"{start}: give a list of values.")
        messages.refuse_twice(f"space.{key}.{kind}", list(map(override.value, values)))
        return Range(kind, tuple(values))
    types = (int,) if kind == INTEGER else (int, float)
    if not several or len(values) != 2 or any(type(value) not in types for value in values):
        numbers = "whole numbers" if kind == INTEGER else "numbers"
        raise InputError(f"{start}: give two {numbers}, low and high.")
    low, high = values
    if low >= high:
        raise InputError(
            f"{start}, but the lower bound is not below the upper: give the lower first, or a "
            "single value under overrides."
        )
    if kind == LOG_UNIFORM and low <= 0:
        raise InputError(
            f"{start}, but a logarithm needs a lower bound above 0: raise it, or use uniform."
        )
    return Range(kind, (low, high))


def _check_sampler(found: str) -> str:
    if found == GP and importlib.util.find_spec("torch") is None:
        raise ValueError(f"needs PyTorch, which is not installed: use {TPE} or {RANDOM}.")
    return found


def _check_objective(found: str) -> str:
    if found.startswith("test") or "kaggle" in found:
        raise ValueError(
            "would choose by the held-out images, which then measure nothing any more: use "
            f"{OBJECTIVES[0]}."
        )
    return found


@pydantic_dataclass(config=STRICT, kw_only=True, frozen=True)
class Search(RunSettings):
    """A number of trials, drawn from a space, all else alike."""

    experiment: str
    space: dict[str, Any] = field(default_factory=dict)  # key: {kind: values}
    trials: Annotated[int, bounded("trials")]  # in all, however often the command is started
    sampler: Annotated[str, one_of(SAMPLERS), AfterValidator(_check_sampler)] = TPE
    pruner: Annotated[str, one_of(PRUNERS)] = MEDIAN
    objective: Annotated[str, AfterValidator(_check_objective), one_of(OBJECTIVES)] = OBJECTIVES[0]
    seed: Annotated[int, bounded("seed")] = 1  # of the draws, and of every training

    def __post_init__(self) -> None:
        """Check the keys in space and in overrides, and the ranges."""
        if not self.space:
            raise InputError(f"space is empty: give at least one key and its range; {EXAMPLE}.")
        for key, given in self.space.items():
            refuse_key(f"space has {key}", key, SPACE_REMEDIES)
            _range(key, given)
        for word in self.overrides:
            key = override.key(word)
            if key in self.space:
                raise InputError(f"{key} is in space and in overrides: delete one of the two.")
            refuse_key(f"overrides has {word}", key, REMEDIES)

    @cached_property
    def ranges(self) -> dict[str, Range]:
        """The values that each key may have."""
        return {key: _range(key, given) for key, given in self.space.items()}


def names() -> list[str]:
    """Return the names of the files of conf/search/, without .yaml."""
    return named_file.names(SEARCHES)


def load(name: str) -> Search:
    """Return the search of conf/search/NAME.yaml; raise InputError if it is missing or wrong."""
    given = named_file.read_named("search", SEARCHES, name)
    with named_file.errors_in(file_of(name)):
        return messages.validated(Search, given, missing=EXAMPLE)


def file_of(name: str) -> str:
    """Return how a sentence names a search's file."""
    return f"conf/search/{name}.yaml"

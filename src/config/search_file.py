"""Searches: the files of conf/search/, checked."""

import importlib.util
from dataclasses import dataclass, field
from functools import cached_property
from math import log10
from typing import Annotated, Any

from pydantic import AfterValidator
from pydantic.dataclasses import dataclass as pydantic_dataclass

from src.config import messages, named_file, override, schema
from src.config.schema import bounded, one_of, unknown
from src.core import metric_names, paths
from src.core.errors import InputError

SEARCHES = paths.CONF / "search"
DIGITS = 4  # significant, of a drawn number: more would be false precision
LOG_UNIFORM, UNIFORM, INTEGER, CHOICES = KINDS = ("log_uniform", "uniform", "integer", "choices")
TPE, RANDOM, GP = SAMPLERS = ("tpe", "random", "gp")
PRUNERS = ("median", "hyperband", "successive_halving", "none")
MEDIAN, HYPERBAND, HALVING, NO_PRUNER = PRUNERS
OBJECTIVES = (metric_names.BEST_VAL_ACCURACY,)
EXAMPLE = "see conf/search/learning_rate_and_decay.yaml"
NOT_SET = (*schema.FORBIDDEN_OVERRIDES, *schema.LUCK)
# Remedies for a key that must not be set in overrides, or varied in space.
REMEDIES = {
    **dict.fromkeys(NOT_SET, "no search may set it, so delete it"),
    "seed": "give it under seed",
    "experiment": "give it under experiment",
}
SPACE_REMEDIES = {
    **dict.fromkeys((*REMEDIES, *schema.NON_TRAINING_KEYS), "no search may vary it, so delete it"),
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
    if not isinstance(given, dict) or len(given) != 1:
        raise InputError(
            f"space.{key} is {given}, expected one kind of range, as in {{log_uniform: [0.001, "
            f"0.1]}}: use {', '.join(KINDS)}."
        )
    [(kind, values)] = given.items()
    name = f"space.{key}.{kind}"
    if kind not in KINDS:
        raise InputError(f"{name} {unknown(str(kind), KINDS)}")
    is_list = isinstance(values, list)
    if kind == CHOICES and is_list:
        messages.refuse_twice(name, list(map(override.value, values)))
        return Range(kind, tuple(values))
    numbers, types = ("whole numbers", (int,)) if kind == INTEGER else ("numbers", (int, float))
    if kind == CHOICES:
        refusal = ": give a list of values"
    elif not is_list or len(values) != 2 or any(type(value) not in types for value in values):
        refusal = f": give two {numbers}, low and high"
    elif values[0] >= values[1]:
        refusal = (
            ", but the lower bound is not below the upper: give the lower first, or a single value "
            "under overrides"
        )
    elif kind == LOG_UNIFORM and values[0] <= 0:
        refusal = ", but a logarithm needs a lower bound above 0: raise it, or use uniform"
    else:
        return Range(kind, tuple(values))
    raise InputError(f"{name} is {values}{refusal}.")


def _check_objective(found: str) -> str:
    if found.startswith("test") or "kaggle" in found:
        raise ValueError(
            "would choose by the held-out images, which could then measure nothing: use "
            f"{OBJECTIVES[0]}."
        )
    return found


@pydantic_dataclass(config=schema.STRICT, kw_only=True, frozen=True)
class Search(schema.RunSettings):
    """A number of trials, drawn from a space, all else alike."""

    experiment: str
    space: dict[str, Any] = field(default_factory=dict)  # key: {kind: values}
    trials: Annotated[int, bounded("trials")]  # in all, however often the command is started
    sampler: Annotated[str, one_of(SAMPLERS)] = TPE
    pruner: Annotated[str, one_of(PRUNERS)] = MEDIAN
    objective: Annotated[str, AfterValidator(_check_objective), one_of(OBJECTIVES)] = OBJECTIVES[0]
    seed: Annotated[int, bounded("seed")] = 1  # of the draws, and of every training

    def __post_init__(self) -> None:
        """Check the values together."""
        if self.sampler == GP and importlib.util.find_spec("torch") is None:
            remedy = f"use {TPE} or {RANDOM}."
            raise InputError(f"sampler={GP} needs PyTorch, which is not installed: {remedy}")
        if not self.space:
            raise InputError(f"space is empty: give at least one key and its range; {EXAMPLE}.")
        for key, given in self.space.items():
            schema.refuse_key(f"space has {key}", key, SPACE_REMEDIES)
            _range(key, given)
        for word in self.overrides:
            key = override.key(word)
            if key in self.space:
                raise InputError(f"{key} is in space and in overrides: delete one of the two.")
            schema.refuse_key(f"overrides has {word}", key, REMEDIES)

    @cached_property
    def ranges(self) -> dict[str, Range]:
        """The values that each key may have."""
        return {key: _range(key, given) for key, given in self.space.items()}


def names() -> list[str]:
    """Return the names of the files of conf/search/, without .yaml."""
    return named_file.names(SEARCHES)


def load(name: str) -> Search:
    """Return the search of conf/search/NAME.yaml; raise InputError if it is missing or wrong."""
    with named_file.definition("search", SEARCHES, name) as given:
        return messages.validated(Search, given, EXAMPLE)

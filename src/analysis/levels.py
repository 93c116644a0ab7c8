"""The level of each run, as its study or sweep declares the factor."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from src.analysis.run_set import ACTIVATION, NAMES
from src.config import factor, override
from src.config.factor import Factor
from src.core.errors import InputError
from src.core.formatting import listed
from src.tracking import run_tags

if TYPE_CHECKING:  # MLflow
    from mlflow.entities import Run

RECIPE = "experiment"  # the group whose files choose from the others


@dataclass(frozen=True)
class Levels:
    """The runs by their level."""

    factor: Factor
    runs: Mapping[str, list[Run]]  # by level, each with one run or more, the oldest first
    values: Mapping[str, str]  # the meaning of each level, as text
    reference: str | None  # the level that the study compares the others with, if it names one
    free: frozenset[str] | None  # the params that the factor sets: groups, keys, or None for any

    def is_free(self, param: str) -> bool:
        """Return whether runs of two levels may differ in a param."""
        if self.free is None:
            return True
        return any(param == key or param.startswith(f"{key}.") for key in self.free)


def of(tags: Mapping[str, str], runs: Sequence[Run]) -> Levels:
    """Return the runs, the oldest first, by level, in the order in which the study or the sweep
    lists these, given the tags of the parent run. Raise InputError if they differ in several keys.
    """
    overrides = _declared(tags)
    key = tags[run_tags.FACTOR]
    grouped: dict[str, list[Run]] = {}
    for run in runs:
        grouped.setdefault(run.data.tags[run_tags.VARIANT], []).append(run)
    order = [label for label in dict.fromkeys([*overrides, *grouped]) if label in grouped]
    values = {label: _meaning(key, overrides.get(label, [f"{key}={label}"])) for label in order}
    words = [word for own in overrides.values() for word in own]
    keys = frozenset([key, *map(override.key, words)])
    reference = tags.get(run_tags.REFERENCE)
    return Levels(
        factor=_factor(key, values.values()),
        runs={shown(key, label): grouped[label] for label in order},
        values={shown(key, label): value for label, value in values.items()},
        reference=shown(key, reference) if reference else None,
        free=None if RECIPE in keys or run_tags.TUNE in tags else keys,
    )


def announced(tags: Mapping[str, str]) -> Factor:
    """Return the factor that a parent run declares; raises as `of` does."""
    labels = _declared(tags)  # first, as it raises where there is no factor
    return _factor(tags[run_tags.FACTOR], labels)


def shown(key: str, label: str) -> str:
    """Return a level's display name: activations have proper names."""
    return NAMES.get(label, label) if key == ACTIVATION else label


def _declared(tags: Mapping[str, str]) -> dict[str, list[str]]:
    """Return the overrides of each level by its label; raise InputError if there is no factor."""
    if run_tags.FACTOR not in tags:
        keys = json.loads(tags.get(run_tags.VARIED, "[]")) or ["no declared factor"]
        raise InputError(
            f"These runs cannot be compared because they differ in {listed(keys)}: "
            "vary one key and the seed in a sweep, or list what belongs together under `variants:` "
            "in a study."
        )
    return json.loads(tags.get(run_tags.LEVELS, "{}"))


def _meaning(key: str, overrides: Sequence[str]) -> str:
    """Return the value of the factor's key at a level, or else all of the level's overrides."""
    values = {override.key(word): word.partition("=")[2] for word in overrides}
    return values.get(key, " ".join(overrides))


def _factor(key: str, values: Iterable[str]) -> Factor:
    return factor.of(key, [_value(value) for value in values])


def _value(text: str) -> Any:
    """Return the number that a text is, or else the text."""
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text
    return value if isinstance(value, int | float) else text

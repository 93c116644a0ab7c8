"""Which level of the factor each run has: as its study says, or found from the differences."""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from src.analysis.run_set import ACTIVATION, NAMES, is_ignored
from src.config import factor
from src.config.factor import Factor
from src.config.schema import CHOICES, GROUPS
from src.core.errors import InputError
from src.core.formatting import listed
from src.tracking import run_tags

if TYPE_CHECKING:  # MLflow
    from mlflow.entities import Run

RECIPE = "experiment"  # the group whose files choose from the others
EXAMPLES = {"activation": "activation=swish,relu", "optimizer": "optimizer=adamw,sgd"}


@dataclass(frozen=True)
class Levels:
    """The runs by their level.

    Attributes:
        runs: by level, each with one run or more, the oldest first.
        values: what each level stands for, as text.
        reference: the level that the study compares the others with, if it names one.
        free: the params that the factor sets: groups, keys, or None for any.
    """

    factor: Factor
    runs: Mapping[str, list[Run]]
    values: Mapping[str, str]
    reference: str | None
    free: frozenset[str] | None

    def is_free(self, param: str) -> bool:
        """Return whether runs of two levels may differ in a param."""
        if self.free is None:
            return True
        return any(param == key or param.startswith(f"{key}.") for key in self.free)

    @property
    def example(self) -> str:
        """Overrides that train two levels."""
        key, [value, *_] = self.factor.key, self.values.values()
        return EXAMPLES.get(key, f"{key}={value},...")


def of(tags: Mapping[str, str], runs: Sequence[Run]) -> Levels:
    """Return the runs by level.

    Args:
        tags: of their parent run. Where they name no factor, as those of a multirun, it is found
            from the differences.
        runs: at least one, the oldest first.

    Raises:
        InputError: they differ in several factors.
    """
    return _planned(tags, runs) if run_tags.FACTOR in tags else _found(tags, runs)


def announced(tags: Mapping[str, str]) -> Factor:
    """Return the factor that a parent run's tags announce: its study's, or that of which the
    multirun's words list several values; else the activation.
    """
    if run_tags.FACTOR in tags:
        labels = json.loads(tags.get(run_tags.LEVELS, "{}"))
        return factor.of(tags[run_tags.FACTOR], list(map(_value, labels)))
    for word in tags.get(run_tags.SWEEP, "").split():
        key, _, values = word.lstrip("+").partition("=")
        if "," in values and key and (key in CHOICES or not is_ignored(key)):
            return factor.of(key, [_value(value) for value in values.split(",")])
    return factor.of(ACTIVATION, [])


def by_value(key: str, values: Sequence[tuple[str, Run]]) -> str:
    """Return which runs have which value: `epochs is 2 in relu-seed1, 3 in relu-seed2`."""
    holders: dict[str, list[str]] = {}
    for value, run in values:
        holders.setdefault(value or "missing", []).append(run.info.run_name)
    found = [f"{value} in {listed(names, most=2)}" for value, names in holders.items()]
    return f"{key} is {', '.join(found[:4])}{', ...' if len(found) > 4 else ''}"


def shown(key: str, label: str) -> str:
    """Return a level as it is shown: activations have names."""
    return NAMES.get(label, label) if key == ACTIVATION else label


# Levels that a study names


def _planned(tags: Mapping[str, str], runs: Sequence[Run]) -> Levels:
    key = tags[run_tags.FACTOR]
    overrides: dict[str, list[str]] = json.loads(tags.get(run_tags.LEVELS, "{}"))
    labels = [(run, run.data.tags.get(run_tags.VARIANT) or level(run, key)) for run in runs]
    grouped = {label: [run for run, its in labels if its == label] for _, label in labels}
    order = [
        *(one for one in overrides if one in grouped),
        *(one for one in grouped if one not in overrides),
    ]
    values = {label: _meant(key, label, overrides.get(label)) for label in order}
    words = [word for ones in overrides.values() for word in ones]
    keys = frozenset([key, *(word.partition("=")[0].lstrip("+~") for word in words)])
    reference = tags.get(run_tags.REFERENCE)
    return Levels(
        factor=factor.of(key, [_value(value) for value in values.values()]),
        runs={shown(key, label): grouped[label] for label in order},
        values={shown(key, label): value for label, value in values.items()},
        reference=shown(key, reference) if reference else None,
        free=None if RECIPE in keys or run_tags.TUNE in tags else keys,
    )


def _meant(key: str, label: str, overrides: Sequence[str] | None) -> str:
    """Return the meaning of a level: the value of the key, or all of its overrides."""
    if overrides is None:
        return label
    for word in overrides:
        own, _, value = word.partition("=")
        if own.lstrip("+") == key:
            return value
    return " ".join(overrides)


# Levels found in the runs


def level(run: Run, key: str) -> str:
    """Return a run's choice of a group, or its value of a param; "missing" if it has none."""
    return (run.data.tags if key in CHOICES else run.data.params).get(key) or "missing"


def _found(tags: Mapping[str, str], runs: Sequence[Run]) -> Levels:
    params = _differing_params(runs)
    chosen = [group for group in CHOICES if len({level(run, group) for run in runs}) > 1]
    if RECIPE in chosen and _explains(RECIPE, [*params, *chosen], runs):
        return _chosen(RECIPE, None, runs)
    factors = [
        *chosen,
        *(param for param in params if _group(param) not in chosen),
        *(param for group in chosen for param in params if _crosses(group, param, runs)),
    ]
    if len(factors) > 1:
        found = [by_value(key, [(level(run, key), run) for run in runs]) for key in factors[:4]]
        raise InputError(
            f"These runs cannot be compared because they differ in {len(factors)} factors: "
            f"{'; '.join(found)}. Start a multirun over one of them, or list what belongs together "
            "under `variants:` in a study."
        )
    if not factors:
        return _chosen(announced(tags).key, None, runs)
    [key] = factors
    if key in CHOICES:
        return _chosen(key, [param for param in params if _group(param) == key], runs)
    return _chosen(key, [], runs)


def _chosen(key: str, settings: Sequence[str] | None, runs: Sequence[Run]) -> Levels:
    """Return the levels of a group or a param.

    Args:
        key: of either.
        settings: params of the group, of which a level's name has those in which runs with the same
            choice differ; None if the choice explains all.
        runs: of all levels.
    """
    named: dict[str, list[Run]] = {}
    values: dict[str, str] = {}
    for run in runs:
        choice = level(run, key)
        alike = [one for one in runs if level(one, key) == choice]
        own = [
            f"{param.partition('.')[2]}={run.data.params[param]}"
            for param in settings or ()
            if param in run.data.params and param in _differing_params(alike)
        ]
        name = shown(key, choice) + (f" ({', '.join(own)})" if own else "")
        named.setdefault(name, []).append(run)
        values[name] = choice if not own else f"{choice} ({', '.join(own)})"
    found = factor.of(key, [_value(value) for value in values.values()])
    order = sorted(named, key=lambda name: float(values[name])) if found.numeric else list(named)
    return Levels(
        factor=found,
        runs={name: named[name] for name in order},
        values={name: values[name] for name in order},
        reference=None,
        free=None if settings is None else frozenset([key]),
    )


def _differing_params(runs: Sequence[Run]) -> list[str]:
    """Return the params that decide weights in which runs differ, sorted."""
    keys = {key for run in runs for key in run.data.params if not is_ignored(key)}
    return [key for key in sorted(keys) if len({run.data.params.get(key) for run in runs}) > 1]


def _group(param: str) -> str:
    """Return the group of conf/ that a param belongs to; empty if to none."""
    group = param.partition(".")[0]
    return group if group in GROUPS else ""


def _explains(key: str, others: Sequence[str], runs: Sequence[Run]) -> bool:
    """Return whether runs with one level of a factor agree in all others."""
    for value in {level(run, key) for run in runs}:
        alike = [run for run in runs if level(run, key) == value]
        if any(len({level(run, other) for run in alike}) > 1 for other in others):
            return False
    return True


def _crosses(group: str, param: str, runs: Sequence[Run]) -> bool:
    """Return whether a param of a group differs within several of its choices: another factor."""
    if _group(param) != group:
        return False
    within = [
        choice
        for choice in {level(run, group) for run in runs}
        if param in _differing_params([run for run in runs if level(run, group) == choice])
    ]
    return len(within) > 1


def _value(text: str) -> Any:
    """Return the number that a text is, or else the text."""
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text
    return value if isinstance(value, int | float) else text

"""The name of a run in MLflow: its activation, its differences from the defaults, its seed."""

from collections.abc import Iterator, Mapping, Sequence
from functools import reduce
from typing import Any, cast

import yaml

from src.config import override
from src.config.schema import CHOICES, NON_TRAINING_KEYS, STAGES
from src.core import paths
from src.tracking import environment

ACTIVATION, RECIPE = "activation", "experiment"
ORDER = (ACTIVATION, RECIPE, *(group for group in CHOICES if group not in (ACTIVATION, RECIPE)))
KEYS_NOT_IN_NAME = (*NON_TRAINING_KEYS, "seed", "split_seed", *STAGES)
MAX_VALUES = 4  # in a name; of more, their number


def run_name(values: Mapping[str, Any], choices: Mapping[str, str], named_by: Sequence[str]) -> str:
    """Return the name of a run: `relu-seed1`, or `swish-lenet5-learning_rate=0.02-seed3`.

    The defaults are those of the committed params.yaml, so that a value changed by `dvc exp run -S`
    shows in the name; a recipe stands for all that it sets.

    Args:
        values: the configuration, nested.
        choices: the chosen file of each group.
        named_by: keys that a sweep varies: they are in the name even where they are the defaults.
    """
    return "-".join([*_words(values, choices, named_by), f"seed{values['seed']}"])


def _words(
    settings: Mapping[str, Any], choices: Mapping[str, str], named_by: Sequence[str]
) -> list[str]:
    """Return the parts of the name before the seed."""
    defaults = _defaults(choices)
    words = [
        choices[group]
        for group in ORDER
        if group == ACTIVATION or group in named_by or choices[group] != defaults.choices[group]
    ]
    keys = [key for key in named_by if key not in CHOICES]
    keys += [key for key in _differing(settings, defaults.values) if key not in keys]
    values = [
        f"{_shortest(key, keys)}={override.label(_value(settings, key))}"
        for key in keys[:MAX_VALUES]
    ]
    more = [f"{len(keys) - MAX_VALUES}-more"] if len(keys) > MAX_VALUES else []
    return [*words, *values, *more]


class _Defaults:
    """The defaults of a run, given its recipe and its choices.

    Attributes:
        choices: the file of each group, from the recipe or else params.yaml.
        values: of the chosen files, the recipe and params.yaml, nested.
    """

    def __init__(self, params: Mapping[str, Any], choices: Mapping[str, str]):
        recipe = _file(RECIPE, choices[RECIPE])
        overridden = {
            key.removeprefix("override ").removeprefix("/"): name
            for entry in recipe.pop("defaults", [])
            if isinstance(entry, dict)
            for key, name in entry.items()
        }
        self.choices = {**{group: params.get(group) for group in CHOICES}, **overridden}
        self.values: dict[str, Any] = {
            **{key: value for key, value in params.items() if key not in CHOICES},
            **{group: _file(group, choices[group]) for group in CHOICES if group != RECIPE},
        }
        for key, value in recipe.items():
            known = self.values.get(key)
            both = isinstance(known, dict) and isinstance(value, dict)
            self.values[key] = cast(dict[str, Any], known) | value if both else value


def _defaults(choices: Mapping[str, str]) -> _Defaults:
    """Return the defaults of the committed params.yaml; without git, of the one that is there."""
    text = environment.committed(paths.PARAMS) or paths.PARAMS.read_text()
    return _Defaults(yaml.safe_load(text), choices)


def _file(group: str, name: str) -> dict[str, Any]:
    """Return the contents of a file of conf/; nothing if it does not exist."""
    path = paths.CONF / group / f"{name}.yaml"
    return (yaml.safe_load(path.read_text()) or {}) if path.is_file() else {}


def _differing(
    settings: Mapping[str, Any], defaults: Mapping[str, Any], prefix: str = ""
) -> Iterator[str]:
    """Yield the dotted keys of the values that differ from the defaults."""
    for key, value in settings.items():
        if not prefix and (key in KEYS_NOT_IN_NAME or key not in defaults):
            continue
        known = defaults.get(key)
        if isinstance(value, dict) and isinstance(known, dict):
            yield from _differing(value, known, f"{prefix}{key}.")
        elif not _same(value, known):
            yield f"{prefix}{key}"


def _same(value: Any, known: Any) -> bool:
    """Return whether a value equals a file's: YAML reads 1e-3 as text."""
    if isinstance(known, str) and "${" in known:  # an interpolation
        return True
    if isinstance(value, float) and isinstance(known, str):
        try:
            return value == float(known)
        except ValueError:
            return False
    return bool(value == known)


def _shortest(key: str, keys: Sequence[str]) -> str:
    """Return the last part of a dotted key, or all of it if another key ends alike."""
    last = key.rpartition(".")[2]
    return key if sum(one.rpartition(".")[2] == last for one in keys) > 1 else last


def _value(settings: Any, key: str) -> Any:
    """Return the value of a dotted key."""
    return reduce(lambda node, name: node[name], key.split("."), settings)

"""The name of a run in MLflow: its activation, its differences from the defaults, its seed."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import yaml

from src.config import override
from src.config.schema import CHOICES, LUCK, NON_TRAINING_KEYS, STAGES
from src.core import paths
from src.tracking import environment

ACTIVATION, RECIPE = "activation", "experiment"
ORDER = (ACTIVATION, RECIPE, *(group for group in CHOICES if group not in (ACTIVATION, RECIPE)))
KEYS_NOT_IN_NAME = (*NON_TRAINING_KEYS, *LUCK, *STAGES)
MAX_VALUES = 4  # in a name; of more, their number


def run_name(values: Mapping[str, Any], choices: Mapping[str, str], named_by: Sequence[str]) -> str:
    """Return the name of a run: `relu-seed1`, or `swish-lenet5-learning_rate=0.02-seed3`.

    The defaults are those of the committed params.yaml, so that a value changed by `dvc exp run -S`
    shows in the name; a recipe stands for all that it sets. The keys `named_by` are in the name
    even where they are the defaults, as those that a sweep varies.
    """
    default_choices, defaults = _defaults(choices)
    words = [
        choices[group]
        for group in ORDER
        if group in (ACTIVATION, *named_by) or choices[group] != default_choices.get(group)
    ]
    flat, parts = override.flat(values), {key.partition(".")[0] for key in defaults}
    parts.difference_update(KEYS_NOT_IN_NAME, [RECIPE])
    keys = [key for key in named_by if key not in CHOICES]
    for key, value in flat.items():
        known = key in keys or key.partition(".")[0] not in parts
        if not known and not _same(value, defaults.get(key)):
            keys.append(key)
    ends = [key.rpartition(".")[2] for key in keys]  # a key is whole where another ends alike
    for key, end in list(zip(keys, ends, strict=True))[:MAX_VALUES]:
        words.append(f"{key if ends.count(end) > 1 else end}={override.label(flat[key])}")
    more = [f"{len(keys) - MAX_VALUES}-more"] if len(keys) > MAX_VALUES else []
    return "-".join([*words, *more, f"seed{values['seed']}"])


def _defaults(choices: Mapping[str, str]) -> tuple[dict[str, str], dict[str, Any]]:
    """Return the default file of each group, and the values by dotted keys: of the chosen files,
    the recipe, and the committed params.yaml; without git, of the one that is there.
    """
    params = yaml.safe_load(environment.committed(paths.PARAMS) or paths.PARAMS.read_text())
    recipe = _file(RECIPE, choices[RECIPE])
    overridden = {
        key.removeprefix("override ").removeprefix("/"): name
        for entry in recipe.pop("defaults", [])
        if isinstance(entry, dict)
        for key, name in entry.items()
    }
    files = {group: _file(group, choices[group]) for group in CHOICES if group != RECIPE}
    values = override.flat({**params, **files}) | override.flat(recipe)
    return {**params, **overridden}, values


def _file(group: str, name: str) -> dict[str, Any]:
    """Return the contents of a file of conf/; nothing if it does not exist."""
    path = paths.CONF / group / f"{name}.yaml"
    return (yaml.safe_load(path.read_text()) or {}) if path.is_file() else {}


def _same(value: Any, known: Any) -> bool:
    """Return whether a value equals a file's: YAML reads 1e-3 as text."""
    if isinstance(known, str) and isinstance(value, float):
        with suppress(ValueError):
            return value == float(known)
    return bool(value == known) or (isinstance(known, str) and "${" in known)  # an interpolation

"""How the configuration is composed: params.yaml for values and choices, conf/ for the rest.

params.yaml is the one place for values: DVC tracks it and this module gives it to Hydra. A key
that is named like a folder of conf/ chooses a file from there; every other key is a value.
"""

import textwrap
from dataclasses import fields
from pathlib import Path
from typing import Any, Literal, cast, overload

from hydra import compose as hydra_compose
from hydra import initialize_config_dir
from hydra.core.config_store import ConfigStore
from omegaconf import DictConfig, OmegaConf, open_dict
from omegaconf.errors import OmegaConfBaseException

from src.config.messages import describe, explain, is_refusal
from src.config.schema import (
    CHOICES,
    GROUPS,
    STAGES,
    Config,
    Fetch,
    Preprocess,
    check_types,
    kind_of,
    refuse_unknown,
)
from src.runtime.errors import InputError
from src.runtime.paths import CONF, PARAMS


def _params() -> dict[Any, Any]:
    if not PARAMS.is_file():
        raise InputError(
            f"{PARAMS} is not in {Path.cwd()}: run this command from the project's root folder."
        )
    try:
        params = OmegaConf.to_container(OmegaConf.load(PARAMS))
    except Exception as error:  # YAML's own errors have no common type in OmegaConf's API
        reason = " ".join(str(error).split())
        raise InputError(f"{PARAMS} is not readable as YAML ({reason}): fix it.") from error
    if not isinstance(params, dict):
        raise InputError(f"{PARAMS} holds {kind_of(params)}, expected `key: value` lines: fix it.")
    return params


@overload
def stage(name: Literal["fetch"]) -> Fetch: ...
@overload
def stage(name: Literal["preprocess"]) -> Preprocess: ...
def stage(name: str) -> Fetch | Preprocess:
    """Return the section `name` of params.yaml, checked.

    Raises:
        InputError: the section or a key is missing, unknown, of a wrong type or out of range.
    """
    schema = STAGES[name]
    params = _params()
    if not isinstance(params.get(name), dict):
        raise InputError(f"{PARAMS} has no section {name!r}: restore it from git.")
    known = [field.name for field in fields(schema)]
    refuse_unknown(f"{name}.", params[name], known, f"Section {name} of {PARAMS}")
    try:
        merged = OmegaConf.merge(OmegaConf.structured(schema), params[name])
        for key in known:
            if OmegaConf.is_missing(merged, key):
                raise InputError(f"{PARAMS} has no {name}.{key}: restore it from git.")
        return cast(Fetch | Preprocess, OmegaConf.to_object(merged))
    except OmegaConfBaseException as error:
        raise InputError(f"{name}.{describe(error)}") from error


def register() -> None:
    """Give Hydra the nodes `schema`, `params` and `recipe`; call before hydra.main's function.

    Raises:
        InputError: params.yaml cannot be read, has an unknown key, or a choice that is no name.
    """
    params = {key: value for key, value in _params().items() if key not in STAGES}
    refuse_unknown("", params, [*Config.__dataclass_fields__, "experiment"], str(PARAMS))
    choices = {key: params.pop(key) for key in list(params) if (CONF / key).is_dir()}
    for group, choice in choices.items():
        if not isinstance(choice, str):
            raise InputError(
                f"{group} in {PARAMS} is {kind_of(choice)} ({choice}), but it chooses a file: "
                f"give the name of one in conf/{group}/."
            )
    experiment = choices.pop("experiment", "default")
    store = ConfigStore.instance()
    store.store(name="schema", node=Config)
    groups = [{group: choice} for group, choice in choices.items()]
    store.store(name="params", node={"defaults": ["_self_", *groups], **params})
    store.store(name="recipe", node={"defaults": [{"experiment": experiment}]})
    OmegaConf.register_new_resolver("choices", _choices, replace=True)  # for --help


def _choices() -> str:
    """Return a line for each group, with all that can be chosen in it."""
    names = {
        group: sorted(path.stem for path in (CONF / group).glob("*.yaml")) for group in CHOICES
    }
    lines = [f"{group}: {', '.join(names[group])}" for group in sorted(names)]
    return "\n".join(textwrap.fill(line, 78, subsequent_indent="  ") for line in lines)


def resolve(composed: Any, choices: dict[str, str]) -> Config:
    """Return the checked configuration from what Hydra composed.

    Args:
        composed: the DictConfig that Hydra gives to the task function.
        choices: the chosen file of each group (`HydraConfig.get().runtime.choices`).

    Raises:
        InputError: a value is missing, of a wrong type or out of range.
    """
    refuse_unknown("", composed, Config.__dataclass_fields__, "The configuration")
    try:
        cfg = OmegaConf.to_object(composed)
    except OmegaConfBaseException as error:
        raise InputError(describe(error)) from error
    assert isinstance(cfg, Config)
    for group in GROUPS:
        if not isinstance(choices.get(group), str):
            raise InputError(
                f"{group} chooses no file, or several: give the name of one in conf/{group}/."
            )
        check_types(group, choices[group], getattr(cfg, group))
    return cfg


def compose(*overrides: str) -> Config:
    """Return the checked configuration that `python -m src.train <overrides>` would train.

    Raises:
        InputError: as `register` and `resolve`, or an override is none.
    """
    return resolve(*composition(*overrides))


def composition(*overrides: str) -> tuple[DictConfig, dict[str, str]]:
    """Return what Hydra composes for `python -m src.train <overrides>`, and the choices in it: what
    `resolve` takes.

    Raises:
        InputError: as `register`, or Hydra refuses an override.
    """
    register()
    try:
        with initialize_config_dir(str(CONF), version_base="1.3"):
            composed = hydra_compose("config", list(overrides), return_hydra_config=True)
    except Exception as error:
        if not is_refusal(error):
            raise
        raise explain(error) from error
    choices = composed.hydra.runtime.choices
    with open_dict(composed):
        del composed["hydra"]
    return composed, choices

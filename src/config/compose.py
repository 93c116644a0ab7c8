"""The configuration as Hydra composes it, from params.yaml, which DVC tracks, and conf/."""

import textwrap
from dataclasses import fields
from numbers import Real
from pathlib import Path
from typing import Any, NamedTuple

from hydra import compose as hydra_compose
from hydra import initialize_config_dir
from hydra.core.config_store import ConfigStore
from omegaconf import DictConfig, OmegaConf, open_dict
from omegaconf.errors import OmegaConfBaseException
from pydantic import ValidationError

from src.config import messages, named_file
from src.config.messages import Form, kind_of, nested, refuse_unknown
from src.config.schema import CHOICES, GROUPS, STAGES, Config
from src.core.errors import InputError
from src.core.paths import CONF, PARAMS

KEYS = [field.name for field in fields(Config)]


class Composition(NamedTuple):
    """The configuration that Hydra composed for a run, and the chosen file of each group."""

    composed: DictConfig
    choices: dict[str, str]


def _params() -> dict[Any, Any]:
    if not PARAMS.is_file():
        remedy = "run this command from the project's root folder."
        raise InputError(f"{PARAMS} is not in {Path.cwd()}: {remedy}")
    return named_file.read(PARAMS, str(PARAMS))


def stage(form: type[Form]) -> Form:
    """Return the section of params.yaml for a stage; raise InputError if it or a value is wrong."""
    name, restore = form.__name__.lower(), f"restore it in {PARAMS} from git"
    section = _params().get(name)
    if not isinstance(section, dict):
        raise InputError(f"{PARAMS} has no section {name!r}: {restore}.")
    return messages.validated(form, section, restore, name)


def register() -> None:
    """Give Hydra the nodes `schema`, `params` and `recipe`; raise InputError if they are wrong."""
    params = {key: value for key, value in _params().items() if key not in STAGES}
    refuse_unknown("", params, [*KEYS, "experiment"], str(PARAMS))
    # A key named like a folder of conf/ chooses a file there.
    choices = {key: params.pop(key) for key in list(params) if (CONF / key).is_dir()}
    for group, choice in choices.items():
        if not isinstance(choice, str):
            raise InputError(
                f"{group} in {PARAMS} is {kind_of(choice)} ({choice}), but it chooses a file: "
                f"give the name of one in conf/{group}/."
            )
    experiment = choices.pop("experiment", "default")
    groups = [{group: choice} for group, choice in choices.items()]
    store = ConfigStore.instance().store
    store(name="schema", node=Config)
    store(name="params", node={"defaults": ["_self_", *groups], **params})
    store(name="recipe", node={"defaults": [{"experiment": experiment}]})
    OmegaConf.register_new_resolver("choices", _choices, replace=True)  # for --help


def _choices() -> str:
    lines = [f"{group}: {', '.join(named_file.names(CONF / group))}" for group in sorted(CHOICES)]
    return "\n".join(textwrap.fill(line, 78, subsequent_indent="  ") for line in lines)


def resolve(composed: DictConfig, choices: dict[str, str]) -> Config:
    """Return a configuration that Hydra composed, with each group's choice; raise InputError if a
    value is missing or wrong.
    """
    refuse_unknown("", composed, KEYS, "")
    try:
        cfg = OmegaConf.to_object(composed)
    except OmegaConfBaseException as error:
        raise InputError(messages.describe(error)) from error
    except ValidationError as error:
        section = "" if error.title == Config.__name__ else error.title.lower()
        raise messages.rejected(error, section) from error
    assert isinstance(cfg, Config)
    for group in GROUPS:
        if not isinstance(choices.get(group), str):
            remedy = f"give the name of one in conf/{group}/."
            raise InputError(f"{group} chooses no file, or several: {remedy}")
        _check_kinds(group, choices[group], getattr(cfg, group))
    return cfg


def _check_kinds(group: str, choice: str, node: dict[str, Any]) -> None:
    """Refuse a key that the group's own file lacks, or a value of another kind than there."""
    file = f"conf/{group}/{choice}.yaml"
    defaults = named_file.read(CONF / group / f"{choice}.yaml", file)
    refuse_unknown(f"{group}.", node, defaults, file)
    for key, default in defaults.items():
        value = node.get(key)
        if default is None or (isinstance(default, str) and "${" in default):
            continue
        kind = Real if type(default) is float else type(default)  # 5 may stand where 5.0 does
        fits = isinstance(value, kind) and isinstance(value, bool) == isinstance(default, bool)
        if not fits or nested(value) != nested(default):
            raise InputError(
                f"{group}.{key}={value} is {kind_of(value)}, but {file} has {kind_of(default)} "
                f"there ({default}): give a value of that kind."
            )


def compose(*overrides: str) -> Config:
    """Return the checked configuration that `python -m src.train <overrides>` would train."""
    return resolve(*composition(*overrides))


def composition(*overrides: str) -> Composition:
    """Return the arguments of `resolve` for `python -m src.train <overrides>`."""
    register()
    try:
        with initialize_config_dir(str(CONF), version_base="1.3"):
            composed = hydra_compose("config", list(overrides), return_hydra_config=True)
    except Exception as error:
        if not messages.is_refusal(error):
            raise
        raise messages.explain(error) from error
    choices = composed.hydra.runtime.choices
    with open_dict(composed):
        del composed["hydra"]
    return Composition(composed, choices)

"""The configuration: params.yaml for values and choices, conf/ for what can be chosen.

params.yaml is the one place for values: DVC tracks it and this module gives it to Hydra. A key
that is named like a folder of conf/ chooses a file from there; every other key is a value. Names,
types and ranges are checked here, before anything slow is imported.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, is_dataclass
from numbers import Real
from pathlib import Path
from typing import Any

from hydra import compose as hydra_compose
from hydra import initialize_config_dir
from hydra.core.config_store import ConfigStore
from hydra.errors import (
    HydraException,
    InstantiationException,
    MissingConfigException,
    OverrideParseException,
)
from omegaconf import MISSING, DictConfig, OmegaConf, open_dict
from omegaconf.errors import ConfigAttributeError, ConfigKeyError, OmegaConfBaseException
from yaml import YAMLError

from src.runtime.errors import InputError, did_you_mean
from src.runtime.paths import PARAMS

CONF = Path(__file__).resolve().parents[2] / "conf"

SOURCES = ("mnist", "fashion_mnist", "kaggle", "files")
LAYOUTS = {"kaggle": (42_000, 28_000), "mnist": (60_000, 10_000), "any": None}  # rows: train, test
PRECISIONS = ("auto", "float32", "mixed_bfloat16", "mixed_float16")

# Ranges of the numbers in conf/'s groups, by the names that Keras gives them: (low, high).
RANGES = {
    "learning_rate": (1e-12, 1e3),
    "dropout": (0, 0.999),
    "min_lr": (0, 1e3),
    "factor": (0, 0.999),
    "patience": (0, 1e6),
    "warmup": (0, 0.999),
    "initial_factor": (0, 1),
    "beta_1": (0, 0.999999),
    "beta_2": (0, 0.999999),
    "momentum": (0, 1),
    "weight_decay": (0, 1e3),
    "rotation": (0, 180),
    "zoom": (0, 0.99),
    "shift": (0, 1),
    "displacement": (0, 28),
    "grid": (2, 28),
    "border": (0, 8),
    "units": (1, 1e6),
    "filters": (1, 1e6),
}


@dataclass
class Fetch:
    """Where the data comes from."""

    source: str = MISSING
    layout: str = MISSING
    path: str | None = None
    seed: int = MISSING

    def __post_init__(self) -> None:
        """Check the values; OmegaConf.to_object calls this."""
        _one_of("fetch.source", self.source, SOURCES)
        _one_of("fetch.layout", self.layout, LAYOUTS)
        _within("fetch.seed", self.seed, 0, 2**32 - 1)
        if self.source == "files" and not self.path:
            raise InputError(
                "fetch.path is empty, but fetch.source=files reads the CSVs from a folder: set "
                "fetch.path in params.yaml to the folder with train.csv and test.csv."
            )


@dataclass
class Preprocess:
    """How the labelled images are split."""

    valid_fraction: float = MISSING
    seed: int = MISSING

    def __post_init__(self) -> None:
        """Check the values."""
        _within("preprocess.valid_fraction", self.valid_fraction, 0.001, 0.9)
        _within("preprocess.seed", self.seed, 0, 2**32 - 1)


@dataclass
class Mlflow:
    """Where a run is recorded."""

    experiment: str = MISSING
    parent_run_id: str | None = None


@dataclass
class Config:
    """What train reads: the chosen groups, with their values, and its own values."""

    activation: dict[str, Any] = field(default_factory=dict)
    model: dict[str, Any] = field(default_factory=dict)
    optimizer: dict[str, Any] = field(default_factory=dict)
    schedule: dict[str, Any] = field(default_factory=dict)
    augmentation: dict[str, Any] = field(default_factory=dict)
    seed: int = MISSING
    epochs: int = MISSING
    batch_size: int = MISSING
    label_smoothing: float = MISSING
    precision: str = MISSING
    deterministic: bool = MISSING
    submission: bool = True
    mlflow: Mlflow = field(default_factory=Mlflow)

    def __post_init__(self) -> None:
        """Check the values."""
        _within("seed", self.seed, 0, 2**31 - 1)
        _within("epochs", self.epochs, 1, 100_000)
        _within("batch_size", self.batch_size, 1, 1_000_000)
        _within("label_smoothing", self.label_smoothing, 0, 0.99)
        _one_of("precision", self.precision, PRECISIONS)
        for group in GROUPS:
            _check_ranges(group, getattr(self, group))


GROUPS = ("activation", "model", "optimizer", "schedule", "augmentation")
CHOICES = (*GROUPS, "experiment")
NO_NAME = "Config group override must be"  # Hydra's words for a choice such as activation=null
STAGES = {"fetch": Fetch, "preprocess": Preprocess}


def _one_of(name: str, found: str, known: Any) -> None:
    if found != MISSING and found not in known:
        raise InputError(
            f"{name}={found} is unknown. {did_you_mean(found, list(known))}"
            f"Choose one of {', '.join(known)}."
        )


def refuse_unknown(prefix: str, found: Iterable[Any], known: Iterable[str], where: str) -> None:
    """Raise InputError for the first key of `found` that is not `known`.

    Args:
        prefix: of the key's full name.
        found: keys.
        known: keys.
        where: what knows them, for the sentence.
    """
    known = list(known)
    for key in found:
        if key not in known:
            raise InputError(
                f"{prefix}{key} is unknown. {did_you_mean(str(key), known)}"
                f"{where} knows {', '.join(known)}."
            )


def _within(name: str, found: Any, low: float, high: float) -> None:
    if found != MISSING and not low <= found <= high:
        raise InputError(f"{name}={found} is out of range: use a number from {low} to {high}.")


def _check_ranges(name: str, node: Any) -> None:
    children = node.items() if isinstance(node, dict) else []
    for key, value in children:
        for number in _numbers(value) if key in RANGES else ():
            _within(f"{name}.{key}", number, *RANGES[key])
        _check_ranges(f"{name}.{key}", value)


def _numbers(value: Any) -> Iterator[Real]:
    """Yield a number, or the numbers of a list, however deep they lie in it."""
    if isinstance(value, list):
        for member in value:
            yield from _numbers(member)
    elif isinstance(value, Real) and not isinstance(value, bool):
        yield value


def _check_types(group: str, choice: str, node: dict[str, Any]) -> None:
    """Refuse a key that the group's own file lacks, or a value of another type than its."""
    path = CONF / group / f"{choice}.yaml"
    defaults = OmegaConf.to_container(OmegaConf.load(path), resolve=False)
    refuse_unknown(f"{group}.", node, defaults, f"conf/{group}/{choice}.yaml")
    for key, default in defaults.items():
        value = node.get(key)
        if default is None or (isinstance(default, str) and "${" in default):
            continue
        kind = Real if type(default) is float else type(default)  # 5 may stand where 5.0 does
        fits = isinstance(value, kind) and isinstance(value, bool) == isinstance(default, bool)
        if not fits:
            raise InputError(
                f"{group}.{key}={value} is {_kind(value)}, but conf/{group}/{choice}.yaml has "
                f"{_kind(default)} there ({default}): give a value of that kind."
            )


def _kind(value: Any) -> str:
    kinds = {
        bool: "true/false",
        int: "a whole number",
        float: "a number",
        str: "a text",
        list: "a list",
    }
    return kinds.get(type(value), "empty" if value is None else f"a {type(value).__name__}")


def _params() -> dict[str, Any]:
    if not PARAMS.is_file():
        raise InputError(
            f"{PARAMS} is not in {Path.cwd()}: run this command from the project's root folder."
        )
    try:
        params = OmegaConf.to_container(OmegaConf.load(PARAMS))
    except Exception as error:  # YAML's own errors have no common type in OmegaConf's API
        reason = " ".join(str(error).split())
        raise InputError(f"{PARAMS} is not readable as YAML ({reason}): mend it.") from error
    if not isinstance(params, dict):
        raise InputError(f"{PARAMS} holds {_kind(params)}, expected `key: value` lines: mend it.")
    return params


def describe(
    error: OmegaConfBaseException, place: str = "params.yaml or on the command line"
) -> str:
    """Return one sentence for OmegaConf's error: the key, what is wrong, and where to mend it."""
    if isinstance(error, ConfigKeyError | ConfigAttributeError) and error.parent_node is not None:
        known = [str(key) for key in error.parent_node if key != "hydra"]
        return (
            f"{error.full_key} is unknown. {did_you_mean(str(error.key), known)}"
            f"Known are {', '.join(known)}."
        )
    what = str(error.msg or error).split("\n")[0].rstrip(".")
    where = f"{error.full_key}: " if error.full_key else ""
    return f"{where}{what}. Mend it in {place}."


def stage(name: str) -> Fetch | Preprocess:
    """Return the section `name` of params.yaml, checked.

    Raises:
        InputError: the section or a key is missing, unknown, of a wrong type or out of range.
    """
    schema = STAGES[name]
    params = _params()
    if not isinstance(params.get(name), dict):
        raise InputError(f"{PARAMS} has no section {name!r}: restore it from git.")
    known = list(schema.__dataclass_fields__)
    refuse_unknown(f"{name}.", params[name], known, f"Section {name} of {PARAMS}")
    try:
        merged = OmegaConf.merge(OmegaConf.structured(schema), params[name])
        for key in known:
            if OmegaConf.is_missing(merged, key):
                raise InputError(f"{PARAMS} has no {name}.{key}: restore it from git.")
        return OmegaConf.to_object(merged)
    except OmegaConfBaseException as error:
        raise InputError(f"{name}.{describe(error)}") from error


def is_refusal(error: Exception) -> bool:
    """Return whether `error` is Hydra's, OmegaConf's or YAML's word on what the user configured."""
    kinds = HydraException | OmegaConfBaseException | YAMLError
    return isinstance(error, kinds) or NO_NAME in str(error)


def explain(error: HydraException | OmegaConfBaseException | YAMLError | ValueError) -> InputError:
    """Return the sentence for a configuration that Hydra, OmegaConf or a `_target_` refused."""
    if NO_NAME in str(error):
        return InputError(
            f"A choice is no name ({error}): give each of {', '.join(CHOICES)} the name of a "
            "file in its folder of conf/."
        )
    if isinstance(error, YAMLError):
        reason = " ".join(str(error).split())
        return InputError(f"A file of conf/ is not YAML ({reason}): mend it.")
    what = None
    while not isinstance(error, MissingConfigException | OmegaConfBaseException):
        if isinstance(error, InstantiationException):
            what = str(error).split("\n")[0].split(", set env")[0].rstrip(":")
        if error.__cause__ is None:
            break
        error = error.__cause__
    if what and not isinstance(error, InputError):
        why = str(error).split("\n")[0].rstrip(".")
        return InputError(f"{what}: {why}. Compare the values with those of its file in conf/.")
    if isinstance(error, MissingConfigException) and error.options:
        group, _, found = (error.missing_cfg_file or "").rpartition("/")
        return InputError(
            f"{group}={found} is unknown. {did_you_mean(found, list(error.options))}"
            f"Choose one of {', '.join(error.options)}, or add conf/{group}/{found}.yaml."
        )
    if isinstance(error, OmegaConfBaseException):
        return InputError(describe(error))
    if isinstance(error, OverrideParseException):
        return InputError(
            f"{error.override!r} is not readable as an override: write key=value, or one of the "
            "forms of https://hydra.cc/docs/1.3/advanced/override_grammar/basic."
        )
    return InputError(" ".join(str(error).split()).rstrip(".") + ".")


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
                f"{group} in {PARAMS} is {_kind(choice)} ({choice}), but it chooses a file: "
                f"give the name of one in conf/{group}/."
            )
    experiment = choices.pop("experiment", "default")
    store = ConfigStore.instance()
    store.store(name="schema", node=Config)
    groups = [{group: choice} for group, choice in choices.items()]
    store.store(name="params", node={"defaults": ["_self_", *groups], **params})
    store.store(name="recipe", node={"defaults": [{"experiment": experiment}]})


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
    assert is_dataclass(cfg)
    for group in GROUPS:
        if not isinstance(choices.get(group), str):
            raise InputError(
                f"{group} chooses no file, or several: give the name of one in conf/{group}/."
            )
        _check_types(group, choices[group], getattr(cfg, group))
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

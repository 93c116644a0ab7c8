"""The sentences that refuse a configuration: the key, the value found, and what to do.

Hydra, OmegaConf and YAML each raise errors of their own; `explain` words them all.
"""

from collections.abc import Callable
from types import UnionType
from typing import Any, get_args, get_origin

from hydra.errors import (
    ConfigCompositionException,
    HydraException,
    InstantiationException,
    MissingConfigException,
    OverrideParseException,
)
from omegaconf import Node, OmegaConf, ValueNode
from omegaconf.errors import (
    ConfigAttributeError,
    ConfigKeyError,
    OmegaConfBaseException,
    UnsupportedValueType,
    ValidationError,
)
from yaml import YAMLError

from src.config.schema import CHOICES, kind_of
from src.runtime.errors import InputError, did_you_mean

# Hydra's words for a choice such as activation=null, for a list without -m, and of a flag's misuse.
NO_NAME = "Config group override must be"
AMBIGUOUS = "Ambiguous value for argument "
RESOLVE = "The --resolve flag"
AT_HAND = "params.yaml or on the command line"  # where most values are


def describe(error: OmegaConfBaseException, place: str = AT_HAND) -> str:
    """Return one sentence for OmegaConf's error: the key, what is wrong, and where to fix it."""
    if isinstance(error, ConfigKeyError | ConfigAttributeError) and error.parent_node is not None:
        known = [str(key) for key in error.parent_node if key != "hydra"]
        return (
            f"{error.full_key} is unknown. {did_you_mean(str(error.key), known)}"
            f"Known are {', '.join(known)}."
        )
    if expected := _expected(error):
        return f"{error.full_key} is {_found(error)}, expected {expected}. Fix it in {place}."
    what = str(error.msg or error).split("\n")[0].rstrip(".")
    where = f"{error.full_key}: " if error.full_key else ""
    return f"{where}{what}. Fix it in {place}."


def _expected(error: OmegaConfBaseException) -> str | None:
    """Return what kind of value the schema asks for where `error` found another."""
    fields = getattr(error.object_type, "__dataclass_fields__", {})
    if not isinstance(error, ValidationError | UnsupportedValueType) or error.key not in fields:
        return None
    kind = fields[error.key].type
    if isinstance(kind, UnionType):  # such as str | None
        kind = get_args(kind)[0]
    return KINDS.get(get_origin(kind) or kind, "a group of keys")


def _found(error: OmegaConfBaseException) -> str:
    value = getattr(error, "value", None)
    if isinstance(value, Node):
        value = value._value() if isinstance(value, ValueNode) else OmegaConf.to_container(value)
    return kind_of(value) if value in (None, "") else f"{kind_of(value)} ({value})"


def is_refusal(error: Exception) -> bool:
    """Return whether `error` is Hydra's, OmegaConf's or YAML's word on what the user configured."""
    kinds = HydraException | OmegaConfBaseException | YAMLError
    return isinstance(error, kinds) or NO_NAME in str(error) or str(error).startswith(RESOLVE)


def explain(error: Exception) -> InputError:
    """Return the sentence for a configuration that Hydra, OmegaConf or a `_target_` refused.

    Args:
        error: one that `is_refusal` knows.
    """
    if NO_NAME in str(error):
        return InputError(
            f"A choice is no name ({error}): give each of {', '.join(CHOICES)} the name of a "
            "file in its folder of conf/."
        )
    if str(error).startswith(AMBIGUOUS):
        word = str(error).removeprefix(AMBIGUOUS).split("\n")[0].strip("'")
        return InputError(
            f"{word} lists several values: give one, or add -m to src.train to make a run of each."
        )
    cause = root_cause(error)
    target = _failed_target(error)
    if target and not isinstance(cause, InputError):
        why = str(cause).split("\n")[0].rstrip(".")
        return InputError(f"{target}: {why}. Compare the values with those of its file in conf/.")
    for kind, sentence in SENTENCES.items():
        if isinstance(cause, kind):
            return InputError(sentence(cause))
    return InputError(f"{_one_line(cause)}.")


def root_cause(error: BaseException) -> BaseException:
    """Return the first in the chain of causes that has a sentence of its own, or the last."""
    while not isinstance(error, tuple(SENTENCES)):
        cause = error.__cause__
        if isinstance(error, ConfigCompositionException):  # Hydra does not always name the cause
            cause = cause or error.__context__
        if cause is None:
            break
        error = cause
    return error


def _failed_target(error: BaseException | None) -> str | None:
    """Return which `_target_` Hydra could not call, in Hydra's words, the innermost; or None."""
    found = None
    while error is not None:
        if isinstance(error, InstantiationException):
            found = str(error).split("\n")[0].split(", set env")[0].rstrip(":")
        error = error.__cause__
    return found


def _missing_choice(error: MissingConfigException) -> str:
    if not error.options:
        return f"{_one_line(error)}."
    file = error.missing_cfg_file or ""
    group = next((one for one in CHOICES if file.startswith(f"{one}/")), file.rpartition("/")[0])
    found = file.removeprefix(f"{group}/")
    add = f", or add conf/{group}/{found}.yaml" if group in CHOICES and "/" not in found else ""
    return (
        f"{group}={found} is unknown. {did_you_mean(found, list(error.options))}"
        f"Choose one of {', '.join(error.options)}{add}."
    )


def _unreadable_override(error: OverrideParseException) -> str:
    return (
        f"{error.override!r} is not readable as an override: write key=value, or one of the "
        "forms of https://hydra.cc/docs/1.3/advanced/override_grammar/basic."
    )


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split()).rstrip(".")


KINDS: dict[Any, str] = {
    int: "a whole number",
    float: "a number",
    str: "a text",
    bool: "true or false",
    list: "a list",
    dict: "a group of keys",
}

SENTENCES: dict[type[BaseException], Callable[[Any], str]] = {
    InputError: str,
    YAMLError: lambda error: f"A file of conf/ is not YAML ({_one_line(error)}): fix it.",
    MissingConfigException: _missing_choice,
    OmegaConfBaseException: describe,
    OverrideParseException: _unreadable_override,
}

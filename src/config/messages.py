"""The sentences that refuse a configuration: the key, the value found, and what to do.

Hydra, OmegaConf and YAML each raise errors of their own; `explain` words them all.
"""

from collections.abc import Callable
from typing import Any

from hydra.errors import (
    HydraException,
    InstantiationException,
    MissingConfigException,
    OverrideParseException,
)
from omegaconf.errors import ConfigAttributeError, ConfigKeyError, OmegaConfBaseException
from yaml import YAMLError

from src.config.schema import CHOICES
from src.runtime.errors import InputError, did_you_mean

NO_NAME = "Config group override must be"  # Hydra's words for a choice such as activation=null


def describe(
    error: OmegaConfBaseException, place: str = "params.yaml or on the command line"
) -> str:
    """Return one sentence for OmegaConf's error: the key, what is wrong, and where to fix it."""
    if isinstance(error, ConfigKeyError | ConfigAttributeError) and error.parent_node is not None:
        known = [str(key) for key in error.parent_node if key != "hydra"]
        return (
            f"{error.full_key} is unknown. {did_you_mean(str(error.key), known)}"
            f"Known are {', '.join(known)}."
        )
    what = str(error.msg or error).split("\n")[0].rstrip(".")
    where = f"{error.full_key}: " if error.full_key else ""
    return f"{where}{what}. Fix it in {place}."


def is_refusal(error: Exception) -> bool:
    """Return whether `error` is Hydra's, OmegaConf's or YAML's word on what the user configured."""
    kinds = HydraException | OmegaConfBaseException | YAMLError
    return isinstance(error, kinds) or NO_NAME in str(error)


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
    while not isinstance(error, tuple(SENTENCES)) and error.__cause__ is not None:
        error = error.__cause__
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
    group, _, found = (error.missing_cfg_file or "").rpartition("/")
    return (
        f"{group}={found} is unknown. {did_you_mean(found, list(error.options))}"
        f"Choose one of {', '.join(error.options)}, or add conf/{group}/{found}.yaml."
    )


def _unreadable_override(error: OverrideParseException) -> str:
    return (
        f"{error.override!r} is not readable as an override: write key=value, or one of the "
        "forms of https://hydra.cc/docs/1.3/advanced/override_grammar/basic."
    )


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split()).rstrip(".")


SENTENCES: dict[type[BaseException], Callable[[Any], str]] = {
    InputError: str,
    YAMLError: lambda error: f"A file of conf/ is not YAML ({_one_line(error)}): fix it.",
    MissingConfigException: _missing_choice,
    OmegaConfBaseException: describe,
    OverrideParseException: _unreadable_override,
}

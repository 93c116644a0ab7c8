"""The sentences that reject a configuration, for errors of Pydantic, Hydra, OmegaConf and YAML."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import fields
from typing import Any, TypeVar

import pydantic
from hydra import errors as hydra
from omegaconf import Node, OmegaConf, ValueNode
from omegaconf import errors as omegaconf
from yaml import YAMLError

from src.config import override
from src.config.schema import CHOICES, unknown
from src.core.errors import InputError

# How Hydra's errors about activation=null, a list without -m and a misused flag begin.
NO_NAME = "Config group override must be"
AMBIGUOUS = "Ambiguous value for argument "
RESOLVE = "The --resolve flag"
AT_HAND = "params.yaml or on the command line"  # where most values are
KINDS = {  # by the names of types, and as pydantic's errors begin
    "bool": "true or false",
    "int": "a whole number",
    "float": "a number",
    **dict.fromkeys(("str", "string"), "a text"),
    **dict.fromkeys(("list", "tuple"), "a list"),
    **dict.fromkeys(("dict", "dataclass"), "a group of keys"),
}
UNKNOWN_KEY = omegaconf.ConfigKeyError | omegaconf.ConfigAttributeError
WRONG_VALUE = (
    omegaconf.ValidationError | omegaconf.UnsupportedValueType | omegaconf.MissingMandatoryValue
)
Form = TypeVar("Form")


def validated(form: type[Form], given: dict[Any, Any], missing: str, name: str = "") -> Form:
    """Return a pydantic dataclass of the values under the key `name`; raise InputError if a key is
    unknown, or missing (with this remedy), or its value is refused.
    """
    keys = [field.name for field in fields(form)]  # type: ignore[arg-type]
    refuse_unknown(f"{name}." if name else "", given, keys, "")
    try:
        return form(**given)
    except pydantic.ValidationError as error:
        raise rejected(error, name, missing) from error


def rejected(error: pydantic.ValidationError, name: str = "", missing: str = "") -> InputError:
    """Return the sentence for the first of pydantic's errors about the key `name`."""
    first = error.errors()[0]
    for part in first["loc"]:
        name += f"[{part}]" if isinstance(part, int) else f".{part}"
    name = name.removeprefix(".")
    if first["type"] == "missing":
        return InputError(f"{name} is missing: {missing}.")
    value = first["input"]
    if first["type"] == "value_error":
        return InputError(f"{name}={override.label(value)} {first['ctx']['error']}")
    shown = kind_of(value) + ("" if value in (None, "") else f" ({value})")
    expected = KINDS[first["type"].split("_")[0]]
    return InputError(f"{name} is {shown}, expected {expected}. Fix it in {AT_HAND}.")


def refuse_unknown(prefix: str, found: Iterable[Any], known: Collection[str], place: str) -> None:
    """Raise InputError for the first key of `found` that is not among those known, in `place`."""
    for key in found:
        if key not in known:
            more = f" ({place})" if place else ""
            raise InputError(f"{prefix}{key} {unknown(str(key), known, more)}")


def refuse_twice(name: str, texts: Sequence[str]) -> None:
    """Raise InputError if the list `name` is empty, or has a text twice."""
    if not texts:
        raise InputError(f"{name} is empty: list at least one.")
    twice = [text for text in dict.fromkeys(texts) if texts.count(text) > 1]
    if twice:
        raise InputError(f"{name} has {', '.join(twice)} twice: list each once.")


def kind_of(value: Any) -> str:
    """Return in words what kind of value it is."""
    if value is None or isinstance(value, bool):
        return "empty" if value is None else "true/false"
    name = type(value).__name__
    return "a list of lists" if nested(value) else KINDS.get(name, f"a {name}")


def nested(value: Any) -> bool:
    """Return whether a value is a list of lists."""
    return isinstance(value, list) and bool(value) and all(isinstance(one, list) for one in value)


def describe(error: omegaconf.OmegaConfBaseException) -> str:
    """Return one sentence for OmegaConf's error: the key, what is wrong, and where to fix it."""
    if isinstance(error, UNKNOWN_KEY) and error.parent_node is not None:
        known = [str(key) for key in error.parent_node if key != "hydra"]
        return f"{error.full_key} {unknown(str(error.key), known)}"
    types = getattr(error.object_type, "__annotations__", {})
    if isinstance(error, WRONG_VALUE) and error.key in types:
        value = getattr(error, "value", None)
        if isinstance(value, Node):
            is_leaf = isinstance(value, ValueNode)
            value = value._value() if is_leaf else OmegaConf.to_container(value)
        try:  # pydantic's error has the expected kind
            pydantic.TypeAdapter(types[error.key]).validate_python(value, strict=True)
        except pydantic.ValidationError as kind:
            return str(rejected(kind, str(error.full_key)))
    reason = str(error.msg or error).split("\n")[0].rstrip(".")
    where = f"{error.full_key}: " if error.full_key else ""
    return f"{where}{reason}. Fix it in {AT_HAND}."


def is_refusal(error: Exception) -> bool:
    """Return whether Hydra, OmegaConf or YAML raised `error` because of the configuration."""
    kinds = hydra.HydraException | omegaconf.OmegaConfBaseException | YAMLError
    return isinstance(error, kinds) or NO_NAME in str(error) or str(error).startswith(RESOLVE)


def explain(error: Exception) -> InputError:
    """Return the sentence for an error that `is_refusal`, or that a `_target_` raised."""
    if NO_NAME in str(error):
        remedy = f"give each of {', '.join(CHOICES)} the name of a file in its folder of conf/."
        return InputError(f"A choice is not a name ({error}): {remedy}")
    if str(error).startswith(AMBIGUOUS):
        word = str(error).removeprefix(AMBIGUOUS).split("\n")[0].strip("'")
        remedy = "give one, or add -m to src.train to make a run of each."
        return InputError(f"{word} lists several values: {remedy}")
    cause = root_cause(error)
    targets = [one for one in _causes(error) if isinstance(one, hydra.InstantiationException)]
    if targets and not isinstance(cause, InputError):
        target = str(targets[-1]).split("\n")[0].split(", set env")[0].rstrip(":")
        reason = str(cause).split("\n")[0].rstrip(".")
        remedy = "Compare the values with those of its file in conf/."
        return InputError(f"{target}: {reason}. {remedy}")
    sentences = (word for kind, word in SENTENCES.items() if isinstance(cause, kind))
    return InputError(next(sentences, _as_it_is)(cause))


def root_cause(error: BaseException) -> BaseException:
    """Return the first in the chain of causes that has its own sentence, or the last."""
    chain = list(_causes(error))
    return next((one for one in chain if isinstance(one, tuple(SENTENCES))), chain[-1])


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error, its cause, the cause of that, and so on."""
    while error is not None:
        yield error
        cause = error.__cause__
        if isinstance(error, hydra.ConfigCompositionException):  # which may not name its cause
            cause = cause or error.__context__
        error = cause


def _missing_choice(error: hydra.MissingConfigException) -> str:
    if not error.options:
        return _as_it_is(error)
    file = error.missing_cfg_file or ""
    group = next((one for one in CHOICES if file.startswith(f"{one}/")), file.rpartition("/")[0])
    found = file.removeprefix(f"{group}/")
    add = f", or add conf/{group}/{found}.yaml" if group in CHOICES and "/" not in found else ""
    return f"{group}={found} {unknown(found, error.options, add)}"


def _as_it_is(error: BaseException) -> str:
    return " ".join(str(error).split()).rstrip(".") + "."


SENTENCES: dict[type[BaseException], Callable[[Any], str]] = {
    InputError: str,
    YAMLError: lambda error: f"A file of conf/ is not YAML ({_as_it_is(error)[:-1]}): fix it.",
    hydra.MissingConfigException: _missing_choice,
    omegaconf.OmegaConfBaseException: describe,
    hydra.OverrideParseException: lambda error: (
        f"{error.override!r} is not readable as an override: write key=value, or one of the "
        "forms of https://hydra.cc/docs/1.3/advanced/override_grammar/basic."
    ),
}

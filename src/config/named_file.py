"""The files of conf/ that a command takes by name, studies and searches: found, read, checked."""

from collections.abc import Callable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from src.config import messages, schema
from src.data.dataset import Dataset
from src.runtime.errors import InputError, did_you_mean

Result = TypeVar("Result")


def names(folder: Path) -> list[str]:
    """Return the names of a folder's files, without .yaml."""
    return sorted(path.stem for path in folder.glob("*.yaml"))


def load(
    noun: str,
    folder: Path,
    name: str,
    form: type,
    build: Callable[[Any], Result],
    *,
    example: str,
    renamed: Mapping[str, str] | None = None,
) -> Result:
    """Return what a file of conf/NOUN/ defines.

    Args:
        noun: what it is: "study", "search".
        folder: where such files lie.
        name: of the file, without .yaml.
        form: the dataclass of its keys.
        build: makes the result of an instance of `form`.
        example: where to look, as an order.
        renamed: keys of older files, and what they are called now.

    Raises:
        InputError: there is none of that name, it is not YAML, a key is missing or unknown, a value
            is of another type or out of range.
    """
    file, known = f"conf/{noun}/{name}.yaml", names(folder)
    if name not in known:
        raise InputError(
            f"There is no {noun} {name!r}. {did_you_mean(name, known)}"
            f"Choose one of {', '.join(known)}, or add {file}."
        )
    try:
        given = OmegaConf.load(folder / f"{name}.yaml")
    except YAMLError as error:
        raise InputError(f"{file} is not YAML ({' '.join(str(error).split())}): fix it.") from error
    if not isinstance(given, DictConfig):
        raise InputError(f"{file} holds no `key: value` lines: {example}.")
    keys = [field.name for field in fields(form)]
    schema.refuse_unknown(f"{file}: ", given, keys, f"A {noun}")
    try:
        for old, new in (renamed or {}).items():
            if new not in given and old in given:
                given[new] = given[old]
        merged = OmegaConf.merge(OmegaConf.structured(form), given)
        for key in keys:
            if OmegaConf.is_missing(merged, key):
                raise InputError(f"{key} is missing: {example}.")
        return build(OmegaConf.to_object(merged))
    except OmegaConfBaseException as error:
        raise InputError(f"{file}: {messages.describe(error, 'that file')}") from error
    except InputError as error:
        raise located(file, error) from error


def located(file: str, error: InputError) -> InputError:
    """Return the sentence that refuses what a file asks for, with the file as the place."""
    return InputError(f"{file}: {str(error).replace(messages.AT_HAND, 'that file')}")


def check_data(noun: str, wanted: str, found: Dataset) -> None:
    """Raise InputError if the preprocessed data is not that of a study or a search."""
    if found.name != wanted:
        source, _, layout = wanted.rpartition("-")
        raise InputError(
            f"This {noun} is on {wanted}, but data/processed holds {found.name}: set "
            f"fetch.source: {source} and fetch.layout: {layout} in params.yaml, and run "
            "`dvc repro preprocess`."
        )

"""The YAML files of the configuration, read."""

from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from src.config.messages import kind_of, one_line
from src.runtime.errors import InputError


def names(folder: Path) -> list[str]:
    """Return the names of a folder's files, without .yaml."""
    return sorted(path.stem for path in folder.glob("*.yaml"))


def read(path: Path, shown: str, *, resolve: bool = False) -> dict[Any, Any]:
    """Return the keys and values of a YAML file, with its interpolations resolved if so wanted.

    Raises:
        InputError: it is not YAML, or has no keys; the sentence calls the file `shown`.
    """
    try:
        found = OmegaConf.to_container(OmegaConf.load(path), resolve=resolve)
    except Exception as error:  # those of YAML, OmegaConf and decoding have no common type
        why = one_line(error)
        raise InputError(f"{shown} is not readable as YAML ({why}): fix it.") from error
    if not isinstance(found, dict):
        raise InputError(f"{shown} holds {kind_of(found)}, expected `key: value` lines: fix it.")
    return found

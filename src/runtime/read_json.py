"""The small JSON files that one step writes and another reads."""

import json
from collections.abc import Mapping
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, get_args

from src.runtime.errors import InputError
from src.runtime.formatting import listed

TYPES: dict[type, str] = {
    dict: "an object",
    list: "an array",
    str: "a string",
    bool: "a boolean",
    int: "a number",
    float: "a number",
    NoneType: "null",
}


def read_json(path: Path, keys: Mapping[str, type | UnionType], remedy: str) -> dict[str, Any]:
    """Return the JSON object in the file at `path`, which has at least the keys `keys`.

    Args:
        path: of the file.
        keys: each with the type of its value, one of `TYPES` or a union such as `str | None`.
        remedy: what to do when the file is missing or damaged; it ends the error's sentence.

    Raises:
        InputError: the file is missing or unreadable, is not JSON, holds something other than an
            object, or lacks a key or has one of another type.
    """
    if not path.is_file():
        raise InputError(f"{path} does not exist: {remedy}")
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        _check(found, keys)
    except (OSError, ValueError) as error:
        reason = " ".join(str(error).split())
        expected = "a JSON object" + (f" with {listed(list(keys))}" if keys else "")
        raise InputError(
            f"{path} cannot be read ({reason}), expected {expected}: {remedy}"
        ) from error
    return found


def _check(found: Any, keys: Mapping[str, type | UnionType]) -> None:
    if not isinstance(found, dict):
        raise ValueError(f"it holds {_name(type(found))}")
    for key, kind in keys.items():
        if key not in found:
            raise ValueError(f"it has no {key!r}")
        if not isinstance(found[key], kind):
            raise ValueError(f"its {key!r} is {_name(type(found[key]))}, not {_name(kind)}")


def _name(kind: type | UnionType) -> str:
    return " or ".join(dict.fromkeys(TYPES[one] for one in get_args(kind) or (kind,)))

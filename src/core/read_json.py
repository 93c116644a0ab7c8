"""Small JSON files that one step writes and another reads."""

import json
from collections.abc import Mapping
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, get_args

from src.core.errors import InputError, parsing
from src.core.formatting import listed

TYPES: dict[type, str] = {dict: "an object", list: "an array", str: "a string", bool: "a boolean"}
TYPES |= {int: "a whole number", float: "a number", NoneType: "null"}


def read_json(
    path: Path,
    keys: Mapping[str, type | UnionType],
    remedy: str,
    optional: Mapping[str, type | UnionType] | None = None,
) -> dict[str, Any]:
    """Return a file's JSON object; raise InputError unless its `keys` have these types, and so have
    those `optional` ones that it has.
    """
    if not path.is_file():
        raise InputError(f"{path} does not exist: {remedy}")
    expected = "a JSON object" + (f" with {listed(list(keys))}" if keys else "")
    with parsing(path, remedy, expected):
        found = json.loads(path.read_text(encoding="utf-8"))
        _check(found, keys)
        _check(found, {key: kind for key, kind in (optional or {}).items() if key in found})
    return found


def _check(found: Any, keys: Mapping[str, type | UnionType]) -> None:
    if not isinstance(found, dict):
        raise ValueError(f"it holds {_name(type(found))}")
    for key, kind in keys.items():
        if key not in found:
            raise ValueError(f"it has no {key!r}")
        kinds = get_args(kind) or (kind,)
        value = type(found[key])  # exactly: to Python, true is also a number
        if value not in kinds and not (value is int and float in kinds):
            raise ValueError(f"its {key!r} is {_name(value)}, not {_name(kind)}")


def _name(kind: type | UnionType) -> str:
    return " or ".join(dict.fromkeys(TYPES[one] for one in get_args(kind) or (kind,)))

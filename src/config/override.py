"""Values as Hydra writes them on the command line."""

import re
from collections.abc import Mapping
from typing import Any

PLAIN = re.compile(r"[A-Za-z_][\w./-]*")  # Hydra reads such a text as it stands
RESERVED = ("true", "false", "null", "nan", "inf")  # except these
QUOTED = re.compile(r"(\\*)('|$)")


def value(given: Any) -> str:
    """Return how Hydra reads a text, number, boolean, None, list or tuple in an override."""
    if isinstance(given, list | tuple):
        return f"[{','.join(map(value, given))}]"
    if isinstance(given, bool) or given is None:
        return {True: "true", False: "false", None: "null"}[given]
    if not isinstance(given, str):
        return str(given)
    if PLAIN.fullmatch(given) and given.lower() not in RESERVED:
        return given
    # Backslashes count before a quote, and are doubled there.
    escaped = QUOTED.sub(lambda found: 2 * found[1] + ("\\'" if found[2] else ""), given)
    return f"'{escaped}'"


def label(given: Any) -> str:
    """Return the text that stands for a value in tables and tags."""
    return given if isinstance(given, str) else value(given)


def key(override: str) -> str:
    """Return the key that an override sets."""
    return override.partition("=")[0].lstrip("+~")


def flat(nested: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return nested mappings as one level of dotted keys."""
    found: dict[str, Any] = {}
    for name, inner in nested.items():
        is_group = isinstance(inner, Mapping)
        found |= flat(inner, f"{prefix}{name}.") if is_group else {f"{prefix}{name}": inner}
    return found

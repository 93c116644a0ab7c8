"""How one level of a factor is written: as a label, and as an override of Hydra's."""

import re
from typing import Any

PLAIN = re.compile(r"[A-Za-z_][\w./-]*")  # what Hydra reads as this very text
QUOTED = re.compile(r"(\\*)('|$)")
WORDS = ("true", "false", "null", "nan", "inf")  # but for these


def label(value: Any) -> str:
    """Return the text that a value is shown and tagged by."""
    return value if isinstance(value, str) else override_value(value)


def override_value(value: Any) -> str:
    """Return a value as Hydra reads it in an override.

    Args:
        value: a text, a number, true or false, None, or a list of such.
    """
    if isinstance(value, list):
        return f"[{','.join(map(override_value, value))}]"
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    if not isinstance(value, str):
        return str(value)
    if PLAIN.fullmatch(value) and value.lower() not in WORDS:
        return value
    # Backslashes count where a quote follows, and are doubled there.
    escaped = QUOTED.sub(lambda found: 2 * found[1] + ("\\'" if found[2] else ""), value)
    return f"'{escaped}'"


def key(override: str) -> str:
    """Return the key that an override sets."""
    return override.partition("=")[0].lstrip("+~")

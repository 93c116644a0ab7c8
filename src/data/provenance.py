"""data/raw/provenance.json: where the files beside it came from, and which files they are.

fetch writes it last. So a fetch that was killed between two files, or a file that somebody edited,
shows: the file's SHA-256 is not the one that is written there.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from src.data import digits
from src.runtime import paths
from src.runtime.checksum import sha256
from src.runtime.errors import InputError
from src.runtime.read_json import read_json

REMEDY = "run fetch first (dvc repro, or python -m src.fetch)."


@dataclass(frozen=True)
class Provenance:
    """The source, the layout, and the SHA-256 of each file by its name."""

    source: str
    layout: str
    files: Mapping[str, str]


def write(path: Path, facts: Mapping[str, Any], files: Mapping[str, str]) -> None:
    """Write it: what fetch knows of the source, and the SHA-256 of each file by its name."""
    path.write_text(json.dumps({**facts, "files": files}, indent=2) + "\n")


def read() -> Provenance:
    """Return what fetch wrote down.

    Raises:
        InputError: provenance.json is missing or damaged.
    """
    found = read_json(paths.PROVENANCE, {"source": str, "layout": str, "files": dict}, REMEDY)
    layout = found["layout"]
    if layout not in digits.LAYOUTS:
        raise InputError(
            f"{paths.PROVENANCE} does not name a known layout ({layout!r}, expected one of "
            f"{', '.join(digits.LAYOUTS)}): {REMEDY}"
        )
    return Provenance(found["source"], layout, found["files"])


def verify(*files: Path) -> Provenance:
    """Return what fetch wrote down, once it is certain that these files of data/raw are its own.

    Raises:
        InputError: provenance.json or a file is missing, damaged, or not of this fetch.
    """
    found = read()
    for file in files:
        if not file.is_file():
            raise InputError(f"{file} is missing: {REMEDY}")
        if found.files.get(file.name) != sha256(file):
            raise InputError(
                f"{file} is not the file that {paths.PROVENANCE} tells of (its SHA-256 differs): "
                "run fetch again (dvc repro, or python -m src.fetch); to use a file of your own, "
                "put it into the folder that fetch.path names, with fetch.source=files in "
                "params.yaml."
            )
    return found

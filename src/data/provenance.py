"""data/raw/provenance.json: the origin and SHA-256 of the files beside it, written after them."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from src.core import paths
from src.core.checksum import sha256
from src.core.errors import InputError
from src.core.read_json import read_json
from src.data import sources

REMEDY = "run fetch first (dvc repro, or python -m src.fetch)."


def write(path: Path, facts: Mapping[str, Any], files: Mapping[str, str]) -> None:
    """Write facts on the source, and the SHA-256 of each file by its name."""
    path.write_text(json.dumps({**facts, "files": files}, indent=2) + "\n")


def verify(*files: Path) -> tuple[str, str, int | None]:
    """Return the source and the layout of files of data/raw, and the seed of their draw, if they
    were drawn; raise InputError if one changed.
    """
    keys = {"source": str, "layout": str, "files": dict}
    found = read_json(paths.PROVENANCE, keys, REMEDY, {"seed": int})
    layout = found["layout"]
    if layout not in sources.LAYOUTS:
        raise InputError(
            f"{paths.PROVENANCE} does not name a known layout ({layout!r}, expected one of "
            f"{', '.join(sources.LAYOUTS)}): {REMEDY}"
        )
    for file in files:
        if not file.is_file():
            raise InputError(f"{file} is missing: {REMEDY}")
        if found["files"].get(file.name) != sha256(file):
            raise InputError(
                f"{file} does not match its SHA-256 in {paths.PROVENANCE}: run fetch again (dvc "
                "repro, or python -m src.fetch); to use a file of your own, put it into the folder "
                "that fetch.path names, with fetch.source=files in params.yaml."
            )
    return found["source"], layout, found.get("seed")

"""The folder that keeps checkpoints: `checkpoints` of the configuration."""

import shutil
from pathlib import Path
from urllib.parse import unquote, urlsplit

from src.core import paths
from src.core.atomic_write import hidden_folder
from src.core.errors import InputError, without_password

KEY = "checkpoints"  # of the configuration
EXPECTED = f"name a folder, or use null for {paths.CHECKPOINTS}/ in the project."


def check(place: str | None) -> None:
    """Raise InputError if a value cannot name a folder, without looking at the disk."""
    if place is not None and not place.strip():
        raise InputError(f"{KEY} is empty: {EXPECTED}")
    if place is not None and "://" in place and not place.startswith("file:///"):
        raise InputError(
            f"{KEY}={without_password(place)} is not a folder of this machine. Checkpoints are "
            f"kept in a folder, on a cluster in one that all nodes share: {EXPECTED}"
        )


def of(digest: str, place: str | None) -> Path:
    """Return a training's folder, by its digest, in a place: a file:// URI, a path or None."""
    return _folder(place) / digest[:16]


def refuse_unusable(place: str | None) -> None:
    """Raise InputError if the user's folder cannot be written, before anything is trained."""
    if place is None:
        return
    folder = _folder(place)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(hidden_folder(folder))
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        remedy = "name a folder where you may write."
        raise InputError(f"{KEY}={place} cannot be written ({reason}): {remedy}") from error


def _folder(place: str | None) -> Path:
    path = place or str(paths.CHECKPOINTS)
    path = unquote(urlsplit(path).path) if path.startswith("file://") else path
    return paths.project_root() / Path(path).expanduser()

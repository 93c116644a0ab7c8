"""Where checkpoints are kept: `checkpoints` of the configuration, a folder or s3://BUCKET/PREFIX."""

import shutil
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from src.runtime import object_store, paths
from src.runtime.atomic_write import hidden_folder
from src.runtime.errors import InputError
from src.runtime.object_store import SCHEME

KEY = "checkpoints"  # of the configuration
EXPECTED = "use a folder, or s3://BUCKET/PREFIX"


def check(place: str | None) -> None:
    """Refuse a place that is none, by its text alone.

    Args:
        place: as the configuration has it; None for the project's own folder.

    Raises:
        InputError: it is empty, of an unknown scheme, without a bucket, or holds a password.
    """
    if place is None:
        return
    if not place.strip():
        raise InputError(f"{KEY} is empty: {EXPECTED}, or null for {paths.CHECKPOINTS}/ here.")
    scheme, rest = place.partition("://")[::2] if "://" in place else ("", "")
    if "@" in rest.partition("/")[0]:
        raise InputError(
            f"{KEY}={scheme}://***@{rest.rpartition('@')[2]} holds a password: {EXPECTED}, and "
            "give the keys in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."
        )
    if scheme not in ("", "file", "s3"):
        raise InputError(f"{KEY}={place} has the unknown scheme {scheme}://: {EXPECTED}.")
    if scheme == "s3" and not rest.partition("/")[0]:
        raise InputError(f"{KEY}={place} names no bucket: {EXPECTED}.")
    if scheme == "file" and not rest.startswith("/"):
        raise InputError(f"{KEY}={place} names a file of another machine: {EXPECTED}.")


def of(digest: str, place: str | None) -> Path | str:
    """Return the folder of an unfinished training's checkpoint.

    Args:
        digest: of the training.
        place: as the configuration has it.

    Returns:
        A path, or a URI that starts with s3://.
    """
    if place is None:
        return paths.checkpoint(digest)
    if place.startswith(SCHEME):
        return f"{place.rstrip('/')}/{paths.checkpoint(digest).name}"
    return _folder(place) / paths.checkpoint(digest).name


def refuse_unusable(place: str | None) -> None:
    """Refuse a place where no checkpoint can be written, before anything is trained.

    Raises:
        InputError: it cannot be written; the sentence says why.
    """
    if place is None:
        return
    if place.startswith(SCHEME):
        object_store.refuse_unusable(place)
        return
    folder = _folder(place)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(hidden_folder(folder))
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise InputError(
            f"{KEY}={place} cannot be written ({reason}): name a folder where you may write."
        ) from error


def _folder(place: str) -> Path:
    """Return a folder that is named by its path or a file:// URI, relative to the project."""
    path = url2pathname(urlsplit(place).path) if place.startswith("file://") else place
    return paths.project_root() / Path(path).expanduser()

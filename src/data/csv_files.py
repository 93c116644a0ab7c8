"""A user's CSVs: in a folder, or in a zip archive such as Kaggle's download."""

import zipfile
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from shutil import copyfile, copyfileobj

from src.core.checksum import sha256
from src.core.errors import InputError, parsing
from src.core.formatting import listed
from src.core.paths import TEST_CSV, TRAIN_CSV
from src.data.sources import SET_PATH

REQUIRED = (TRAIN_CSV.name, TEST_CSV.name)
NEEDS = "fetch needs train.csv and test.csv in Kaggle's layout there."
SUFFIXES = (".csv", ".gz", ".zip")
ZIP = b"PK\3\4"  # its first bytes
Origins = dict[str, Path]  # of each copied file, by its name, for messages


def take(place: Path, targets: Sequence[Path]) -> Origins:
    """Copy the CSVs of a folder or zip archive; raise InputError if one has to be there."""
    if place.is_dir():
        return _copy(place, targets)
    if place.is_file():
        with place.open("rb") as file:
            if file.read(len(ZIP)) == ZIP:
                return unpack(place, targets, place, "download or copy it again.")
    state = "is neither a folder nor a zip archive" if place.exists() else "does not exist"
    raise InputError(f"fetch.path={place} {state}: {SET_PATH}")


def checksums(place: Path) -> dict[str, str]:
    """Return the SHA-256, by name, of the files that `take` may read, archives included."""
    if not place.exists():
        raise InputError(f"fetch.path={place} does not exist: {SET_PATH}")
    files = [place] if place.is_file() else sorted(place.iterdir())
    return {file.name: sha256(file) for file in files if file.is_file() and file.suffix in SUFFIXES}


def _copy(folder: Path, targets: Sequence[Path]) -> Origins:
    origins = {}
    for target in targets:
        source = folder / target.name
        if source.is_file():
            copyfile(source, target)
            origins[target.name] = source
            continue
        for packed in (folder / f"{target.name}.zip", folder / f"{target.name}.gz"):
            if packed.is_file():
                remedy = "unpack it there, then fetch again (python -m src.fetch)."
                raise InputError(f"{source} is missing, but {packed} is there: {remedy}")
        if target.name in REQUIRED:
            for archive in sorted(folder.glob("*.zip")):
                raise InputError(
                    f"{source} is missing, but {archive} is there: if that holds train.csv and "
                    "test.csv, set fetch.path in params.yaml to it."
                )
            raise InputError(f"{source} is missing: {NEEDS}")
    return origins


def unpack(archive: Path, targets: Sequence[Path], name: Path | str, remedy: str) -> Origins:
    """Unpack the CSVs, wherever they are in a zip archive, which messages call `name`."""
    origins = {}
    with parsing(name, remedy, "a zip archive"), zipfile.ZipFile(archive) as packed:
        members = {PurePosixPath(one): one for one in packed.namelist()}
        folders = [str(one.parent) for one in members if one.name == TRAIN_CSV.name]
        if len(folders) > 1:
            raise InputError(
                f"{name} holds {len(folders)} files {TRAIN_CSV.name}, in {listed(folders)}, 1 "
                "expected: unpack it, and set fetch.path in params.yaml to the right folder."
            )
        for target in targets:
            member = PurePosixPath(*folders, target.name)
            if member in members:
                with packed.open(members[member]) as source, target.open("wb") as file:
                    copyfileobj(source, file)
                origins[target.name] = Path(name) / member
            elif target.name in REQUIRED:
                raise InputError(f"{name} has no {member}: {NEEDS}")
    return origins

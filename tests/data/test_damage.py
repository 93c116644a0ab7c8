"""Every reader of data, given damage of any kind: an InputError or a right result."""

import json
import zipfile
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from src.core import paths
from src.core.checksum import sha256
from src.data import csv_files, dataset, provenance, read_csv, write_csv
from tests.support.damage import damaged, drill, outcome

ROWS = 4
IMAGES = np.random.default_rng(1).integers(0, 256, (ROWS, 28, 28), dtype=np.uint8)
LABELS = np.array([3, 1, 4, 9], np.uint8)
PART = {"images": IMAGES, "labels": LABELS}
FILES = (paths.TRAIN_CSV, paths.TEST_CSV, paths.SAMPLE_SUBMISSION_CSV, paths.SOLUTION_CSV)
ARCHIVE = Path("d.zip")


@pytest.fixture(scope="module", autouse=True)
def here(tmp_path_factory):
    """A project with small data, for all damages, which leave it as it is."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("project"))
        paths.RAW.mkdir(parents=True)
        write_csv.images(paths.TRAIN_CSV, IMAGES, LABELS)
        write_csv.images(paths.TEST_CSV, IMAGES)
        write_csv.submission(paths.SAMPLE_SUBMISSION_CSV, LABELS)
        write_csv.submission(paths.SOLUTION_CSV, LABELS)
        facts = {"source": "files", "layout": "any"}
        provenance.write(paths.PROVENANCE, facts, {path.name: sha256(path) for path in FILES})
        with zipfile.ZipFile(ARCHIVE, "w", zipfile.ZIP_DEFLATED) as packed:
            for path in FILES:
                packed.write(path, path.name)
        paths.PROCESSED.mkdir(parents=True)
        np.savez(paths.TRAIN, **PART)
        np.savez(paths.VALID, images=IMAGES[:1], labels=LABELS[:1])
        np.savez(paths.TEST, images=IMAGES)
        digest = dataset.digest({path: dataset.load(path) for path in dataset.PARTS})
        counts = {"train": ROWS, "valid": 1, "test": ROWS}
        paths.DATASET.write_text(json.dumps({"name": "a-b", "digest": digest, "counts": counts}))
        yield


def are_digits(labels):
    return labels.dtype == np.uint8 and labels.shape == (ROWS,) and labels.max() < 10


def are_images(images):
    return images.dtype == np.uint8 and images.shape == (ROWS, 28, 28)


def are_both(found):
    return are_images(found[0]) and are_digits(found[1])


def is_description(found):
    return [*map(type, found.counts.values())] == [int] * 3 and bool({found.name, found.digest})


def unpacked():
    """Unpack the archive; return what came out, by name."""
    aside = Path("aside")
    aside.mkdir(exist_ok=True)
    found = csv_files.take(ARCHIVE, [aside / path.name for path in FILES])
    return {name: (aside / name).read_bytes() for name in found}


def is_unpacked(found):
    """Return whether the files that are required, and any other, are as they were packed."""
    return {"train.csv", "test.csv"} <= set(found) and all(
        content == (paths.RAW / name).read_bytes() for name, content in found.items()
    )


def same_arrays(found, **right):
    return list(found) == list(right) and all(np.array_equal(found[k], right[k]) for k in right)


READERS = {
    paths.TRAIN_CSV: (partial(read_csv.train, paths.TRAIN_CSV, ROWS), are_both),
    paths.TEST_CSV: (partial(read_csv.test, paths.TEST_CSV, ROWS), are_images),
    FILES[2]: (partial(read_csv.submission, FILES[2], ROWS), are_digits),
    FILES[3]: (partial(read_csv.solution, FILES[3], ROWS), lambda f: f is None or are_digits(f)),
    paths.PROVENANCE: (provenance.verify, lambda found: isinstance(found[0], str)),
    paths.DATASET: (dataset.load_description, is_description),
    ARCHIVE: (unpacked, is_unpacked),
    paths.TRAIN: (partial(dataset.load, paths.TRAIN), partial(same_arrays, **PART)),
    paths.TEST: (partial(dataset.load, paths.TEST), partial(same_arrays, images=IMAGES)),
}


@pytest.mark.parametrize("path", READERS, ids=str)
def test_damage_is_refused_or_does_not_show(path):
    whole = path.read_bytes()

    @settings(max_examples=100, deadline=None, database=None)
    @given(seed=st.integers(0, 2**32))
    def damage(seed):
        outcome(path, damaged(whole, seed), *READERS[path])

    try:
        damage()
    finally:
        path.write_bytes(whole)


@pytest.mark.parametrize("path", FILES[:3])
def test_damaged_raw_files_are_refused_by_their_checksum(path):
    whole = path.read_bytes()
    verify = partial(provenance.verify, *FILES[:3])
    assert drill(path, verify, lambda _: path.read_bytes() == whole)["refused"] > 95
    assert path.read_bytes() == whole


@pytest.mark.parametrize("path", [*dataset.PARTS, paths.DATASET])
def test_damaged_arrays_are_never_trained_on(path):
    right = dataset.load_all()

    def same(parts):
        return all(same_arrays(parts[part], **right[part]) for part in right)

    assert drill(path, dataset.load_all, same)["refused"] > 50

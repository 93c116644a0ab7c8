import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml

from src import fetch, preprocess
from src.core import paths
from src.data import dataset, mirrors, sources, write_csv
from tests.support.params import set_params
from tests.support.refusal import refusal

ROOT = Path(__file__).resolve().parents[1]


def written():
    """Return the bytes of every file of data/processed, by path."""
    files = (path for path in sorted(paths.PROCESSED.rglob("*")) if path.is_file())
    return {path: path.read_bytes() for path in files}


def fetch_from(folder):
    """Fetch again, from a folder with changed files (data/raw itself will do)."""
    set_params("fetch", path=str(folder))
    fetch.main()


@pytest.fixture
def fetched(small_project):
    fetch.main()
    return small_project


def test_every_labelled_image_is_in_one_part_with_its_own_label_and_test_has_no_labels(
    fetched, sample
):
    preprocess.main()
    train, valid, test = dataset.load_all().values()
    for part, count in ((train, 540), (valid, 60)):
        assert (part["images"].shape, part["labels"].shape) == ((count, 28, 28), (count,))
        assert part["images"].dtype == part["labels"].dtype == np.uint8
    both = [np.concatenate([train[name], valid[name]]) for name in ("images", "labels")]
    given = [sample[name] for name in (mirrors.TRAIN_IMAGES, mirrors.TRAIN_LABELS)]
    found, expected = (
        sorted((image.tobytes(), label) for image, label in zip(*pair, strict=True))
        for pair in (both, given)
    )
    assert found == expected
    assert list(test) == ["images"]
    assert np.array_equal(test["images"], sample[mirrors.TEST_IMAGES])


def test_the_fraction_and_the_seed_of_params_yaml_decide_the_split(fetched):
    preprocess.main()
    first = dataset.load(paths.VALID)["images"]
    set_params("preprocess", seed=3)
    preprocess.main()
    assert not np.array_equal(dataset.load(paths.VALID)["images"], first)
    set_params("preprocess", valid_fraction=0.25)
    preprocess.main()
    assert len(dataset.load(paths.VALID)["images"]) == 150


def test_running_twice_writes_the_same_bytes_without_reading_the_held_out_labels(fetched):
    preprocess.main()
    first = written()
    paths.SOLUTION_CSV.unlink()
    preprocess.main()
    assert written() == first
    assert len(first) == 6
    for path in (preprocess.CLASS_BALANCE, preprocess.SAMPLE_DIGITS):
        assert first[path].startswith(b"\x89PNG")


def test_dataset_json_names_the_data_and_its_digest_changes_with_a_single_test_pixel(
    fetched, sample, capsys
):
    preprocess.main()
    facts = json.loads(paths.DATASET.read_text())
    assert facts["name"] == "files-any"
    assert facts["counts"] == {"train": 540, "valid": 60, "test": 200}
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.startswith("data/processed: 540 training, 60 validation and 200 test images of fil")
    assert facts["digest"][:12] in last
    images = sample[mirrors.TEST_IMAGES].copy()
    images[0, 0, 0] ^= 1
    write_csv.images(paths.TEST_CSV, images)
    fetch_from(paths.RAW)
    preprocess.main()
    assert json.loads(paths.DATASET.read_text())["digest"] != facts["digest"]


@pytest.mark.parametrize(("facts", "seed"), [({"seed": 7}, 7), ({}, None)])
def test_dataset_json_has_the_seed_of_the_draw_if_there_was_one(fetched, facts, seed):
    content = json.loads(paths.PROVENANCE.read_text()) | facts
    paths.PROVENANCE.write_text(json.dumps(content))
    preprocess.main()
    assert dataset.load_description().fetch_seed == seed


def test_before_fetch_the_sentence_says_to_run_it(project):
    said = refusal(preprocess.main, unchanged=project)
    assert said.startswith("data/raw/provenance.json does not exist: run fetch first")


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"files": None}, "cannot be read (its 'files' is null, not an object), expected a JSON"),
        (
            {"seed": "7"},
            "cannot be read (its 'seed' is a string, not a whole number), expected a JSON",
        ),
        ({"layout": "b"}, "does not name a known layout ('b', expected one of kaggle, mnist, any)"),
    ],
)
def test_a_damaged_provenance_is_refused(fetched, facts, said):
    content = json.loads(paths.PROVENANCE.read_text()) | facts
    paths.PROVENANCE.write_text(json.dumps(content))
    assert refusal(preprocess.main).startswith(f"data/raw/provenance.json {said}")


def cut(path):
    lines = path.read_text().splitlines()
    path.write_text("\n".join(lines[:100]))


NOT_FETCHED = (
    "{path} does not match its SHA-256 in data/raw/provenance.json: run fetch again (dvc repro, or "
    "python -m src.fetch); to use a file of your own, put it into the folder that fetch.path "
    "names, with fetch.source=files in params.yaml."
)
READ = (paths.TRAIN_CSV, paths.TEST_CSV, paths.SAMPLE_SUBMISSION_CSV)


@pytest.mark.parametrize("path", READ)
@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (Path.unlink, "{path} is missing: run fetch first (dvc repro, or python -m src.fetch)."),
        (cut, NOT_FETCHED),
    ],
)
def test_files_that_fetch_did_not_write_are_refused_and_the_earlier_outputs_stay(
    fetched, path, harm, said
):
    preprocess.main()
    harm(path)
    assert refusal(preprocess.main, unchanged=fetched) == said.format(path=path)


@pytest.mark.parametrize("replaced", [1, 4])
def test_a_fetch_that_was_killed_between_two_files_is_not_preprocessed(fetched, sample, replaced):
    before = {path: path.read_bytes() for path in (*READ, paths.SOLUTION_CSV, paths.PROVENANCE)}
    write_csv.images(paths.TRAIN_CSV, sample[mirrors.TEST_IMAGES], sample[mirrors.TEST_LABELS])
    write_csv.images(paths.TEST_CSV, sample[mirrors.TEST_IMAGES][:50])
    write_csv.submission(paths.SAMPLE_SUBMISSION_CSV, np.zeros(50, np.uint8))
    write_csv.submission(paths.SOLUTION_CSV, sample[mirrors.TEST_LABELS][:50])
    fetch_from(paths.RAW)
    for path in list(before)[replaced:]:  # what the killed fetch did not come to
        path.write_bytes(before[path])
    assert refusal(preprocess.main) == NOT_FETCHED.format(path=paths.TRAIN_CSV)
    assert not written()


def test_the_layout_says_how_many_rows_there_must_be(fetched, monkeypatch):
    monkeypatch.setitem(sources.LAYOUTS, "any", (601, 200))
    said = refusal(preprocess.main, unchanged=fetched)
    assert "train.csv has 600 data rows, 601 expected" in said
    monkeypatch.setitem(sources.LAYOUTS, "any", (600, 199))
    assert "test.csv has 200 data rows, 199 expected" in refusal(preprocess.main, unchanged=fetched)


def test_a_class_or_a_fraction_that_leaves_a_part_without_a_class_is_refused(fetched, sample):
    set_params("preprocess", valid_fraction=0.015)
    assert refusal(preprocess.main, unchanged=fetched) == (
        "preprocess.valid_fraction=0.015 makes 591 training and 9 validation images of the 600 of "
        "data/raw/train.csv, at least 10 each expected, one of every class: change the fraction, "
        "or fetch a train.csv with more images."
    )
    labels = np.minimum(sample[mirrors.TRAIN_LABELS], 8)
    labels[0] = 9
    write_csv.images(paths.TRAIN_CSV, sample[mirrors.TRAIN_IMAGES], labels)
    fetch_from(paths.RAW)
    assert refusal(preprocess.main, unchanged=fetched) == (
        "data/raw/train.csv has 1 image of class 9, at least 2 expected, for training and for "
        "validation: fetch a train.csv with more images."
    )


def in_python(script):
    """Return what a script prints that imports this project."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.check_output([sys.executable, "-c", script], env=environment, text=True)


@pytest.mark.parametrize("stage", ["fetch", "preprocess"])
def test_dvc_depends_on_the_code_of_data_and_evaluation_that_a_stage_imports(fetched, stage):
    script = f"import sys; from src import {stage}; {stage}.main(); print(*sys.modules)"
    found = re.findall(r"\bsrc\.(?:data|evaluation)\.\S+", in_python(script))
    imported = [Path(*name.split(".")) for name in found]
    assert imported
    named = set(yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"][stage]["deps"])
    for path in imported:
        assert {str(path.parent), f"{path}.py"} & named, path


def test_no_stage_before_training_imports_what_takes_longer_than_its_work(small_project):
    in_python(
        "import sys; from src import check, fetch, preprocess\n"
        "check.main(); fetch.main(); preprocess.main()\n"
        "slow = {'tensorflow', 'keras', 'mlflow', 'pandas', 'scipy', 'sklearn'}; "
        "assert not slow & set(sys.modules)"
    )

import json

import pytest

from src import check
from src.core import paths
from src.core.checksum import sha256
from tests.support.params import set_params
from tests.support.refusal import refusal


def noted():
    return json.loads(paths.SOURCE.read_text())


def test_what_fetch_downloads_needs_no_note(project):
    check.main()
    assert noted() == {}


def test_the_files_that_fetch_copies_are_noted_with_their_sha256(small_project, tmp_path):
    given = small_project / "given"
    given.mkdir()
    for name in ("train.csv", "test.csv", "notes.txt"):
        (given / name).write_text(name)
    set_params("fetch", path=str(given))
    check.main()
    before = noted()
    assert before == {name: sha256(given / name) for name in ("test.csv", "train.csv")}
    (given / "train.csv").write_text("another")
    (given / "solution.csv").write_text("added later")
    check.main()
    assert noted()["train.csv"] != before["train.csv"]
    assert "solution.csv" in noted()


def test_an_archive_is_noted_itself(small_project):
    archive = small_project / "digit-recognizer.zip"
    archive.write_bytes(b"PK")
    set_params("fetch", path=str(archive))
    check.main()
    assert list(noted()) == ["digit-recognizer.zip"]


@pytest.mark.parametrize(
    ("section", "values", "said"),
    [
        (None, {"activation": "swihs"}, "Did you mean 'swish'?"),
        (None, {"epochs": None}, "epochs is empty, expected a whole number"),
        ("fetch", {"path": "/nope"}, "fetch.path=/nope does not exist"),
        ("preprocess", {"valid_fraction": 2}, "preprocess.valid_fraction=2"),
        ("mlflow", {"enabled": "maybe"}, "mlflow.enabled is a text (maybe), expected true or"),
    ],
)
def test_a_mistake_anywhere_is_refused_and_nothing_is_written(section, values, said, small_project):
    set_params(section, **values)
    assert said in refusal(check.main)
    assert not paths.SOURCE.exists()

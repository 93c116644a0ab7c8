import subprocess
import sys
from pathlib import Path

import pytest

from src.runtime import checkpoint_place, object_store
from src.runtime.errors import InputError
from tests.support.commands import ROOT

DIGEST = "0123456789abcdef" * 4


@pytest.mark.parametrize(
    "place",
    [None, "kept", "/shared/kept", "~/kept", "file:///shared/kept", "s3://b", "s3://b/a/b/"],
)
def test_a_folder_and_a_bucket_are_places(place):
    checkpoint_place.check(place)


@pytest.mark.parametrize(
    ("place", "says"),
    [
        (" ", "is empty"),
        ("gs://bucket/a", "has the unknown scheme gs://: use a folder, or s3://BUCKET/PREFIX"),
        ("s3:///a", "names no bucket"),
        ("file://host/a", "names a file of another machine"),
    ],
)
def test_what_is_no_place_is_refused_by_its_text(place, says):
    with pytest.raises(InputError, match=says):
        checkpoint_place.check(place)


def test_a_password_in_the_uri_is_refused_and_not_repeated():
    with pytest.raises(InputError, match=r"s3://\*\*\*@bucket/a holds a password") as refused:
        checkpoint_place.check("s3://a-key:a-secret@bucket/a")
    assert "a-secret" not in str(refused.value)
    assert "a-key" not in str(refused.value)


def test_a_checkpoint_lies_below_its_place_in_a_folder_of_its_digest(monkeypatch, tmp_path):
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    short = DIGEST[:16]
    found = {
        None: tmp_path / "checkpoints" / short,
        "kept": tmp_path / "kept" / short,
        "/shared/a": Path("/shared/a") / short,
        "file:///shared/a%20b": Path("/shared/a b") / short,
        "~/kept": Path.home() / "kept" / short,
        "s3://bucket": f"s3://bucket/{short}",
        "s3://bucket/a/": f"s3://bucket/a/{short}",
    }
    assert {place: checkpoint_place.of(DIGEST, place) for place in found} == found


def test_a_folder_that_cannot_be_written_is_refused_in_one_sentence(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"file/kept cannot be written \(not a directory\): name"):
        checkpoint_place.refuse_unusable(str(tmp_path / "file" / "kept"))
    with pytest.raises(InputError, match=r"file cannot be written \(file exists\): name"):
        checkpoint_place.refuse_unusable(str(tmp_path / "file"))


def test_a_folder_that_can_be_written_is_left_empty(tmp_path):
    checkpoint_place.refuse_unusable(None)
    checkpoint_place.refuse_unusable(str(tmp_path / "a" / "b"))
    assert list((tmp_path / "a" / "b").iterdir()) == []


def test_where_boto3_is_not_installed_a_bucket_is_refused_with_the_extra_to_install(monkeypatch):
    for name in ("boto3", "botocore", "botocore.exceptions"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(InputError, match=r"^s3://bucket/a needs boto3.*extra s3"):
        object_store.refuse_unusable("s3://bucket/a")


def test_a_folder_costs_no_import_of_boto3():
    script = (
        "import sys\n"
        "from src.runtime import checkpoint_place, object_lock, object_store\n"
        "checkpoint_place.check('kept')\n"
        "sys.exit(bool({'boto3', 'botocore', 'fsspec', 's3fs'} & set(sys.modules)))"
    )
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=True)

from pathlib import Path

import pytest

from src.core import checkpoint_place
from src.core.errors import InputError

DIGEST = "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("place", "says"),
    [
        (" ", "is empty: name a folder, or use null for checkpoints/"),
        ("gs://bucket/a", r"=gs://bucket/a is not a folder of this machine"),
        ("s3://bucket/a", "on a cluster in one that all nodes share: name a folder"),
        ("s3://key:secret@bucket/a", r"=s3://\*\*\*@bucket/a is not a folder"),
        ("file://host/a", "=file://host/a is not a folder of this machine"),
    ],
)
def test_anything_but_a_folder_is_refused_by_its_text_without_repeating_a_password(place, says):
    with pytest.raises(InputError, match=says) as refused:
        checkpoint_place.check(place)
    assert "secret" not in str(refused.value)


def test_a_checkpoint_lies_below_its_place_in_a_folder_of_its_digest(monkeypatch, tmp_path):
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    places = {
        None: tmp_path / "checkpoints",
        "kept": tmp_path / "kept",
        "/shared/a": Path("/shared/a"),
        "file:///shared/a%20b": Path("/shared/a b"),
        "~/kept": Path.home() / "kept",
    }
    for place, folder in places.items():
        checkpoint_place.check(place)
        assert checkpoint_place.of(DIGEST, place) == folder / DIGEST[:16]


@pytest.mark.parametrize(("name", "why"), [("file/a", "not a directory"), ("file", "file exists")])
def test_a_folder_that_cannot_be_written_is_refused_in_one_sentence(tmp_path, name, why):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=rf"{name} cannot be written \({why}\): name"):
        checkpoint_place.refuse_unusable(str(tmp_path / name))


def test_a_folder_that_can_be_written_is_left_empty(tmp_path):
    checkpoint_place.refuse_unusable(None)
    checkpoint_place.refuse_unusable(str(tmp_path / "a" / "b"))
    assert list((tmp_path / "a" / "b").iterdir()) == []

import json
from unittest.mock import Mock

import pytest

from src.core.read_json import read_json
from tests.support.refusal import refusal as sentence

KEYS = {"name": str, "counts": dict, "parts": list, "score": float, "size": int, "run": str | None}
FACTS = {"name": "mnist", "counts": {"train": 2}, "parts": [1], "score": 0.5, "size": 3}
FACTS["run"] = None
REMEDY = "run `dvc repro` first."


@pytest.fixture
def refusal(tmp_path):
    """Return a function that writes a file's bytes and returns the sentence about it."""

    def refusal(content, keys=KEYS):
        path = tmp_path / "facts.json"
        path.write_bytes(content)
        text = sentence(read_json, path, keys, REMEDY)
        assert text.startswith(f"{path} cannot be read (")
        assert text.endswith(f": {REMEDY}")
        return text

    return refusal


def test_an_object_is_returned_with_the_keys_that_nobody_asked_for(tmp_path):
    path = tmp_path / "facts.json"
    path.write_text(json.dumps(FACTS | {"more": None}, indent=2))
    assert read_json(path, KEYS, REMEDY) == FACTS | {"more": None}
    path.write_text(json.dumps(FACTS | {"score": 1}))  # a number may be whole
    assert read_json(path, KEYS, REMEDY)["score"] == 1
    path.write_text("{}")
    assert read_json(path, {}, REMEDY) == {}


def test_a_missing_file_is_named_with_the_remedy(tmp_path):
    for path in (tmp_path / "none.json", tmp_path):  # a folder is no file either
        assert sentence(read_json, path, KEYS, REMEDY) == f"{path} does not exist: {REMEDY}"


@pytest.mark.parametrize(
    "content", [b"", b"{", b"name: mnist", b"\xff\xfe{}", b"{}\n{}", b"[" * 99_999]
)
def test_a_file_that_is_not_json_is_refused_with_what_was_expected(refusal, content):
    assert "), expected a JSON object with name, counts, parts, score, size and run: " in refusal(
        content
    )
    assert "), expected a JSON object: " in refusal(content, {})


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"[]", "it holds an array"), (b"null", "it holds null"), (b"{}", "it has no 'name'")],
)
def test_json_other_than_an_object_with_the_keys_is_refused(refusal, content, said):
    assert f" ({said}), expected a JSON object" in refusal(content)


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("name", 3, "a whole number, not a string"),
        ("counts", [], "an array, not an object"),
        ("parts", "1", "a string, not an array"),
        ("score", None, "null, not a number"),
        ("score", True, "a boolean, not a number"),
        ("size", 3.0, "a number, not a whole number"),
        ("size", False, "a boolean, not a whole number"),
        ("run", True, "a boolean, not a string or null"),
    ],
)
def test_a_value_of_another_type_is_named_with_both_types(refusal, key, value, said):
    assert f" (its {key!r} is {said}), " in refusal(json.dumps(FACTS | {key: value}).encode())


def test_a_file_that_may_not_be_read_keeps_the_systems_error(tmp_path, monkeypatch):
    path = tmp_path / "facts.json"
    path.write_text(json.dumps(FACTS))
    forbidden = Mock(side_effect=PermissionError(13, "Permission denied", str(path)))
    monkeypatch.setattr(type(path), "read_text", forbidden)
    with pytest.raises(PermissionError):
        read_json(path, KEYS, REMEDY)

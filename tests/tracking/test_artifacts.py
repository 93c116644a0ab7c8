"""The errors of a real bucket are tested in tests/cluster/test_team.py."""

import types

import pytest

from src.tracking import artifacts
from tests.support.refusal import refusal


class Bucket:
    """A fake place of artifacts that records requests, and fails with a given error."""

    def __init__(self, error=None, keeps=False):
        self.error, self.keeps, self.done = error, keeps, []

    def log_artifact(self, file):
        if self.error:
            raise self.error
        self.done.append("written")

    def delete_artifacts(self, path):
        if self.keeps:
            raise OSError("403 Client Error: FORBIDDEN")
        self.done.append(f"deleted {path}")


@pytest.fixture
def ask(monkeypatch):
    def ask(bucket, location):
        artifacts._probe.cache_clear()
        monkeypatch.setattr(artifacts, "get_artifact_repository", lambda *_, **__: bucket)
        experiment = types.SimpleNamespace(artifact_location=location, name="digits")
        artifacts.refuse_unwritable(experiment)
        artifacts.refuse_unwritable(experiment)

    yield ask
    artifacts._probe.cache_clear()


@pytest.mark.parametrize(
    ("location", "keeps", "done"),
    [
        ("s3://bucket/1", False, ["written", f"deleted {artifacts.PROBE}"]),
        ("mlflow-artifacts:/1", True, ["written"]),  # by one who may not delete
        ("file:///tmp/mlruns/1", False, []),
        ("/tmp/mlruns/1", False, []),
    ],
)
def test_a_place_off_this_disk_is_asked_once_and_left_as_it_was(ask, location, keeps, done):
    bucket = Bucket(keeps=keeps)
    ask(bucket, location)
    assert bucket.done == done


@pytest.mark.parametrize(
    ("location", "error", "remedy"),
    [
        ("s3://b/1", Exception("Unable to locate credentials"), "set AWS_ACCESS_KEY_ID and"),
        ("s3://b/1", Exception("(AccessDenied) when calling PutObject"), "have its owner allow"),
        ("s3://b/1", Exception("(NoSuchBucket)"), "create the bucket"),
        ("s3://b/1", Exception("what nobody foresaw"), "allow it, or fix the keys to it"),
        ("s3://b/1", ModuleNotFoundError("No module named 'boto3'"), "install the extra s3"),
        ("mlflow-artifacts:/1", OSError("500 Server Error"), "see what the server's log says"),
        ("mlflow-artifacts:/1", OSError("403 Client Error: FORBIDDEN"), "permission EDIT"),
        ("ftp://anna:s3cret@host/1", OSError("no ftp://anna:s3cret@host/1"), "allow it, or fix"),
    ],
)
def test_what_cannot_be_written_is_one_sentence_without_password_and_with_its_remedy(
    ask, location, error, remedy
):
    text, place = refusal(ask, Bucket(error), location), location.replace("anna:s3cret", "***")
    assert text.startswith(f"The artifacts of experiment 'digits' go to {place}, where ")
    assert remedy in text
    assert "s3cret" not in text


def test_the_errors_of_a_bucket_are_those_of_libraries_that_are_imported(monkeypatch):
    monkeypatch.delitem(artifacts.sys.modules, "botocore.exceptions", raising=False)
    monkeypatch.delitem(artifacts.sys.modules, "boto3.exceptions", raising=False)
    assert artifacts.away() == ()
    error = type("BotoCoreError", (Exception,), {})
    module = types.SimpleNamespace(BotoCoreError=error, ClientError=error)
    monkeypatch.setitem(artifacts.sys.modules, "botocore.exceptions", module)
    assert set(artifacts.away()) == {error}

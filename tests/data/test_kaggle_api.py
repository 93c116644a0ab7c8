"""Kaggle's real client, talking to the stand-in."""

import json
import socket
import zipfile
from functools import partial

import pytest

from src.core import errors
from src.data import kaggle_api
from tests.support import kaggle_stand_in as stand_in
from tests.support.kaggle_stand_in import COMPLETE, KEY, PENDING, REF, TOKEN, USER

LIMIT = "Your team has used its daily Submission allowance (5) today"


IDENTITY = json.dumps({"username": USER, "key": KEY})


@pytest.fixture
def kaggle(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(kaggle_api, "POLL_SECONDS", 0.01)
    with stand_in.stand_in(tmp_path / "home", monkeypatch) as running:
        monkeypatch.setenv("KAGGLE_API_TOKEN", TOKEN)
        yield running


@pytest.fixture
def anonymous(kaggle, monkeypatch):
    """Kaggle, and no credentials."""
    monkeypatch.delenv("KAGGLE_API_TOKEN")
    return kaggle


@pytest.fixture
def csv(tmp_path):
    path = tmp_path / "submission.csv"
    path.write_bytes(b"ImageId,Label\n1,7\n")
    return path


@pytest.fixture
def sentence(capsys, caplog):
    """Return a function that runs a failing call as a command does, and returns what it prints."""
    caplog.set_level("DEBUG")

    def run(call, *arguments, **options):
        with pytest.raises(SystemExit) as ended:
            errors.run(partial(call, *arguments, **options))
        out, err = capsys.readouterr()
        assert (ended.value.code, out) == (1, "")
        assert err.startswith("Error: ")
        assert err.count("\n") == 1
        for secret in stand_in.SECRETS:
            assert secret not in err + caplog.text
        return err

    return run


def unseen(ref, seconds):
    """Show nobody how long it takes."""


def submit(csv, timeout=600, waiting=unseen):
    return kaggle_api.submit(csv, "swish", timeout, waiting)


@pytest.mark.parametrize(
    ("environment", "files", "header"),
    [
        ({"KAGGLE_API_TOKEN": TOKEN}, {}, stand_in.BEARER),
        ({}, {".kaggle/access_token": TOKEN}, stand_in.BEARER),
        ({"KAGGLE_USERNAME": USER, "KAGGLE_KEY": KEY}, {}, stand_in.BASIC),
        ({}, {".kaggle/kaggle.json": IDENTITY}, stand_in.BASIC),
        ({}, {".config/kaggle/kaggle.json": IDENTITY}, stand_in.BASIC),
        ({"KAGGLE_CONFIG_DIR": "a"}, {"../a/kaggle.json": IDENTITY}, stand_in.BASIC),
    ],
    ids=["token", "token file", "name and key", "kaggle.json", "XDG", "KAGGLE_CONFIG_DIR"],
)
def test_credentials_are_found_in_each_standard_place(
    anonymous, tmp_path, monkeypatch, environment, files, header
):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    for name, text in files.items():
        path = tmp_path / "home" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    kaggle_api.download(tmp_path / "raw")
    method, authorization, _ = anonymous.asked[-1]
    assert (method, authorization) == ("DownloadDataFiles", header)


def test_without_credentials_the_sentence_names_the_places_and_where_to_get_a_token(
    anonymous, tmp_path, sentence
):
    error = sentence(kaggle_api.download, tmp_path / "raw")
    for place in ("KAGGLE_API_TOKEN", "~/.kaggle/access_token", "KAGGLE_KEY", "kaggle.json"):
        assert place in error
    assert "https://www.kaggle.com/settings/api" in error
    assert anonymous.asked == []
    assert not (tmp_path / "raw").exists()


WRONG_KEY = {"KAGGLE_USERNAME": USER, "KAGGLE_KEY": f"{KEY}-wrong"}


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"KAGGLE_API_TOKEN": f"{TOKEN}-revoked"}, "accept the token from KAGGLE_API_TOKEN"),
        (WRONG_KEY, "Kaggle answered 401; make a new token"),
    ],
)
def test_wrong_credentials_are_refused_without_showing_them(
    anonymous, tmp_path, monkeypatch, sentence, environment, said
):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert said in sentence(kaggle_api.download, tmp_path / "raw")


def test_download_gives_the_archive_with_the_three_files_and_prints_nothing_even_if_verbose(
    kaggle, tmp_path, monkeypatch, capfd
):
    monkeypatch.setenv("VERBOSE", "1")
    path = kaggle_api.download(tmp_path / "raw")
    assert list((tmp_path / "raw").iterdir()) == [path]
    with zipfile.ZipFile(path) as packed:
        assert {name: packed.read(name) for name in packed.namelist()} == stand_in.CSVS
    assert capfd.readouterr() == ("", "")


def test_a_kaggle_that_cannot_be_reached_is_one_sentence(
    kaggle, tmp_path, monkeypatch, sentence, csv
):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{closed.getsockname()[1]}")
        assert "cannot be reached" in sentence(kaggle_api.download, tmp_path / "raw")
        assert "cannot be reached" in sentence(submit, csv)
    assert not (tmp_path / "raw").exists()


def test_submit_sends_the_file_and_waits_for_its_score(kaggle, csv):
    kaggle.submissions = [{**COMPLETE, "ref": REF - 1}, PENDING, {**COMPLETE, "publicScore": ""}]
    kaggle.submissions += [COMPLETE]
    waited = []
    score = submit(csv, waiting=lambda ref, seconds: waited.append((ref, seconds)))
    assert (score.ref, score.public_score) == (REF, 0.99671)
    assert kaggle.uploaded == csv.read_bytes()
    [sent] = kaggle.calls("CreateSubmission")
    assert (sent["competitionName"], sent["submissionDescription"]) == ("digit-recognizer", "swish")
    assert len(kaggle.calls("ListSubmissions")) == 4
    assert [ref for ref, _ in waited] == [REF] * 4
    assert waited == sorted(waited)
    assert waited[0][1] == 0


@pytest.mark.parametrize(
    ("method", "status", "reason", "said"),
    [
        ("DownloadDataFiles", 403, "Accept the\nrules.", "answered 403 (Accept the rules); accept"),
        ("DownloadDataFiles", 403, "", "at https://www.kaggle.com/c/digit-recognizer/rules with"),
        ("StartSubmissionUpload", 400, LIMIT, f"Kaggle answered 400 ({LIMIT}); fix what it names"),
        ("CreateSubmission", 429, LIMIT, f"Kaggle answered 429 ({LIMIT}); wait (a daily limit of"),
        ("ListSubmissions", 403, "Forbidden", f"the score of submission {REF}, which Kaggle has: "),
    ],
)
def test_a_refusal_is_reported_in_kaggles_words_with_a_remedy(
    kaggle, tmp_path, csv, sentence, method, status, reason, said
):
    kaggle.refusals[method] = (status, reason)
    download = method == "DownloadDataFiles"
    call = (kaggle_api.download, tmp_path / "raw") if download else (submit, csv)
    assert said in sentence(*call)


def test_an_upload_that_the_storage_refuses_submits_nothing(kaggle, csv, sentence):
    kaggle.storage_status = 403
    assert "nothing was submitted" in sentence(submit, csv)
    assert kaggle.calls("CreateSubmission") == []


@pytest.mark.parametrize(
    ("method", "answer", "said"),
    [
        ("CreateSubmission", b'{"message": "Successfully submitted"}', "gave no number"),
        ("StartSubmissionUpload", b"<html>Please sign in</html>", "is not from Kaggle's API"),
    ],
)
def test_an_answer_without_a_number_or_from_a_login_page_is_not_waited_for(
    kaggle, csv, sentence, method, answer, said
):
    kaggle.answers[method] = answer
    assert said in sentence(submit, csv)
    assert kaggle.calls("ListSubmissions") == []


def test_a_submission_that_kaggle_cannot_score_gives_kaggles_reason(kaggle, csv, sentence):
    reason = "Evaluation Exception: Submission must have 28000 rows"
    kaggle.submissions = [PENDING, {"ref": REF, "status": "ERROR", "errorDescription": reason}]
    assert f"could not score submission {REF}: {reason}." in sentence(submit, csv)


def test_a_score_that_does_not_come_in_time_can_be_asked_for_again(kaggle, csv, sentence):
    kaggle.submissions = [PENDING]
    error = sentence(submit, csv, timeout=0.05)
    assert f"has no score for submission {REF} after 0.05 seconds" in error
    assert f"python -m src.submit [RUN_FOLDER] --ref {REF}" in error


@pytest.mark.parametrize("status", [429, 503])
def test_a_gap_in_kaggles_service_does_not_end_the_wait(kaggle, csv, status):
    kaggle.refusals["ListSubmissions"] = (status, "Busy")

    def fix(ref, seconds):
        if seconds:
            kaggle.refusals.clear()

    assert submit(csv, waiting=fix).public_score == 0.99671
    assert len(kaggle.calls("CreateSubmission")) == 1


def test_an_earlier_submission_that_is_not_there_is_named(kaggle, sentence):
    assert "Submission 12 is not among" in sentence(kaggle_api.score, 12, 600, unseen)

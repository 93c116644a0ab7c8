"""The command, with Kaggle's real client talking to the stand-in, and a real MLflow store once."""

import json
import os
import sqlite3
import sys
from unittest.mock import Mock

import pytest

import src.tracking
from src import submit
from src.core import errors
from tests.support.commands import ROOT, run
from tests.support.kaggle_stand_in import PENDING, REF, SECRETS, TOKEN, stand_in

RUN = ("0123456789abcdef", "swish-seed1", "digits")
ORIGIN = dict(zip(("run_id", "run_name", "experiment"), RUN, strict=True))
ORIGIN |= {"dataset": "kaggle-kaggle"}


@pytest.fixture
def kaggle(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with stand_in(tmp_path / "home", monkeypatch) as running:
        monkeypatch.setenv("KAGGLE_API_TOKEN", TOKEN)
        monkeypatch.setattr("time.sleep", lambda seconds: None)  # between two questions
        yield running


@pytest.fixture
def logger(monkeypatch):
    """Takes the place of run_logger, which needs seconds to import."""
    logger = Mock()
    logger.find_or_restore.side_effect = lambda run_id, *_: run_id
    monkeypatch.setitem(sys.modules, "src.tracking.run_logger", logger)
    monkeypatch.setattr(src.tracking, "run_logger", logger, raising=False)
    return logger


@pytest.fixture
def sentence(capsys):
    """Return a function that runs the command, which must fail, and returns what it printed, with
    the error alone of the lines on stderr.
    """

    def fail(*argv):
        with pytest.raises(SystemExit) as ended:
            errors.run(lambda: submit.main(argv))
        out, err = capsys.readouterr()
        assert ended.value.code == 1
        assert not any(secret in out + err for secret in SECRETS)
        *progress, error = err.splitlines()
        assert error.startswith("Error: ")
        assert not any(line.startswith(("Error", "Traceback")) for line in progress)
        return out + error

    return fail


def table(first=1, rows=28_000, label="7"):
    return (
        "\n".join(["ImageId,Label", *(f"{i},{label}" for i in range(first, first + rows))]) + "\n"
    )


def place(run_json, csv, **origin):
    """Write a run.json and a submission; return the submission's path."""
    for path, text in ((run_json, json.dumps(ORIGIN | origin)), (csv, table())):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return csv


@pytest.fixture
def pipeline(kaggle, tmp_path):
    """Return the submission.csv that `dvc repro` would have left."""
    return place(tmp_path / "models/run.json", tmp_path / "predictions/submission.csv")


def test_the_score_is_printed_and_recorded_in_the_run_that_trained(
    kaggle, pipeline, logger, capsys
):
    submit.main([])
    out, err = capsys.readouterr()
    assert out.splitlines() == [
        "Public score  0.99671",
        "Kaggle        https://www.kaggle.com/competitions/digit-recognizer/submissions "
        f"(submission {REF})",
        "MLflow run    swish-seed1 (0123456789abcdef)",
    ]
    assert f"Submission {REF} is in; waiting" in err
    logger.find_or_restore.assert_called_once_with(*RUN)
    scores, tags = {"kaggle_public_score": 0.99671}, {"kaggle_submission": str(REF)}
    logger.add_results.assert_called_once_with(RUN[0], scores=scores, tags=tags)
    assert kaggle.uploaded == pipeline.read_bytes()
    assert kaggle.calls("CreateSubmission")[0]["submissionDescription"] == "swish-seed1"


def test_a_run_folder_is_submitted_with_the_message_given(kaggle, tmp_path, logger):
    csv = place(tmp_path / "run/run.json", tmp_path / "run/predictions/submission.csv")
    submit.main(["run", "--message", "my best"])
    assert kaggle.uploaded == csv.read_bytes()
    assert kaggle.calls("CreateSubmission")[0]["submissionDescription"] == "my best"
    logger.find_or_restore.assert_called_once_with(*RUN)


def test_an_earlier_submission_is_recorded_without_sending_anything(kaggle, pipeline, logger):
    pipeline.unlink()
    submit.main(["--ref", str(REF)])
    assert kaggle.calls("CreateSubmission") == []
    assert logger.add_results.call_args.kwargs["scores"] == {"kaggle_public_score": 0.99671}


def test_the_score_of_a_training_that_was_not_tracked_is_printed_only(
    kaggle, tmp_path, logger, capsys
):
    place(tmp_path / "models/run.json", tmp_path / "predictions/submission.csv", run_id=None)
    submit.main([])
    assert "MLflow run    none: the training was not tracked" in capsys.readouterr().out
    assert logger.mock_calls == []


@pytest.mark.usefixtures("pipeline")
def test_a_score_that_mlflow_cannot_take_is_printed_anyway(logger, sentence):
    secret = "cannot connect to https://ada:p4ssword@mlflow.example"
    logger.find_or_restore.side_effect = RuntimeError(secret)
    printed = sentence()
    assert "Public score  0.99671" in printed
    assert "The score above is not in MLflow (RuntimeError)" in printed
    assert f"python -m src.submit [RUN_FOLDER] --ref {REF}" in printed
    assert "p4ssword" not in printed


ROWS = (
    " has 10,000 data rows, 28,000 expected, as in Kaggle's test.csv: set fetch.source to kaggle "
    "in params.yaml, run `dvc repro`, and submit that."
)
LABEL = (
    ", column Label, data row 1: found '12', expected a digit from 0 to 9. Run `dvc repro --force "
    "predict`, then submit again."
)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", " is empty"),
        (table(rows=10_000), ROWS),
        (table(first=0), ", column ImageId, data row 1: found '0', expected 1"),
        (table(label="12"), LABEL),
    ],
    ids=["empty", "rows", "ids", "label"],
)
def test_a_file_that_kaggle_would_refuse_is_not_sent(kaggle, pipeline, sentence, text, problem):
    pipeline.write_text(text)
    assert sentence().startswith(f"Error: predictions/submission.csv{problem}")
    assert kaggle.asked == []


def test_a_missing_file_is_named(kaggle, pipeline, sentence):
    pipeline.unlink()
    assert "predictions/submission.csv is missing" in sentence()
    (pipeline.parents[1] / "models/run.json").unlink()
    assert "models/run.json does not exist" in sentence()
    assert "nowhere is not a folder" in sentence("nowhere")
    assert kaggle.asked == []


@pytest.mark.parametrize("text", ["{", "[]", '{"run_id": "1"}'])
def test_a_run_json_that_names_no_run_is_refused(kaggle, pipeline, sentence, text):
    (pipeline.parents[1] / "models/run.json").write_text(text)
    assert "expected a JSON object with run_id, run_name, experiment and dataset" in sentence()
    assert kaggle.asked == []


def test_labels_of_other_images_than_kaggles_are_not_sent(kaggle, tmp_path, sentence):
    for dataset in ("mnist-kaggle", "fashion_mnist-kaggle"):
        place(
            tmp_path / "models/run.json", tmp_path / "predictions/submission.csv", dataset=dataset
        )
        assert f"This submission is for {dataset}" in sentence()
    assert kaggle.asked == []


@pytest.mark.parametrize("seconds", ["-1", "nan", "inf"])
def test_an_invalid_time_out_is_refused(kaggle, sentence, seconds):
    assert f"--timeout={seconds} is not a time" in sentence("--timeout", seconds)
    assert kaggle.asked == []


@pytest.mark.usefixtures("pipeline", "logger")
def test_on_a_terminal_the_seconds_are_counted_in_one_line(kaggle, monkeypatch, capsys):
    kaggle.submissions = [PENDING, PENDING, *kaggle.submissions[1:]]
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    submit.main([])
    _, err = capsys.readouterr()
    assert err.count(f"Submission {REF} is in") == 1
    assert err.endswith("\r0 s\r0 s\r\x1b[K")


def test_help_imports_nothing_heavy(no_heavy_imports, tmp_path):
    for name in ("kaggle", "requests", "pandas"):
        (tmp_path / f"{name}.py").write_text(f"raise RuntimeError('{name} was imported')")
    path = f"{no_heavy_imports}{os.pathsep}{ROOT}"
    assert "RUN_FOLDER" in run(tmp_path, "src.submit", "--help", PYTHONPATH=path).stdout


@pytest.mark.usefixtures("pipeline")
def test_the_score_of_a_restored_model_is_recorded_in_a_real_store(tmp_path, monkeypatch, capsys):
    store = tmp_path / "mlflow.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{store}")
    submit.main([])
    out, _ = capsys.readouterr()
    assert out.splitlines()[0] == "Public score  0.99671"
    assert "stands in for a run missing from this store" in out
    with sqlite3.connect(store) as connection:
        rows = connection.execute("select key, value from metrics").fetchall()
    assert rows == [("kaggle_public_score", 0.99671)]

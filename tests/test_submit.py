"""The command, with Kaggle's real client talking to the stand-in, and a real MLflow store once."""

import json
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

import src.tracking
from src import submit
from src.core import errors
from tests.support.kaggle_stand_in import PENDING, REF, SECRETS, TOKEN, StandIn, stand_in

ROOT = Path(__file__).resolve().parents[1]
ROWS = 28_000
ORIGIN = {
    "run_id": "0123456789abcdef",
    "run_name": "swish-seed1",
    "experiment": "digits",
    "dataset": "kaggle-kaggle",
}
RUN = {key: ORIGIN[key] for key in ("run_id", "run_name", "experiment")}


@pytest.fixture
def kaggle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    monkeypatch.chdir(tmp_path)
    with stand_in(tmp_path / "home", monkeypatch) as running:
        monkeypatch.setenv("KAGGLE_API_TOKEN", TOKEN)
        monkeypatch.setattr("time.sleep", lambda seconds: None)  # between two questions
        yield running


@pytest.fixture
def records(monkeypatch: pytest.MonkeyPatch) -> list[dict]:
    """Take the place of run_logger, which needs seconds to import; return what it was given."""
    given: list[dict] = []

    def find_or_restore(run_id: str, name: str, experiment: str) -> str:
        given.append({"run_id": run_id, "run_name": name, "experiment": experiment})
        return run_id

    use_tracking(monkeypatch, find_or_restore, lambda run_id, **values: given.append(values))
    return given


@pytest.fixture
def sentence(capsys: pytest.CaptureFixture) -> Callable[..., str]:
    """Return a function that runs the command, which must fail, and returns the error line."""

    def run(*argv: str) -> str:
        with pytest.raises(SystemExit) as ended:
            errors.run(lambda: submit.main(argv))
        out, err = capsys.readouterr()
        assert ended.value.code == 1
        assert not any(secret in out + err for secret in SECRETS)
        *progress, error = err.splitlines()
        assert error.startswith("Error: ")
        assert not any(line.startswith(("Error", "Traceback")) for line in progress)
        return out + error

    return run


def use_tracking(
    monkeypatch: pytest.MonkeyPatch, find_or_restore: Callable, add_results: Callable
) -> None:
    tracking = SimpleNamespace(find_or_restore=find_or_restore, add_results=add_results)
    monkeypatch.setitem(sys.modules, "src.tracking.run_logger", tracking)
    monkeypatch.setattr(src.tracking, "run_logger", tracking, raising=False)


def table(header: str = "ImageId,Label", first: int = 1, rows: int = ROWS, label: str = "7") -> str:
    return "\n".join([header, *(f"{i},{label}" for i in range(first, first + rows))]) + "\n"


def place(run_json: Path, csv: Path, text: str | None = None) -> Path:
    """Write a run.json and a submission; return the submission's path."""
    for path in (run_json, csv):
        path.parent.mkdir(parents=True, exist_ok=True)
    run_json.write_text(json.dumps(ORIGIN))
    csv.write_text(table() if text is None else text)
    return csv


@pytest.fixture
def pipeline(kaggle: StandIn, tmp_path: Path) -> Path:
    """Return the submission.csv that `dvc repro` would have left."""
    return place(tmp_path / "models/run.json", tmp_path / "predictions/submission.csv")


def test_the_score_is_printed_and_recorded_in_the_run_that_trained(
    kaggle, pipeline, records, capsys
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
    assert records == [
        RUN,
        {"scores": {"kaggle_public_score": 0.99671}, "tags": {"kaggle_submission": str(REF)}},
    ]
    assert kaggle.uploaded == pipeline.read_bytes()
    assert kaggle.calls("CreateSubmission")[0]["submissionDescription"] == "swish-seed1"


def test_a_run_folder_is_submitted_with_the_message_given(kaggle, tmp_path, records):
    csv = place(tmp_path / "run/run.json", tmp_path / "run/predictions/submission.csv")
    submit.main(["run", "--message", "my best"])
    assert kaggle.uploaded == csv.read_bytes()
    assert kaggle.calls("CreateSubmission")[0]["submissionDescription"] == "my best"
    assert records[0] == RUN


def test_an_earlier_submission_is_recorded_without_sending_anything(kaggle, pipeline, records):
    pipeline.unlink()
    submit.main(["--ref", str(REF)])
    assert kaggle.calls("CreateSubmission") == []
    assert records[1]["scores"] == {"kaggle_public_score": 0.99671}


def test_the_score_of_a_training_that_was_not_tracked_is_printed_only(
    kaggle, pipeline, records, capsys
):
    run_json = pipeline.parents[1] / "models" / "run.json"
    run_json.write_text(json.dumps(ORIGIN | {"run_id": None}))
    submit.main([])
    assert "MLflow run    none: the training was not tracked" in capsys.readouterr().out
    assert records == []


@pytest.mark.usefixtures("pipeline")
def test_a_score_that_mlflow_cannot_take_is_printed_anyway(kaggle, monkeypatch, sentence):
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("cannot connect to https://ada:p4ssword@mlflow.example")

    use_tracking(monkeypatch, broken, broken)
    printed = sentence()
    assert "Public score  0.99671" in printed
    assert "The score above is not in MLflow (RuntimeError)" in printed
    assert f"python -m src.submit [RUN_FOLDER] --ref {REF}" in printed
    assert "p4ssword" not in printed


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "submission.csv is empty"),
        (table(rows=10_000), "has 10,000 data rows, 28,000 expected"),
        (table(first=0), "column ImageId, data row 1: found '0', expected 1"),
        (table(label="12"), "column Label, data row 1: found '12', expected a digit"),
    ],
    ids=["empty", "rows", "ids", "label"],
)
def test_a_file_that_kaggle_would_refuse_is_not_sent(kaggle, pipeline, sentence, text, said):
    pipeline.write_text(text)
    assert said in sentence()
    assert kaggle.asked == []


def test_the_sentence_about_a_submission_says_how_to_replace_it(pipeline, sentence):
    path = "predictions/submission.csv"
    pipeline.write_text(table(label="12"))
    assert sentence() == (
        f"Error: {path}, column Label, data row 1: found '12', expected a digit from 0 to 9. Run "
        "`dvc repro --force predict`, then submit again."
    )
    pipeline.write_text(table(rows=10_000))
    assert sentence() == (
        f"Error: {path} has 10,000 data rows, 28,000 expected, as in Kaggle's test.csv: set "
        "fetch.source to kaggle in params.yaml, run `dvc repro`, and submit that."
    )


def test_a_missing_file_is_named(kaggle, pipeline, sentence):
    pipeline.unlink()
    assert "predictions/submission.csv is missing" in sentence()
    (pipeline.parents[1] / "models/run.json").unlink()
    assert "models/run.json does not exist" in sentence()
    assert "nowhere is not a folder" in sentence("nowhere")
    assert kaggle.asked == []


def test_a_run_json_that_names_no_run_is_refused(kaggle, pipeline, sentence):
    for text in ("{", "[]", '{"run_id": "1"}'):
        (pipeline.parents[1] / "models/run.json").write_text(text)
        assert "expected a JSON object with run_id, run_name, experiment and dataset" in sentence()
    assert kaggle.asked == []


@pytest.mark.parametrize("source", ["mnist", "fashion_mnist"])
@pytest.mark.usefixtures("pipeline")
def test_labels_of_other_images_than_kaggles_are_not_sent(kaggle, tmp_path, sentence, source):
    origin = {**ORIGIN, "dataset": f"{source}-kaggle"}
    (tmp_path / "models/run.json").write_text(json.dumps(origin))
    assert f"This submission is for {source}-kaggle" in sentence()
    assert kaggle.asked == []


@pytest.mark.parametrize("seconds", ["-1", "nan", "inf"])
@pytest.mark.usefixtures("pipeline")
def test_an_invalid_time_out_is_refused(kaggle, sentence, seconds):
    assert f"--timeout={seconds} is not a time" in sentence("--timeout", seconds)
    assert kaggle.asked == []


@pytest.mark.usefixtures("pipeline")
def test_on_a_terminal_the_seconds_are_counted_in_one_line(kaggle, records, monkeypatch, capsys):
    kaggle.submissions = [PENDING, PENDING, *kaggle.submissions[1:]]
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    submit.main([])
    _, err = capsys.readouterr()
    assert err.count(f"Submission {REF} is in") == 1
    assert err.endswith("\r0 s\r0 s\r\x1b[K")


def test_help_imports_nothing_heavy():
    code = (
        "import sys; from src import submit\n"
        "try: submit.main(['--help'])\n"
        "except SystemExit: pass\n"
        "print({'kaggle', 'requests', 'pandas', 'mlflow', 'tensorflow'} & set(sys.modules))"
    )
    found = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert "RUN_FOLDER" in found.stdout
    assert found.stdout.splitlines()[-1] == "set()"


def test_the_score_of_a_restored_model_is_recorded_in_a_real_store(
    kaggle, pipeline, tmp_path, monkeypatch, capsys
):
    store = tmp_path / "mlflow.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{store}")
    submit.main([])
    out, _ = capsys.readouterr()
    assert out.splitlines()[0] == "Public score  0.99671"
    assert "stands in for a run missing from this store" in out
    with sqlite3.connect(store) as connection:
        rows = connection.execute("select key, value from metrics").fetchall()
    assert rows == [("kaggle_public_score", 0.99671)]

import base64
import errno
import json
import os
import re
import shutil
from contextlib import redirect_stdout
from dataclasses import dataclass
from functools import partial
from io import BytesIO, StringIO
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest
from mlflow import MlflowClient
from PIL import Image

from src import report
from src.core import paths
from src.data import mirrors
from src.evaluation import figures
from src.reporting import activation_profile, exhibits, factor_exhibits, page
from src.tracking import store
from tests.support.commands import refusal, run_here
from tests.support.simulated_runs import COUNTS, DIGEST
from tests.support.simulated_runs import FIGURES as COMPARED
from tests.support.studies import child, study

TABLES = {"results.json", "runs.csv", "pairs.csv", page.EVIDENCE}
FIGURES = (*COMPARED, "ensembles")


@dataclass(frozen=True)
class Reported:
    """The result of a run of the command: its output, the page, the files."""

    client: MlflowClient
    parent_id: str
    printed: str
    page: str
    files: dict[str, bytes]
    logged: set[str]


class Page:
    """The parts of a page."""

    def __init__(self, text):
        self.links = re.findall(r'\b(?:src|srcset|href)="([^"]+)"', text)
        self.ids = set(re.findall(r' id="([^"]+)"', text))
        self.pictures = re.findall(r'<figure id="([^"]+)"', text)
        self.captions = re.findall(r"<figcaption><strong>(.*?)</strong>", text)


def files(folder):
    """Return the contents of all files below, by their names."""
    return {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def reported(project, *words):
    client, parent_id = project
    with redirect_stdout(StringIO()) as printed:
        run_here(report, *words)
    found = files(paths.REPORTS / "five")
    parts = (report.ARTIFACTS, f"{report.ARTIFACTS}/figures")
    kept = [file for part in parts for file in client.list_artifacts(parent_id, part)]
    logged = {Path(file.path).name for file in kept if not file.is_dir}
    text = found[page.PAGE].decode()
    return Reported(client, parent_id, printed.getvalue(), text, found, logged)


def in_store(patch, folder, database=None):
    """Make a folder the project, with a copy of a store, if there is one."""
    for name in ("MLFLOW_TRACKING_URI", "DVC_ROOT"):
        patch.delenv(name, raising=False)
    patch.chdir(folder)
    mlflow.set_tracking_uri(None)
    if database:
        shutil.copy(database, folder / "mlflow.db")


@pytest.fixture(scope="module")
def project(empty_store, sample, tmp_path_factory):
    """A project with a study in its store, and with the images that it was scored on; figures are
    coarse there, and costs measured once, which takes less time.
    """
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("project")
        in_store(patch, folder, empty_store)
        patch.setattr(figures, "DPI", 40)
        once = partial(activation_profile.costs, rounds=1)
        patch.setattr(activation_profile, "costs", once)
        paths.PROCESSED.mkdir(parents=True)
        np.savez(paths.TEST, images=sample[mirrors.TEST_IMAGES])
        paths.DATASET.write_text(json.dumps({"name": "mnist", "digest": DIGEST, "counts": COUNTS}))
        client, experiment = store.connect("digits")
        yield client, study(client, experiment, images=200)
    mlflow.set_tracking_uri(None)


@pytest.fixture(scope="module")
def first(project):
    """The report of the study that is named."""
    return reported(project, "five")


@pytest.fixture(scope="module")
def second(project, first):
    """A report of the newest, compared with another reference, where a run has failed since, the
    images are gone, and the report before left a file that is not made again.
    """
    child(*project, "relu", 9, status="FAILED", images=200)
    shutil.rmtree(paths.PROCESSED)
    (paths.REPORTS / "five" / "stray.txt").write_text("of an earlier report")
    return reported(project, "--reference", "gelu")


@pytest.fixture
def parsed(first):
    return Page(first.page)


def test_the_page_needs_nothing_else(first, parsed):
    assert not re.search(r"https?://|@import|url\(|fetch\(", first.page)
    for link in parsed.links:
        if link.startswith("#"):
            assert link[1:] in parsed.ids
        else:
            assert link.startswith("data:image/png;base64,")


def test_the_page_shows_every_figure_on_white_and_black_with_a_caption(first, parsed):
    assert len(parsed.pictures) == len(FIGURES)
    assert set(parsed.pictures) == set(FIGURES)
    shown = [base64.b64decode(link.partition(",")[2]) for link in parsed.links if link[0] != "#"]
    for name, dark, light in zip(parsed.pictures, shown[::2], shown[1::2], strict=True):
        assert light == first.files[f"{name}.png"]
        assert dark == first.files[f"{name}-dark.png"]
        for body, bright in ((light, True), (dark, False)):
            with Image.open(BytesIO(body)) as picture:
                assert (min(picture.convert("RGB").getpixel((0, 0))) == 255) == bright
    assert len(parsed.captions) == len(FIGURES)
    for caption in parsed.captions:
        assert re.fullmatch(r"[A-Z0-9].{20,}\.", caption)


def test_the_page_says_what_was_compared_and_how_it_was_made(first):
    text = " ".join(re.sub("<[^>]+>", " ", first.page.partition("<body>")[2]).split())
    assert "five: 5 activations with 4 seeds each, evaluated on 200 held-out images." in text
    assert text.count("simultaneous 95% CI") >= 10
    assert "ab" * 20 in text
    assert f"SHA-256 {DIGEST}" in text
    assert "TensorFlow 2.21.0" in text
    assert "python -m src.study five python -m src.report" in text
    assert "model._target_ : src.training.models.compact" in text
    assert not re.search(r"\bnan\b", text.lower())


def test_in_markdown_it_has_the_verdicts_whole_tables_and_links_to_the_files_beside_it(first):
    markdown = first.files[paths.READABLE_REPORT].decode()
    for pair in json.loads(first.files["results.json"])["pairs"]:
        assert f"- {pair['sentence']}\n" in markdown
    links = re.findall(r'(?:src|srcset)="([^"]+)"|\]\(([^)]+)\)', markdown)
    assert len(links) == 2 * len(FIGURES) + 4
    assert {Path(picture or file).name for picture, file in links} <= set(first.files)
    assert all(picture.startswith("figures/") for picture, _ in links if picture)
    tables = re.findall(r"(?:^\|.*\n)+", markdown, re.MULTILINE)
    assert len(tables) >= 5
    for table in tables:
        assert len({row.count("|") for row in table.splitlines()}) == 1


def test_the_numbers_lie_beside_the_page(first):
    figures_there = {f"{name}{version}.png" for name in FIGURES for version in ("", "-dark")}
    assert set(first.files) == {page.PAGE, paths.READABLE_REPORT, *TABLES, *figures_there}
    results = json.loads(first.files["results.json"])
    assert (results["title"], results["reference"], results["images"]) == ("five", "ReLU", 200)
    runs, pairs = (pd.read_csv(BytesIO(first.files[f"{name}.csv"])) for name in ("runs", "pairs"))
    assert len(runs) == 20
    accuracy = runs[runs["activation"] == "ReLU"]["test_accuracy"].mean()
    assert accuracy == pytest.approx(results["levels"]["ReLU"]["mean"]["value"])
    assert pairs["second"].tolist()[:4] == ["ReLU"] * 4
    assert pairs["p"].tolist() == pytest.approx(
        [pair["comparison"]["difference"]["p_value"] for pair in results["pairs"]]
    )


def test_the_parent_run_keeps_the_report(first):
    assert first.logged == set(first.files)
    kept = first.client.download_artifacts(first.parent_id, f"{report.ARTIFACTS}/{page.PAGE}")
    assert Path(kept).read_text() == first.page
    assert first.client.get_run(first.parent_id).info.status == "FINISHED"


def test_the_command_prints_the_verdicts_and_where_the_report_is(first):
    title, *verdicts, last = first.printed.splitlines()
    assert title == "five · 5 activations × 4 seeds · differences in percentage points (pp)"
    results = json.loads(first.files["results.json"])
    notes = [line for line in verdicts if line.startswith("Note: ")]
    assert results["remarks"] == [note.removeprefix("Note: ") for note in notes]
    verdicts = verdicts[len(notes) :]
    for line, pair in zip(verdicts, results["pairs"], strict=True):
        assert line.startswith(f"{pair['sentence']} A run of ")
    assert last == (f"reports/five/index.html, and in MLflow's run {first.parent_id} under report/")


def test_a_study_that_was_not_trained_here_is_distinguished_from_an_unknown_name(
    empty_store, tmp_path, monkeypatch, capsys
):
    in_store(monkeypatch, tmp_path, empty_store)
    trains = "The study fashion was not trained here, so this MLflow store has no runs of it: "
    said = refusal(capsys, report, "fashion")
    assert said == f"Error: {trains}`python -m src.study fashion` trains it."
    readable = tmp_path / "reports" / "fashion" / "report.md"
    readable.parent.mkdir(parents=True)
    readable.write_text("# Results")
    assert "; the committed results are in reports/fashion/report.md." in refusal(
        capsys, report, "fashion"
    )


def test_a_new_report_replaces_the_old_one_whole_and_says_if_images_are_missing(first, second):
    missing = {"uniquely_misclassified.png", "uniquely_misclassified-dark.png"}
    assert set(second.files) == set(first.files) - missing
    assert [path.name for path in paths.REPORTS.iterdir()] == ["five"]
    assert set(Page(second.page).pictures) == set(FIGURES) - {"uniquely_misclassified"}
    assert "data/processed does not have the images" in second.page


def test_what_is_left_out_is_noted_on_the_page_and_on_the_screen(second):
    remark = "Left out: relu-seed9 (failed)."
    assert f"<blockquote>\n<p>{remark}</p>" in second.page
    assert second.printed.splitlines()[1] == f"Note: {remark}"
    assert json.loads(second.files["results.json"])["remarks"][0] == remark


def test_another_reference_can_be_asked_for(second):
    results = json.loads(second.files["results.json"])
    assert results["reference"] == "GELU"
    assert next(iter(results["levels"])) == "GELU"
    assert "longer than with GELU" in second.page or "shorter than with GELU" in second.page
    assert "python -m src.report five --reference GELU" in second.page


def test_a_folder_can_be_compared_with_another_reference(project, second, tmp_path, capsys):
    shutil.copytree(paths.REPORTS / "five", tmp_path / "five")
    run_here(report, str(tmp_path / "five"), "--reference", "relu")
    assert capsys.readouterr().out.startswith("five · 5 activations × 4 seeds · ")
    assert json.loads((tmp_path / "five" / "results.json").read_text())["reference"] == "ReLU"


def test_several_studies_share_a_page(project, second, capsys):
    client, parent_id = project
    experiment = client.get_run(parent_id).info.experiment_id
    small = {"activations": ("relu", "swish"), "seeds": (1, 2), "images": 200}
    study(client, experiment, "other", **small)
    run_here(report, "five", "other")
    folder = paths.REPORTS / "five-other-joined"
    assert capsys.readouterr().out.splitlines()[-1] == str(folder / page.PAGE)
    tables = {"index.html", "report.md", "pairs.csv"}
    assert set(files(folder)) == {*tables, "forest.png", "forest-dark.png"}
    text = (folder / page.PAGE).read_text()
    assert "Where the activation matters" in text
    assert "python -m src.report five other" in text


def test_a_study_that_is_named_twice_is_refused(project, second, capsys):
    before = sorted(path.name for path in paths.REPORTS.iterdir())
    assert "five is named twice: name each study once." in refusal(capsys, report, "five", "five")
    assert sorted(path.name for path in paths.REPORTS.iterdir()) == before


def test_without_a_store_there_is_a_sentence_and_no_file(tmp_path, monkeypatch, capsys):
    in_store(monkeypatch, tmp_path)
    assert "There are no runs yet, because mlflow.db does not exist" in refusal(capsys, report)
    assert "`python -m src.study default` trains it." in refusal(capsys, report, "default")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["fve"], "Did you mean 'five'?"),
        (["five", "--reference", "swihs"], "--reference swihs: these runs have no such activation"),
        ([], "MLflow has no study or sweep yet"),
        (["reports/five"], "reports/five has no evidence.json.gz, the evidence of a report: name"),
        (["reports/five", "five"], "Name either runs in MLflow or folders of reports, not both."),
    ],
)
def test_a_mistake_is_one_sentence_and_leaves_no_file(
    empty_store, tmp_path, monkeypatch, capsys, words, said
):
    in_store(monkeypatch, tmp_path, empty_store)
    client, experiment = store.connect("digits")
    if words:
        small = {"images": 30, "epochs": 2}
        study(client, experiment, activations=("relu", "swish"), seeds=(1, 2), **small)
    assert said in refusal(capsys, report, *words)
    assert {path.name for path in tmp_path.iterdir()} <= {"mlflow.db", "mlruns"}


def test_a_full_disk_leaves_the_report_before_as_it_was(project, second, monkeypatch, capsys):
    def fill(drawn, folder):
        (folder / "half.png").write_bytes(b"half a picture")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder))

    monkeypatch.setattr(factor_exhibits, "of", lambda *found: [])
    monkeypatch.setattr(exhibits, "of", lambda *found: [])
    monkeypatch.setattr(exhibits, "draw", fill)
    before = sorted(paths.REPORTS.iterdir())
    with pytest.raises(SystemExit) as ended:
        run_here(report, "five")
    assert ended.value.code == 1
    assert "no space left on device" in capsys.readouterr().err
    assert files(paths.REPORTS / "five") == second.files
    assert sorted(paths.REPORTS.iterdir()) == before

import json
import os
import shutil

import pytest
from PIL import Image

from src import gap
from tests.support.commands import ROOT, files, refusal, run, run_here

SCORES = ("0.99457", "0.99671", "--images", "7000")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The working directory, with two studies' reports."""
    for study in ("default", "notebook"):
        (tmp_path / "reports" / study).mkdir(parents=True)
        shutil.copy(ROOT / "reports" / study / "results.json", tmp_path / "reports" / study)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_command_prints_two_sentences_writes_a_figure_and_is_light(folder, no_heavy_imports):
    (folder / "pandas.py").write_text("raise RuntimeError('pandas was imported')")
    light = f"{no_heavy_imports}{os.pathsep}{ROOT}"
    done = run(folder, "src.gap", *SCORES, "--like", "notebook", PYTHONPATH=light)
    assert done.returncode == 0, done.stderr
    independent, same, where = done.stdout.splitlines()
    assert independent.startswith("0.99457 and 0.99671 are 6,962 and 6,977 of 7,000 images, 15 ")
    assert independent.endswith("in 6.3% of pairs.")
    assert "the study notebook" in same
    assert where == "outputs/gap.png"
    with Image.open(folder / where) as picture:
        assert min(picture.size) > 500


def test_its_help_needs_no_library(folder):
    for name in ("numpy", "scipy", "matplotlib"):
        (folder / f"{name}.py").write_text(f"raise RuntimeError('{name} was imported')")
    done = run(folder, "src.gap", "--help", PYTHONPATH=str(ROOT))
    assert done.returncode == 0, done.stderr
    assert "reports/STUDY/results.json" in done.stdout


def test_without_a_study_it_reads_none_and_another_file_can_be_asked_for(folder, capsys):
    shutil.rmtree(folder / "reports")
    run_here(gap, *SCORES, "--out", "some/figure.png")
    assert "--like STUDY" in capsys.readouterr().out
    assert files(folder) == {"some", "some/figure.png"}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("0.99460", *SCORES[1:]), "0.99460 is not a possible score on 7,000 images"),
        ((SCORES[0], SCORES[0], *SCORES[2:]), "are both 6,962 of 7,000 images"),
        ((*SCORES, "--like", "notbook"), "Did you mean 'notebook'?"),
        ((*SCORES, "--like", "../reports/default"), "no report on such a study"),
        ((*SCORES, "--out", "figure.jpg"), "expected a file that ends in .png"),
        ((*SCORES, "--out", "reports"), "expected a file that ends in .png"),
    ],
)
def test_a_mistake_is_one_sentence_and_leaves_no_file(folder, capsys, words, said):
    before = files(folder)
    assert said in refusal(capsys, gap, *words)
    assert files(folder) == before


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("error_overlap", "much", "its 'error_overlap' is a string"),
        ("error_overlap", [[0.5]] * 3, "list index out of range"),
        ("error_overlap", [[1.0] * 3] * 3, "its runs never disagree"),
        ("levels", {"ReLU": {}}, "accuracy"),
        ("images", 0, "a second run or images"),
    ],
)
def test_a_report_that_was_changed_is_named(folder, capsys, key, value, said):
    file = folder / "reports" / "notebook" / "results.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), key: value}))
    text = refusal(capsys, gap, *SCORES, "--like", "notebook")
    assert text.startswith("Error: reports/notebook/results.json cannot be read (")
    assert said in text
    assert text.endswith("run `python -m src.report notebook`.")

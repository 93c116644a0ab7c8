"""notebooks/digit-recognizer.ipynb, run as on Kaggle and as elsewhere, on a sample of MNIST."""

import shutil
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from tests.support.commands import ROOT, SMALL, environment, make_project

NOTEBOOK = ROOT / "notebooks" / "digit-recognizer.ipynb"


def execute(folder: Path, **more: str) -> nbformat.NotebookNode:
    """Run the notebook in a folder, as a user does from the first cell to the last."""
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    words = " ".join([*SMALL, "activation=relu", "epochs=1"])
    variables = environment(PROJECT_PYTHON=sys.executable, OVERRIDES=words, **more)
    client = NotebookClient(notebook, timeout=900, kernel_name="python3")
    return client.execute(cwd=str(folder), env=variables)


def printed(notebook: nbformat.NotebookNode) -> str:
    outputs = [one for cell in notebook.cells for one in cell.get("outputs", [])]
    return "".join(one.get("text", "") for one in outputs)


def figures(notebook: nbformat.NotebookNode) -> int:
    outputs = [one for cell in notebook.cells for one in cell.get("outputs", [])]
    return sum("image/png" in one.get("data", {}) for one in outputs)


def test_it_is_kept_without_outputs():
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert len(cells) >= 4
    assert all(cell.outputs == [] and cell.execution_count is None for cell in cells)


@pytest.mark.slow
def test_on_kaggle_it_clones_the_project_and_reads_the_competitions_files(small_mnist, tmp_path):
    kaggle = tmp_path / "input"
    shutil.copytree(small_mnist, kaggle)
    (kaggle / "solution.csv").unlink()  # Kaggle keeps the labels to itself
    elsewhere = tmp_path / "nothing-here"
    repository = make_project(tmp_path / "repository", elsewhere, processed=False)
    (tmp_path / "working").mkdir()

    done = execute(tmp_path / "working", REPOSITORY=str(repository), KAGGLE_INPUT=str(kaggle))

    lines = (tmp_path / "working" / "submission.csv").read_text().splitlines()
    assert lines[0] == "ImageId,Label"
    assert len(lines) == 201
    assert "ImageId,Label" in printed(done)
    assert figures(done) == 2  # the samples and the learning curves


@pytest.mark.slow
def test_in_a_clone_it_uses_that_and_scores_its_predictions(small_mnist, tmp_path):
    project = make_project(tmp_path / "project", small_mnist, processed=False)
    (project / "notebooks").mkdir()

    done = execute(project / "notebooks")

    assert "held-out accuracy" in printed(done)
    assert figures(done) == 4
    assert not (project / "mlflow.db").exists()

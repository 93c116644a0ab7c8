import json
import shutil
from dataclasses import replace

import keras
import numpy as np
import pandas as pd
import pytest

from src.config import compose
from src.core import paths
from src.core.errors import InputError
from src.data import dataset, split
from src.evaluation import held_out_labels
from src.experiments import run_spec, train_run
from tests.support.commands import SMALL, files, make_project, run, sentence

UNTRACKED = (*SMALL, "epochs=1", "mlflow.enabled=false")


@pytest.fixture(scope="module")
def untracked(small_mnist, tmp_path_factory):
    """A project with one training that was not tracked, and its output."""
    project = make_project(tmp_path_factory.mktemp("untracked"), small_mnist)
    # A package of this name without MLflow's content: importing it is an error.
    (project / "mlflow.py").write_text("raise RuntimeError('mlflow was imported')")
    return project, run(project, "src.train", *UNTRACKED, "hydra.run.dir=models")


def test_an_untracked_training_leaves_its_files_and_no_store(untracked):
    project, done = untracked
    assert (done.returncode, done.stderr) == (0, "")
    assert "none: mlflow.enabled is false" in done.stdout
    made = files(project / paths.MODELS)
    assert {paths.MODEL, paths.HISTORY, paths.ORIGIN, "predictions/submission.csv"} <= made
    assert json.loads((project / paths.MODELS / paths.ORIGIN).read_text())["run_id"] is None
    assert not {name for name in files(project) if name.startswith(("mlruns", "mlflow.db"))}


def test_predict_scores_a_model_that_was_not_tracked(untracked):
    project, _ = untracked
    done = run(project, "src.predict")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("predictions/submission.csv: held-out accuracy ")
    ours, theirs = (
        (folder / "submission.csv").read_bytes()
        for folder in (project / paths.PREDICTIONS, project / paths.MODELS / "predictions")
    )
    assert ours == theirs


@pytest.mark.slow
def test_an_untracked_sweep_trains_every_run_without_a_store(untracked, tmp_path):
    project = shutil.copytree(untracked[0], tmp_path, dirs_exist_ok=True)
    (project / "mlflow.py").unlink()  # the engine needs it
    done = run(project, "src.train", *UNTRACKED, "activation=relu,swish", "-m")
    assert (done.returncode, done.stderr) == (0, "")
    assert len(list(project.glob("multirun/*/*/*/predictions/submission.csv"))) == 2
    assert not (project / "mlflow.db").exists()


def test_a_study_refuses_to_be_untracked(untracked, no_heavy_imports):
    project, _ = untracked
    params = project / paths.PARAMS
    params.write_text(params.read_text().replace("enabled: true", "enabled: false"))
    name = project / "conf" / "study" / "mine.yaml"
    text = (project / "conf" / "study" / "notebook.yaml").read_text()
    name.write_text(text.replace("mnist-kaggle", "files-any"))
    said = sentence(run(project, "src.study", "mine", PYTHONPATH=no_heavy_imports))
    assert "mlflow.enabled=false, but a study finds its finished runs in MLflow" in said


def test_a_run_that_was_composed_for_other_data_is_refused(untracked, monkeypatch):
    monkeypatch.chdir(untracked[0])
    composition = compose.composition(*UNTRACKED)
    spec = run_spec.build(composition, dataset.load_description(), UNTRACKED)
    with pytest.raises(InputError, match=r"data/processed was written anew since .* was planned"):
        train_run.run(replace(spec, data_digest="0f" * 32))


@pytest.fixture
def drawn(untracked, monkeypatch, tmp_path):
    """A run on data that a seed draws anew, with its files in a new folder."""
    monkeypatch.chdir(untracked[0])
    words = (*UNTRACKED, "data_seed=3")
    data = dataset.load_description()
    return run_spec.build(compose.composition(*words), data, words, folder=tmp_path)


def test_a_run_on_data_that_is_drawn_anew_is_scored_on_the_new_held_out_images(drawn, capsys):
    assert drawn.data_digest == dataset.load_description().draw_anew(3).digest
    train_run.run(drawn)
    parts = dataset.load_all()
    old = held_out_labels.read(len(parts[paths.TEST]["images"]))
    test = {**parts[paths.TEST], "labels": old}
    _, _, expected = split.all_anew(parts[paths.TRAIN], parts[paths.VALID], test, 3)
    folder = drawn.folder / paths.PREDICTIONS
    pairs = pd.read_csv(folder / paths.PREDICTED)
    assert np.array_equal(pairs["actual"], expected["labels"])
    assert not np.array_equal(expected["labels"], old)
    model = keras.saving.load_model(drawn.folder / paths.MODEL)
    predicted = model.predict(expected["images"], verbose=0).argmax(axis=1)
    assert np.array_equal(pairs["predicted"], predicted)
    scores = json.loads((folder / paths.METRICS).read_text())
    assert scores["test_accuracy"] == (pairs["actual"] == pairs["predicted"]).mean()
    assert not (folder / paths.SUBMISSION).exists()
    assert "none: data_seed drew other test images" in capsys.readouterr().out
    assert json.loads((drawn.folder / paths.ORIGIN).read_text())["data_seed"] == 3


@pytest.mark.parametrize("scored", ["true", "false"])  # a search's trials are not
def test_data_without_held_out_labels_cannot_be_drawn_anew(drawn, monkeypatch, scored):
    monkeypatch.setattr(held_out_labels, "read", lambda images: None)
    drawn.cfg.submission = scored == "true"
    with pytest.raises(InputError, match=r"^data_seed=3 draws .* files-any has no labels .*delete"):
        train_run.run(drawn)
    assert not list(drawn.folder.iterdir())

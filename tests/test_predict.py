import errno
import json
import shutil
from unittest.mock import Mock, patch

import numpy as np
import pytest
import yaml

from src import predict
from src.core import metric_names, paths
from src.core.errors import InputError
from tests.support.commands import ROOT, files, run, runs, sentence, small_name, store
from tests.support.contents import contents

TABLES = {"submission.csv", "probabilities.npy", "predictions.csv", "per_class.csv", "metrics.json"}
FIGURES = {"figures", "figures/confusion_matrix.png", "figures/confident_errors.png"}


@pytest.fixture(scope="module")
def predicted(trained, tmp_path_factory):
    """A project with a model in models/, and what `python -m src.predict` printed there."""
    project = tmp_path_factory.mktemp("predicted")
    shutil.copytree(trained.project, project, dirs_exist_ok=True)
    shutil.copytree(trained.out, project / paths.MODELS)
    shutil.rmtree(project / paths.MODELS / "predictions")
    return project, trained, run(project, "src.predict")


@pytest.fixture
def project(predicted, tmp_path, monkeypatch):
    """A copy of that project, which is also the working directory."""
    shutil.copytree(predicted[0], tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_predict_writes_what_dvc_expects_as_the_training_did_and_adds_its_score(predicted):
    project, trained, done = predicted
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert files(project / paths.PREDICTIONS) == TABLES | FIGURES
    stage = yaml.safe_load((project / "dvc.yaml").read_text())["stages"]["predict"]
    expected = [path for output in (*stage["outs"], *stage["metrics"]) for path in output]
    assert all((project / path).exists() for path in expected)
    for name in ("submission.csv", "probabilities.npy", "metrics.json"):
        ours = (project / paths.PREDICTIONS / name).read_bytes()
        assert ours == (trained.out / "predictions" / name).read_bytes()
    scores = json.loads((project / paths.PREDICTIONS / "metrics.json").read_text())
    accuracy = f"{scores[metric_names.TEST_ACCURACY]:.4f}"
    assert done.stdout.startswith(f"predictions/submission.csv: held-out accuracy {accuracy}")
    assert done.stdout.count("\n") == 1
    [only] = runs(project)
    assert only.data.metrics[metric_names.TEST_ERRORS] == scores[metric_names.TEST_ERRORS]
    assert only.info.status == "FINISHED"
    assert only.info.end_time == trained.run.info.end_time


def test_predicting_before_training_says_which_step_comes_first(predicted, tmp_path):
    project, _, _ = predicted
    for name in ("src", "conf", "data"):
        shutil.copytree(project / name, tmp_path / name)
    shutil.copy(project / paths.PARAMS, tmp_path)
    before = files(tmp_path)
    error = sentence(run(tmp_path, "src.predict"))
    assert error == "Error: models/model.keras does not exist: run `dvc repro train` first."
    assert files(tmp_path) == before


def test_a_prediction_that_fails_leaves_the_old_ones(project):
    before = contents(paths.PREDICTIONS)
    full = Mock(side_effect=OSError(errno.ENOSPC, "the disk is full"))
    with patch.object(np, "save", full), pytest.raises(OSError, match="the disk is full"):
        predict.main()
    other = ROOT / "tests" / "support" / "model_of_6626f83.keras"
    shutil.copy(other, paths.MODELS / paths.MODEL)
    with pytest.raises(InputError, match=r"^models/model.keras does not match its SHA-256 .*force"):
        predict.main()
    (paths.MODELS / paths.ORIGIN).write_text("{")
    with pytest.raises(InputError, match=r"^models/run.json .* run `dvc repro --force train`"):
        predict.main()
    assert contents(paths.PREDICTIONS) == before
    assert not list(project.rglob(".writing-*"))


def test_a_model_of_data_that_was_drawn_anew_is_not_scored_on_images_it_may_have_seen(project):
    before = contents(paths.PREDICTIONS)
    origin = paths.MODELS / paths.ORIGIN
    origin.write_text(json.dumps(json.loads(origin.read_text()) | {"data_seed": 3}))
    with pytest.raises(InputError, match=r"^models/model.keras was trained with data_seed=3, .*"):
        predict.main()
    assert contents(paths.PREDICTIONS) == before


def test_a_model_whose_run_was_deleted_gets_a_stand_in_run_that_serves_again(project, capsys):
    [lost] = runs(project)
    store(project).delete_run(lost.info.run_id)
    predict.main()
    [stand_in] = runs(project)
    assert f"run {stand_in.info.run_id} stands in" in capsys.readouterr().out
    assert stand_in.info.run_name == f"{small_name('swish_beta')} (restored)"
    assert stand_in.data.tags["trained_by"] == lost.info.run_id
    assert stand_in.info.status == "FINISHED"
    assert stand_in.data.metrics[metric_names.TEST_IMAGES] == 200
    predict.main()
    assert [one.info.run_id for one in runs(project)] == [stand_in.info.run_id]

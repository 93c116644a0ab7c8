import re
from dataclasses import replace

import pytest

from src.data.dataset import Dataset
from src.runtime import paths
from src.runtime.errors import InputError
from src.experiments.run_spec import job_words
from src.tracking import fingerprint
from src.training import precision
from tests.support.commands import SMALL
from tests.support.recipes import planned


def test_runs_that_differ_by_the_seed_alone_share_their_words():
    for seed in ("seed=1", "seed=2"):
        assert job_words(["mlflow.parent_run_id=1", "model=mlp", seed]) == "model=mlp"


def test_a_run_without_data_is_refused_before_tensorflow_is_imported(project, monkeypatch):
    monkeypatch.setattr("src.runtime.heavy_imports.load", lambda **_: pytest.fail("imported"))
    with pytest.raises(InputError, match=re.escape(f"{paths.DATASET} does not exist")):
        planned(project).announce()


def test_bfloat16_that_is_emulated_is_told_in_one_line(trained, monkeypatch, capsys):
    monkeypatch.chdir(trained.project)
    monkeypatch.setattr(precision, "has_bfloat16", lambda: False)
    monkeypatch.setattr("src.runtime.heavy_imports.load", lambda **_: None)
    planned(trained.project, *SMALL, "precision=mixed_bfloat16").announce()
    name = "swish-mlp-units=[16]-batch_size=4-precision=mixed_bfloat16-seed1"
    title, note = capsys.readouterr().out.splitlines()
    assert title.startswith(f"{name} · mlp · 540 images")
    assert note == "Note: bfloat16 is emulated on this hardware; precision=float32 is faster."
    planned(trained.project, *SMALL, "precision=float32").announce()
    assert "Note" not in capsys.readouterr().out


@pytest.mark.usefixtures("project")
def test_a_run_of_a_study_is_named_by_its_level(tmp_path):
    assert replace(planned(tmp_path, "seed=3"), label="AdamW").name == "AdamW-seed3"


def test_a_trial_is_another_training_than_a_whole_one_of_the_same_settings(project, tmp_path):
    whole = planned(tmp_path)
    data = Dataset("files-any", "0f" * 32, {})
    trial = replace(whole, trial="a 1")
    assert whole.digest(data) == fingerprint.of(whole.composed, data)
    assert len({one.digest(data) for one in (whole, trial, replace(whole, trial="a 2"))}) == 3
    assert replace(trial, title="trial 1").name == "trial 1"

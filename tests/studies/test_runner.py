from dataclasses import replace
from types import SimpleNamespace

import pytest
import yaml

from src.data.dataset import Dataset
from src.studies import design, runner
from src.studies.design import RunKey
from src.tracking import store

STUDY = {
    "description": "Whether a study works.",
    "activations": ["relu", "swish"],
    "seeds": [1],
    "experiment": "default",
    "dataset": "files-any",
    "overrides": ["model=mlp", "model.units=[16]"],
}


@pytest.fixture
def project(project, monkeypatch):
    """A project with two studies that differ by name, and a store of its own."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    (project / "study").mkdir()
    monkeypatch.setattr(design, "STUDIES", project / "study")
    for name in ("mine", "other"):
        (project / "study" / f"{name}.yaml").write_text(yaml.safe_dump(STUDY))
    return project


DATA = Dataset("files-any", "0f" * 32, {})


def parent_of(name, **changes):
    """Return the parent run of a study with changed values."""
    changed = replace(design.load(name), **changes)
    compositions = design.compositions(changed, changed.activations, changed.seeds)
    digests = design.digests(compositions, DATA)
    client, experiment_id = store.connect("digits")
    parent_id = runner.find_reusable(client, experiment_id, name, changed, DATA, digests)
    return client, parent_id or runner.create(client, experiment_id, name), digests


def add_child(client, parent_id, run, digest):
    """Add a finished run to a study."""
    tags = {
        "mlflow.parentRunId": parent_id,
        "activation": run.activation,
        "training_digest": digest,
    }
    child = client.create_run(client.get_run(parent_id).info.experiment_id, tags=tags)
    client.log_param(child.info.run_id, "seed", run.seed)
    client.set_terminated(child.info.run_id)


def test_a_study_that_grows_or_shrinks_keeps_its_parent_run_whatever_its_status(project, capsys):
    client, parent_id, digests = parent_of("mine")
    for status in ("RUNNING", "KILLED", "FAILED", "FINISHED"):
        client.update_run(parent_id, status)
        assert parent_of("mine")[1] == parent_id
    for one, digest in digests.items():
        add_child(client, parent_id, one, digest)
    assert parent_of("mine", seeds=[2, 1], activations=["gelu", "relu", "swish"])[1] == parent_id
    assert parent_of("mine", seeds=[2], activations=["gelu", "relu"])[1] == parent_id
    assert capsys.readouterr().out == ""


def test_another_recipe_code_or_data_begins_the_study_anew(project, capsys):
    client, parent_id, digests = parent_of("mine")
    add_child(client, parent_id, *next(iter(digests.items())))
    _, other_id, _ = parent_of("mine", overrides=[*STUDY["overrides"], "label_smoothing=0.2"])
    assert other_id != parent_id
    assert "settings, data or code" in capsys.readouterr().out
    # also where none of its runs is listed any more
    _, other_id, _ = parent_of("mine", seeds=[2], overrides=["model=mlp"])
    assert other_id != parent_id
    # the older parent is still the right one for what it was made with
    assert parent_of("mine")[1] == parent_id


def test_a_run_whose_activation_is_gone_begins_the_study_anew(project):
    client, parent_id, _ = parent_of("mine")
    add_child(client, parent_id, RunKey("gone", 1), "0f" * 32)
    assert parent_of("mine")[1] != parent_id


def test_each_study_has_a_parent_run_of_its_own_and_a_deleted_one_is_not_used(project):
    client, parent_id, _ = parent_of("mine")
    assert parent_of("other")[1] != parent_id
    client.delete_run(parent_id)
    assert parent_of("mine")[1] != parent_id


def metrics(seconds, score=None):
    scored = {} if score is None else {"test_accuracy": score}
    return SimpleNamespace(data=SimpleNamespace(metrics={"train_seconds": seconds, **scored}))


def test_the_line_of_a_run_tells_its_score_and_the_time_left():
    made = {RunKey("relu", 1): metrics(60.0, 0.99), RunKey("swish", 1): metrics(62.0, 0.98)}
    line = runner._progress(made, RunKey("swish", 1), failed=1, left=5, turns=3)
    expected = "2/8 made · swish-seed1 · held-out accuracy 0.9800 · 1 min 02 s"
    assert line == f"{expected} · 5 left, about 3 min 03 s"


def test_the_line_of_the_last_run_has_no_time_left_and_an_unscored_one_no_score():
    made = {RunKey("relu", 1): metrics(60.0)}
    line = runner._progress(made, RunKey("relu", 1), failed=0, left=0, turns=0)
    assert line == "1/1 made · relu-seed1 · 1 min 00 s"

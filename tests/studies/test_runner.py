from dataclasses import replace
from types import SimpleNamespace

import pytest
import yaml

from src.data.dataset import Dataset
from src.studies import design, runner, study_file
from src.studies.design import RunKey
from src.studies.runner import Decision
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
    monkeypatch.setattr(study_file, "STUDIES", project / "study")
    for name in ("mine", "other"):
        (project / "study" / f"{name}.yaml").write_text(yaml.safe_dump(STUDY))
    return project


DATA = Dataset("files-any", "0f" * 32, {})


def of(*activations):
    """Return the levels that these activations are."""
    return {one: (f"activation={one}",) for one in activations}


def parent_of(name, **changes):
    """Return the parent run of a study with changed values."""
    changed = replace(study_file.load(name), **changes)
    digests = design.digests(design.compositions(changed), DATA)
    client, experiment_id = store.connect("digits")
    parent_id = runner.find_reusable(client, experiment_id, name, changed, DATA, digests)
    return client, parent_id or runner.create(client, experiment_id, name), digests


def add_child(client, parent_id, run, digest, **tags):
    """Add a finished run to a study, as older code tagged it."""
    tags = {
        "mlflow.parentRunId": parent_id,
        "activation": run.variant,
        "training_digest": digest,
        **tags,
    }
    child = client.create_run(client.get_run(parent_id).info.experiment_id, tags=tags)
    client.log_param(child.info.run_id, "seed", run.seed)
    client.set_terminated(child.info.run_id)
    return child.info.run_id


def test_a_study_that_grows_or_shrinks_keeps_its_parent_run_whatever_its_status(project, capsys):
    client, parent_id, digests = parent_of("mine")
    for status in ("RUNNING", "KILLED", "FAILED", "FINISHED"):
        client.update_run(parent_id, status)
        assert parent_of("mine")[1] == parent_id
    for one, digest in digests.items():
        add_child(client, parent_id, one, digest)
    assert parent_of("mine", seeds=(2, 1), levels=of("gelu", "relu", "swish"))[1] == parent_id
    assert parent_of("mine", seeds=(2,), levels=of("gelu", "relu"))[1] == parent_id
    assert capsys.readouterr().out == ""


def test_another_recipe_code_or_data_begins_the_study_anew(project, capsys):
    client, parent_id, digests = parent_of("mine")
    add_child(client, parent_id, *next(iter(digests.items())))
    _, other_id, _ = parent_of("mine", overrides=(*STUDY["overrides"], "label_smoothing=0.2"))
    assert other_id != parent_id
    assert "settings, data or code" in capsys.readouterr().out
    # also where none of its runs is listed any more
    _, other_id, _ = parent_of("mine", seeds=(2,), overrides=("model=mlp",))
    assert other_id != parent_id
    # the older parent is still the right one for what it was made with
    assert parent_of("mine")[1] == parent_id


def test_a_run_whose_level_is_gone_begins_the_study_anew(project):
    client, parent_id, _ = parent_of("mine")
    add_child(client, parent_id, RunKey("gone", 1), "0f" * 32)
    assert parent_of("mine")[1] != parent_id


def test_each_study_has_a_parent_run_of_its_own_and_a_deleted_one_is_not_used(project):
    client, parent_id, _ = parent_of("mine")
    assert parent_of("other")[1] != parent_id
    client.delete_run(parent_id)
    assert parent_of("mine")[1] != parent_id


def test_a_run_is_known_by_its_digest_and_gets_the_tags_of_its_level(project):
    client, parent_id, digests = parent_of("mine")
    old = add_child(client, parent_id, RunKey("relu", 1), digests[RunKey("relu", 1)])
    renamed = replace(study_file.load("mine"), levels={"ReLU": ("activation=relu",)})
    again = design.digests(design.compositions(renamed), DATA)
    made = runner.finished(client, parent_id, again)
    assert {key: child.info.run_id for key, child in made.items()} == {RunKey("ReLU", 1): old}
    runner._rename(client, "mine", renamed, made)
    tags = client.get_run(old).data.tags
    assert (tags["study"], tags["variant"], tags["level"]) == (
        "mine",
        "ReLU",
        '["activation=relu"]',
    )


def test_a_variant_that_a_study_no_longer_lists_is_known_by_the_overrides_that_made_it(project):
    smooth = {"smooth": ("label_smoothing=0.3", "epochs=1")}
    client, parent_id, digests = parent_of("mine", levels=smooth, reference="smooth")
    level = '["label_smoothing=0.3", "epochs=1"]'
    key = RunKey("smooth", 1)
    add_child(
        client, parent_id, key, digests[key], activation="swish", variant="smooth", level=level
    )
    assert parent_of("mine")[1] == parent_id
    assert parent_of("mine", overrides=("model=mlp",))[1] != parent_id


# Looks


PLAN = replace(
    study_file.load("default"),
    seeds=tuple(range(1, 9)),
    looks=(2, 4, 8),
    levels=of("relu", "swish"),
)


@pytest.mark.parametrize(
    ("seeds", "decided", "ending"),
    [
        (2, False, "Look 1 of 3, after 2 seeds: All is well · it goes on to 4 seeds"),
        (4, True, "Look 2 of 3, after 4 seeds: All is well · the study ends here"),
        (8, True, "Look 3 of 3, after 8 seeds: All is well · the study ends"),
        (
            8,
            False,
            "Look 3 of 3, after 8 seeds: All is well · no more than 8 seeds are planned, so the "
            "study ends undecided",
        ),
    ],
)
def test_the_line_of_a_look_tells_which_it_is_and_how_the_study_goes_on(seeds, decided, ending):
    assert runner._look(PLAN, seeds, Decision(decided, "All is well")) == ending


def test_a_study_with_looks_opens_with_them():
    made = {RunKey("relu", 1): None, RunKey("gelu", 1): None}
    assert runner._opening("plan", PLAN, made) == (
        "Study plan: 2 activations × at most 8 seeds = 16 runs, looked at after 2, 4 and 8 seeds, "
        "and 1 that it no longer lists · 2 made · 15 left"
    )


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

import shutil
from dataclasses import replace
from types import SimpleNamespace

import pytest
import yaml

from src.config import study_file
from src.data.dataset import Dataset
from src.runtime import paths
from src.runtime.alone import alone
from src.runtime.errors import InputError
from src.studies import design, runner
from src.studies.design import RunKey
from src.studies.executors import Outcome
from src.studies.runner import Decision
from src.tracking import fingerprint, store

STUDY = {
    "question": "Whether a study works.",
    "factor": "activation",
    "levels": ["relu", "swish"],
    "seeds": [1],
    "experiment": "default",
    "dataset": "files-any",
    "overrides": ["model=mlp", "model.units=[16]"],
}


@pytest.fixture
def project(project, empty_store, monkeypatch):
    """A project with two studies that differ by name, and a store of its own."""
    shutil.copy(empty_store, project / "mlflow.db")
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
    return client, parent_id or runner.create(client, experiment_id, name, 2), digests


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


def test_a_run_that_was_killed_is_not_taken_for_its_study(project):
    client, parent_id, digests = parent_of("mine")
    key, digest = next(iter(digests.items()))
    killed = add_child(client, parent_id, key, digest, study="mine", variant="relu")
    client.set_terminated(killed, "KILLED")
    assert parent_of("mine")[1] == parent_id


def test_a_run_is_known_by_its_digest_and_gets_the_tags_of_its_level(project):
    client, parent_id, digests = parent_of("mine")
    old = add_child(client, parent_id, RunKey("relu", 1), digests[RunKey("relu", 1)])
    renamed = replace(study_file.load("mine"), levels={"ReLU": ("activation=relu",)})
    again = design.digests(design.compositions(renamed), DATA)
    made = runner.finished(client, parent_id, again)
    assert {key: child.info.run_id for key, child in made.items()} == {RunKey("ReLU", 1): old}
    assert runner.finished(client, parent_id, again, only=RunKey("ReLU", 1)).keys() == made.keys()
    assert runner.finished(client, parent_id, digests, only=RunKey("swish", 1)) == {}
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


class Simulated:
    """Makes runs in MLflow without a training, and is interrupted after some of them."""

    def __init__(self, most=None):
        self.most, self.made = most, []

    keeps_files = True

    def prepare(self):
        pass

    def at_a_time(self):
        return 1

    def execute(self, runs):
        for run in runs:
            if len(self.made) == self.most:
                raise KeyboardInterrupt
            self.made.append(run.name)
            client, _ = store.connect("digits")
            composed = run.composed
            tags = {
                **run.tags,
                "mlflow.parentRunId": composed.mlflow.parent_run_id,
                "training_digest": fingerprint.of(composed, DATA),
            }
            parent = client.get_run(composed.mlflow.parent_run_id)
            experiment = parent.info.experiment_id
            child = client.create_run(experiment, run_name=run.name, tags=tags).info.run_id
            client.log_param(child, "seed", composed.seed)
            for name in ("train_seconds", "test_accuracy", "median_epoch_seconds"):
                client.log_metric(child, name, 0.5)
            client.set_terminated(child)
            yield Outcome(run, None)


@pytest.fixture
def start(project, monkeypatch):
    """Start a study with looks after 1, 2 and 3 seeds, whose runs nobody trains.

    The function takes after how many seeds it is decided, and after how many runs it is
    interrupted; it returns the runs that were made, and the number of seeds at each look.
    """
    params = yaml.safe_load(paths.PARAMS.read_text())
    params["mlflow"]["experiment"] = "digits"
    paths.PARAMS.write_text(yaml.safe_dump(params))
    monkeypatch.setattr(runner.local, "in_a_process", lambda *given: None)

    def start(decided=None, interrupted=None, **changes):
        executor, looks = Simulated(interrupted), []

        def decide(client, made):
            looks.append(len(made) / len(planned.levels))
            return Decision(looks[-1] == decided, "all is well")

        plan = {"seeds": (1, 2, 3), "looks": (1, 2, 3)}
        planned = replace(study_file.load("mine"), **(plan | changes))
        try:
            runner.run("mine", planned, DATA, design.compositions(planned), executor, decide)
        except KeyboardInterrupt:
            assert interrupted is not None
        return executor.made, looks

    return start


FIRST, SECOND = ["relu-seed1", "swish-seed1"], ["swish-seed2", "relu-seed2"]
THIRD = ["relu-seed3", "swish-seed3"]


def test_a_study_goes_on_from_look_to_look_until_it_is_decided(start, capsys):
    assert start(decided=2) == (FIRST + SECOND, [1, 2])
    said = capsys.readouterr().out
    assert "Look 1 of 3, after 1 seed: all is well · it goes on to 2 seeds" in said
    assert "Look 2 of 3, after 2 seeds: all is well · the study ends here" in said
    assert start(decided=2) == ([], [1, 2])


def test_a_second_process_is_refused_and_makes_nothing(start):
    refusal = "The study mine is running in another process"
    with alone("study-mine", ""), pytest.raises(InputError, match=refusal):
        start()


def test_a_study_that_nothing_decides_ends_at_its_last_look(start, capsys):
    assert start() == (FIRST + SECOND + THIRD, [1, 2, 3])
    assert "so the study ends undecided" in capsys.readouterr().out


def test_a_study_that_was_interrupted_goes_on_in_the_look_that_it_was_in(start):
    assert start(interrupted=3) == ([*FIRST, "swish-seed2"], [1])
    assert start(decided=2) == (["relu-seed2"], [1, 2])


def test_what_a_planned_study_is_stands_in_its_parents_tags(start):
    start(decided=1)
    client, _ = store.connect("digits")
    [parent] = client.search_runs(["1"], "tags.factor LIKE '%'")
    told = parent.data.tags
    assert (told["looks"], told["seeds"]) == ("[1, 2, 3]", "1")
    start(looks=(), seeds=(1,))
    assert "looks" not in client.get_run(parent.info.run_id).data.tags


def test_labels_that_are_no_names_of_files_or_metrics_do_no_harm(start):
    levels = {"a/b c": ("epochs=1",), "[d|e]": ("epochs=2",)}
    made, _ = start(levels=levels, looks=(), seeds=(1, 2), reference="a/b c")
    assert made == ["a/b c-seed1", "[d|e]-seed1", "[d|e]-seed2", "a/b c-seed2"]
    client, _ = store.connect("digits")
    [parent] = client.search_runs(["1"], "tags.factor LIKE '%'")
    assert {"accuracy/a/b c", "accuracy/_d_e_"} <= set(parent.data.metrics)
    assert "`[d\\|e]`" in parent.data.tags["mlflow.note.content"]


def metrics(seconds, score=None):
    scored = {} if score is None else {"test_accuracy": score}
    return SimpleNamespace(data=SimpleNamespace(metrics={"train_seconds": seconds, **scored}))


def test_the_line_of_a_run_tells_its_score_and_the_time_left():
    made = {RunKey("relu", 1): metrics(60.0, 0.99), RunKey("swish", 1): metrics(62.0, 0.98)}
    left = [RunKey("gelu", 1), RunKey("gelu", 2), RunKey("swish", 2)]
    line = runner._progress(made, RunKey("swish", 1), failed=1, left=left, workers=2)
    expected = "2/6 made · swish-seed1 · held-out accuracy 0.9800 · 1 min 02 s"
    assert line == f"{expected} · 3 left, about 2 min 03 s"


def test_the_line_of_the_last_run_has_no_time_left_and_an_unscored_one_no_score():
    made = {RunKey("relu", 1): metrics(60.0)}
    line = runner._progress(made, RunKey("relu", 1), failed=0, left=[], workers=2)
    assert line == "1/1 made · relu-seed1 · 1 min 00 s"


def test_a_run_that_is_left_is_expected_to_take_as_long_as_others_of_its_level():
    made = {RunKey("cnn", 1): metrics(600.0), RunKey("mlp", 1): metrics(10.0)}
    left = [RunKey("mlp", 2), RunKey("cnn", 2), RunKey("mlp", 3), RunKey("cnn", 3)]
    assert runner._seconds(made, left, workers=2) == 620.0
    assert runner._seconds(made, [RunKey("other", 1)], workers=2) == 305.0
    assert runner._seconds(made, [RunKey("other", 1)], workers=2, begun={"other": 9.0}) == 9.0

import json
import re
import shutil
from pathlib import Path
from urllib.parse import urlparse

import numpy as np
import pandas as pd
import pytest
from mlflow import MlflowClient

from src.analysis import load_runs
from src.core import paths
from src.experiments.grid import RunKey
from src.tracking import run_tags
from tests.support.commands import git
from tests.support.refusal import refusal as sentence
from tests.support.simulated_runs import COMMIT, TAGS, ensembles, training
from tests.support.studies import child, parent, study

SMALL = {"images": 30, "epochs": 2}
PAIR = {"activations": ("relu", "swish"), "seeds": (1, 2), **SMALL}


def copied(store, folder):
    """Return a client of a copy of a store in a folder."""
    shutil.copy(store, folder / "mlflow.db")
    return MlflowClient(f"sqlite:///{folder / 'mlflow.db'}")


@pytest.fixture
def empty(empty_store, tmp_path):
    """A client of a store without runs."""
    return copied(empty_store, tmp_path)


@pytest.fixture(scope="module")
def client(empty_store, tmp_path_factory):
    """A client of a store that the tests share: each adds the newest study."""
    return copied(empty_store, tmp_path_factory.mktemp("shared"))


@pytest.fixture(scope="module")
def experiment(client, tmp_path_factory):
    folder = tmp_path_factory.mktemp("mlruns")
    return client.create_experiment("digits", artifact_location=folder.as_uri())


@pytest.fixture(scope="module")
def made(client, experiment):
    """The ids of the runs of a finished study, by their names."""
    parent_id = study(client, experiment, "made", **PAIR)
    children = client.search_runs([experiment], f"tags.`{run_tags.PARENT}` = '{parent_id}'")
    return {run.info.run_name: run.info.run_id for run in children}


@pytest.fixture
def tag(client, made):
    """Tag both runs of a seed of that study, until the test ends."""
    changed = []

    def tag(seed, key, value):
        for activation in PAIR["activations"]:
            changed.append((made[f"{activation}-seed{seed}"], key))
            client.set_tag(*changed[-1], value)

    yield tag
    for run_id, key in changed:
        client.set_tag(run_id, key, TAGS[key])


@pytest.fixture
def damage(client, made):
    """Change the bytes of a file of a run of that study, until the test ends."""
    before = {}

    def damage(run_name, name, change):
        uri = client.get_run(made[run_name]).info.artifact_uri
        path = Path(urlparse(uri).path) / name
        before[path] = path.read_bytes()
        path.write_bytes(change(before[path]))

    yield damage
    for path, body in before.items():
        path.write_bytes(body)


def refusal(client, wanted=None):
    return sentence(load_runs.load, client, wanted)


def test_a_study_is_named_by_its_name_or_its_runs_id_or_the_newest_is_taken(client, experiment):
    ids = [parent(client, experiment, name) for name in ("old", None)]
    assert load_runs.find(client, None).info.run_id == ids[1]
    ids.append(parent(client, client.create_experiment("others"), "new"))
    assert load_runs.find(client, None).info.run_id == ids[2]
    old, again, multirun = (parent(client, experiment, name) for name in ("old", "old", None))
    assert load_runs.find(client, "old").info.run_id == again
    assert load_runs.find(client, old).info.run_id == old
    assert load_runs.find(client, multirun).info.run_id == multirun


def test_a_deleted_parent_is_passed_over_where_another_is_meant_as_well(client, experiment):
    first, deleted = (parent(client, experiment, "five") for _ in range(2))
    client.delete_run(deleted)
    assert load_runs.find(client, None).info.run_id == first
    assert load_runs.find(client, "five").info.run_id == first


@pytest.mark.parametrize("by_id", [True, False])
def test_a_deleted_parent_that_is_named_is_refused(client, experiment, by_id):
    run_id = parent(client, experiment, "gone")
    client.delete_run(run_id)
    wanted = run_id if by_id else "gone"
    assert refusal(client, wanted).startswith(f"The run of {wanted} was deleted: restore it")


def test_a_store_without_study_and_multirun_is_refused(empty):
    experiment = empty.create_experiment("digits")
    empty.set_terminated(empty.create_run(experiment, run_name="swish-seed1").info.run_id)
    text = refusal(empty)
    assert text.startswith("MLflow has no study or sweep yet: start one")


def test_a_name_that_nothing_has_is_refused_with_the_nearest(empty):
    experiment = empty.create_experiment("digits")
    assert "Studies:" not in refusal(empty, "fve")
    parent(empty, experiment, "default")
    parent(empty, experiment, "five")
    assert refusal(empty, "fve") == (
        "'fve' is neither a study nor the id of a run in MLflow. Did you mean 'five'? Studies: "
        "five, default. Without a name, the newest is used."
    )


def test_a_single_training_is_refused_with_the_id_of_its_parent(client, experiment):
    parent_id = parent(client, experiment, "five")
    run_id = child(client, parent_id, "swish", 1, **SMALL)
    assert refusal(client, run_id) == (
        f"Run {run_id} is a single run (swish-seed1): name its parent run, {parent_id}."
    )


def test_the_runs_of_a_study_are_read_as_they_were_logged(client, experiment, made):
    parent(client, experiment, None)
    runs = load_runs.load(client, "made")
    assert client.get_run(runs.parent_id).info.run_name == "study made"
    assert (runs.title, runs.folder, runs.tags["study"]) == ("made", "made", "made")
    assert runs.remarks == ()
    assert list(runs.trainings) == ["ReLU", "Swish"]
    assert runs.seeds == [1, 2]
    for one in runs:
        logged = training(one.tags["activation"], one.seed, **SMALL)
        assert (one.name, one.params) == (logged.name, logged.params)
        assert one.run_id == made[one.name]
        assert logged.tags.items() <= one.tags.items()
        assert one.labels.tolist() == logged.labels.tolist()
        assert one.predicted.tolist() == logged.predicted.tolist()
        assert (one.labels.dtype, one.predicted.dtype) == (np.uint8, np.uint8)
        for name, expected in vars(logged.reliability).items():
            np.testing.assert_array_equal(getattr(one.reliability, name), expected)
        pd.testing.assert_frame_equal(one.history, logged.history)
        assert one.started <= one.ended
        assert client.get_run(one.run_id).info.start_time == one.started.timestamp() * 1000
    together = ensembles({"Swish": [training("swish", seed, **SMALL) for seed in (1, 2)]})
    assert runs.ensembles["Swish"].mean.tolist() == together["Swish"].mean.tolist()


def test_the_folder_is_a_name_that_any_disk_takes(client, experiment):
    parent_id = study(client, experiment, **PAIR)
    for name, folder in (("a b/c", "a-b-c"), ("../up", "up"), ("größer", "größer")):
        client.set_tag(parent_id, "study", name)
        assert load_runs.load(client, parent_id).folder == folder


def test_a_sweep_is_read_with_the_defaults_of_a_study(client, experiment):
    parent_id = study(client, experiment, None, **PAIR)
    runs = load_runs.load(client, None)
    assert runs.title == "activation=relu,swish seed=1,2,3"
    assert runs.folder == f"multirun-{parent_id[:8]}"
    assert (runs.compare, runs.smallest_effect, runs.looks) == ("all", 0.0002, ())
    assert runs.reference is None


def test_a_sweep_that_declares_no_factor_is_refused(client, experiment):
    words = {"sweep": "model=mlp,lenet5 epochs=1,2", "varied": '["model", "epochs"]'}
    run_id = client.create_run(experiment, tags=words).info.run_id
    assert "cannot be compared because they differ in model and epochs: " in refusal(client, run_id)


def test_what_a_study_has_settled_is_read_from_its_tags(client, experiment):
    parent_id = study(client, experiment, **PAIR)
    tags = {
        "reference": "swish",
        "compare": "reference",
        "smallest_effect": "0.002",
        "question": "Is it so?",
        "looks": "[2, 4]",
        "vary": '["seed", "split"]',
    }
    for key, value in tags.items():
        client.set_tag(parent_id, key, value)
    runs = load_runs.load(client, parent_id)
    assert (runs.reference, runs.compare, runs.smallest_effect) == ("Swish", "reference", 0.002)
    assert (runs.question, runs.looks) == ("Is it so?", (2, 4))


def test_data_may_differ_between_seeds_where_the_split_is_drawn_anew(client, experiment):
    parent_id = parent(client, experiment, "split")
    for seed, digest in ((1, "0f" * 32), (2, "ab" * 32)):
        for word in ("relu", "swish"):
            child(client, parent_id, word, seed, tags={"data_digest": digest}, **SMALL)
    assert "data_digest is 0f0f0f0f0f0f in" in refusal(client, parent_id)
    client.set_tag(parent_id, "vary", '["seed", "split"]')
    assert load_runs.load(client, parent_id).seeds == [1, 2]


def test_held_out_images_may_differ_between_seeds_where_the_data_is_drawn_anew(client, experiment):
    parent_id = parent(client, experiment, "drawn")
    client.set_tag(parent_id, "vary", '["seed", "data"]')
    sizes = {1: 60, 2: 61}  # other sizes have other labels
    for seed, digest in ((1, "0f" * 32), (2, "ab" * 32)):
        for word in ("relu", "swish"):
            tags, more = {"data_digest": digest}, {**SMALL, "images": sizes[seed]}
            child(client, parent_id, word, seed, tags=tags, **more)
    runs = load_runs.load(client, parent_id)
    assert runs.images_by_seed
    assert [len(one.labels) for one in runs] == [60, 61, 60, 61]
    client.set_tag(parent_id, "vary", '["seed", "split"]')
    assert "Run relu-seed2 was scored on different held-out images" in refusal(client, parent_id)


def test_levels_with_different_held_out_images_for_one_seed_are_refused(client, experiment):
    parent_id = parent(client, experiment, "drawn")
    client.set_tag(parent_id, "vary", '["seed", "data"]')
    for word, images in (("relu", 60), ("swish", 61)):
        for seed in (1, 2):
            child(client, parent_id, word, seed, **{**SMALL, "images": images})
    said = refusal(client, parent_id)
    assert "swish-seed1 was scored on different held-out images than relu-seed1" in said


def test_a_level_may_differ_in_what_the_search_of_each_seed_found(client, experiment):
    parent_id = parent(client, experiment, "searched")
    for key, value in (("tune", "rate"), ("vary", '["seed", "search"]')):
        client.set_tag(parent_id, key, value)
    for seed in (1, 2):
        winner = {"overrides": [f"optimizer.learning_rate=0.{seed}", "schedule=constant"]}
        params = {"optimizer.learning_rate": f"0.{seed}", "schedule.warmup": str(seed)}
        tags = {"tuned": json.dumps(winner)}
        for word in ("relu", "swish"):
            child(client, parent_id, word, seed, params=params, tags=tags, **SMALL)
    assert load_runs.load(client, parent_id).seeds == [1, 2]
    child(client, parent_id, "relu", 1, params=params | {"epochs": "9"}, tags=tags, **SMALL)
    assert "epochs is " in refusal(client, parent_id)


def test_runs_that_did_not_finish_or_lack_a_file_are_left_out(client, experiment):
    parent_id = study(client, experiment, **PAIR)
    for seed, status in ((3, "RUNNING"), (4, "FAILED"), (5, "KILLED")):
        child(client, parent_id, "relu", seed, status=status, **SMALL)
    child(client, parent_id, "relu", 6, without=[paths.PREDICTED], **SMALL)
    client.delete_run(child(client, parent_id, "relu", 7, **SMALL))
    runs = load_runs.load(client, None)
    assert runs.seeds == [1, 2]
    assert runs.remarks == (
        "Left out: relu-seed3 (running), relu-seed4 (failed), relu-seed5 (killed), relu-seed6 "
        "(without predictions.csv) and relu-seed7 (deleted).",
    )


def test_of_many_runs_that_are_left_out_six_are_named(client, experiment):
    parent_id = study(client, experiment, **PAIR)
    for seed in range(3, 11):
        child(client, parent_id, "relu", seed, status="FAILED", **SMALL)
    [remark] = load_runs.load(client, None).remarks
    assert remark.endswith("relu-seed8 (failed) and 2 more.")


def test_of_a_repeated_run_the_newest_counts(client, experiment):
    parent_id = study(client, experiment, **PAIR)
    child(client, parent_id, "relu", 1, status="FAILED", **SMALL)  # repeated: no remark on it
    again = child(client, parent_id, "swish", 2, **SMALL)
    runs = load_runs.load(client, None)
    assert runs.trainings["Swish"][1].run_id == again
    assert runs.remarks == ("Swish has 1 repeated run: the newest of each seed counts.",)


def test_seeds_that_not_every_activation_has_are_left_out(client, experiment):
    parent_id = study(client, experiment, **PAIR)
    child(client, parent_id, "relu", 3, **SMALL)
    child(client, parent_id, "swish", 4, **SMALL)
    child(client, parent_id, "swish", 5, **SMALL)
    runs = load_runs.load(client, None)
    assert [[one.seed for one in ones] for ones in runs.trainings.values()] == [[1, 2], [1, 2]]
    assert runs.remarks == (
        "Left out: seed 3 of ReLU, which not every activation has.",
        "Left out: seeds 4 and 5 of Swish, which not every activation has.",
    )


def test_where_no_run_is_finished_none_can_be_reported(client, experiment):
    parent_id = parent(client, experiment, "five")
    assert refusal(client) == (
        f"study five ({parent_id}) has no finished runs: a report needs at least 2 activations "
        "with 2 finished seeds each."
    )
    child(client, parent_id, "relu", 1, status="RUNNING", **SMALL)
    child(client, parent_id, "swish", 1, without=[paths.PROBABILITIES], **SMALL)
    text = refusal(client)
    assert "but relu-seed1 (running) and swish-seed1 (without probabilities.npy): a" in text


@pytest.mark.parametrize(
    ("activations", "seeds", "more", "said"),
    [
        (("relu", "swish"), (3,), [], "share 1 seed (ReLU: 3; Swish: 3), but a comparison needs"),
        (("relu",), (1, 2), [("swish", 7)], "share 0 seeds (ReLU: 1 and 2; Swish: 7)"),
        (("swish",), (1, 2), [], "All finished runs are of Swish, but a comparison needs at least"),
    ],
)
def test_too_few_seeds_or_levels_are_refused(client, experiment, activations, seeds, more, said):
    parent_id = study(client, experiment, activations=activations, seeds=seeds, **SMALL)
    for activation, seed in more:
        child(client, parent_id, activation, seed, **SMALL)
    assert said in refusal(client)


@pytest.mark.parametrize(
    ("odd", "said"),
    [
        ({"epochs": 3}, "epochs is 2 in {}, 3 in {}"),
        (
            {"params": {"optimizer.weight_decay": "0.1"}},
            "optimizer.weight_decay is missing in {}, 0.1 in {}",
        ),
    ],
)
def test_runs_of_another_recipe_are_refused(client, experiment, odd, said):
    parent_id = study(client, experiment, **{**PAIR, "seeds": (1,)})
    for activation in ("relu", "swish"):
        child(client, parent_id, activation, 2, **{**SMALL, **odd})
    names = "relu-seed1 and swish-seed1", "relu-seed2 and swish-seed2"
    assert refusal(client) == (
        "These runs cannot be compared because they differ in more than activation and seed: "
        f"{said.format(*names)}. Start a sweep with one value of each."
    )


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("data_digest", "ab" * 32, "data_digest is 0f0f0f0f0f0f in .*, abababababab in relu-seed2"),
        ("keras", "3.16.0", "keras is 3.15.1 in .*, 3.16.0 in relu-seed2"),
        ("tensorflow", "2.20.0", "tensorflow is 2.21.0 in .*, 2.20.0 in relu-seed2"),
    ],
)
def test_runs_of_other_data_or_another_framework_are_refused(client, tag, key, value, said):
    tag(2, key, value)
    assert re.search(f"more than activation and seed: {said}", refusal(client, "made"))


def test_what_changes_no_weights_may_differ(client, experiment):
    parent_id = study(client, experiment, **{**PAIR, "seeds": (1,)})
    other = {"mlflow.experiment": "others", "submission": "True"}
    for activation in ("relu", "swish"):
        child(client, parent_id, activation, 2, params=other, **SMALL)
    assert load_runs.load(client, None).remarks == ()


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """A repository whose training code changes with the third of three commits."""
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "-q")
    commits = []
    for name, text in (("training.py", "1"), ("README.md", "2"), ("training.py", "3")):
        (folder / name).write_text(text)
        git(folder, "add", "-A")
        git(folder, "commit", "-q", "-m", text)
        commits.append(git(folder, "rev-parse", "HEAD"))
    monkeypatch.chdir(folder)
    monkeypatch.setattr(load_runs, "CODE", folder / "training.py")
    return commits


@pytest.fixture
def commits(tag):
    """Let the runs of the first seed be of one commit, those of the second of another."""
    return lambda *both: [tag(seed, "git_commit", one) for seed, one in enumerate(both, 1)]


def test_runs_of_another_training_code_are_refused(client, repository, commits):
    first, _, third = repository
    commits(first, third)
    assert refusal(client, "made") == (
        "These runs cannot be compared because their training code differs: training.py changed "
        f"between {first[:7]} (relu-seed1) and {third[:7]} (relu-seed2). Train all of them with "
        "one version."
    )


def test_commits_between_which_the_training_code_stayed_may_differ(client, repository, commits):
    commits(*repository[:2])
    assert load_runs.load(client, "made").remarks == ()


@pytest.mark.parametrize(
    ("known", "other", "short"),
    [(True, "cd" * 20, "cdcdcdc"), (False, "cd" * 20, "cdcdcdc"), (True, "", "no commit")],
)
def test_commits_that_git_does_not_know_are_remarked_on(
    client, repository, commits, known, other, short
):
    first = repository[0] if known else COMMIT
    commits(first, other)
    [remark] = load_runs.load(client, "made").remarks
    assert remark.startswith(
        f"relu-seed1 and relu-seed2 come from different commits ({first[:7]}, {short}), and this"
    )


def test_uncommitted_changes_and_other_machines_are_remarked_on(client, tag):
    tag(1, "git_dirty", "true")
    tag(2, "cpus", "64")
    assert load_runs.load(client, "made").remarks == (
        "2 of 4 runs used files with uncommitted changes (src/, conf/ or params.yaml): their "
        "commit does not tell exactly what ran.",
        "The runs come from machines with different numbers of cores: compare times with care.",
    )


@pytest.mark.parametrize(
    ("name", "change"),
    [
        (paths.HISTORY, lambda body: b""),
        (paths.HISTORY, lambda body: b"what,else\n1,2\n"),
        (paths.HISTORY, lambda body: body.splitlines()[0]),
        (paths.HISTORY, lambda body: body[: -len(body.splitlines()[-1]) + 4]),
        (paths.PROBABILITIES, lambda body: b""),
        (paths.PROBABILITIES, lambda body: b"no array"),
        (paths.PROBABILITIES, lambda body: body[:-40]),
        (paths.PREDICTED, lambda body: b""),
        (paths.PREDICTED, lambda body: b"".join(body.splitlines(keepends=True)[:-1])),
        (paths.PREDICTED, lambda body: body.rstrip()[:-1]),
    ],
)
def test_a_damaged_file_is_refused_with_its_run(client, made, damage, name, change):
    damage("swish-seed1", name, change)
    text = refusal(client, "made")
    assert text.startswith(f"The files of run swish-seed1 ({made['swish-seed1']}) cannot be read (")
    assert text.endswith("): delete the run in MLflow and train it again.")


def test_runs_whose_held_out_labels_nobody_knows_are_refused(client, experiment):
    study(client, experiment, labelled=False, **PAIR)
    text = refusal(client)
    assert re.match(r"Run relu-seed1 \(\w{32}\) has no held-out labels, as its data came", text)


def children(client, experiment, *keys, **more):
    """Log runs of a study, and return them by level and seed."""
    parent_id = parent(client, experiment, "mine")
    return {key: client.get_run(child(client, parent_id, *key, **SMALL, **more)) for key in keys}


def test_what_is_correct_is_by_level_with_the_seeds_ascending(client, experiment):
    keys = [RunKey("swish", 2), RunKey("relu", 2), RunKey("relu", 1), RunKey("swish", 1)]
    runs = children(client, experiment, *keys)
    found, guess = load_runs.correct(client, runs, {})
    assert guess == np.bincount(training("relu", 1, **SMALL).labels).max() / 30
    assert list(found) == ["swish", "relu"]
    for level, correct in found.items():
        assert (correct.dtype, correct.shape) == (bool, (2, 30))
        for row, seed in zip(correct, (1, 2), strict=True):
            score = runs[RunKey(level, seed)].data.metrics["test_accuracy"]
            assert np.isclose(row.mean(), score)


def test_the_predictions_of_a_run_are_read_once(client, experiment, monkeypatch):
    runs = children(client, experiment, RunKey("relu", 1), RunKey("relu", 2))
    kept = {}
    first, _ = load_runs.correct(client, {RunKey("relu", 1): runs[RunKey("relu", 1)]}, kept)
    read = []
    whole = client.download_artifacts
    monkeypatch.setattr(client, "download_artifacts", lambda *a: read.append(a[0]) or whole(*a))
    both, _ = load_runs.correct(client, runs, kept)
    assert read == [runs[RunKey("relu", 2)].info.run_id]
    np.testing.assert_array_equal(both["relu"][0], first["relu"][0])


def test_runs_that_were_scored_on_other_images_are_refused(client, damage):
    def relabel(body):
        head, first, *rest = body.decode().splitlines()
        label, digit = first.split(",")
        return "\n".join([head, f"{(int(label) + 1) % 10},{digit}", *rest]).encode()

    damage("swish-seed2", paths.PREDICTED, relabel)
    assert refusal(client, "made") == (
        "Run swish-seed2 was scored on different held-out images than relu-seed1: only runs on the "
        "same images can be compared."
    )

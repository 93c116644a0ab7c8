import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import keras
import mlflow
import numpy as np
import pytest
import yaml
from mlflow import MlflowClient

from src.data.dataset import Dataset
from src.runtime import metric_names, paths
from src.runtime.errors import InputError
from src.tracking import run_logger
from src.training import activations
from tests.support.commands import git

ROOT = Path(__file__).resolve().parents[2]
DATA = Dataset("mnist-kaggle", "0f" * 32, {"train": 2, "valid": 1, "test": 3})
UNKNOWN = "ab" * 16
VARIABLES = ("MLFLOW_TRACKING_URI", "MLFLOW_RUN_ID", "DVC_ROOT")


@pytest.fixture(autouse=True)
def nowhere(monkeypatch, tmp_path):
    """Neither a store nor a run that an earlier test, or the environment, left behind."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    mlflow.set_tracking_uri(None)
    yield
    while mlflow.active_run():
        mlflow.end_run()
    mlflow.set_tracking_uri(None)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("store")


@pytest.fixture
def store(folder, monkeypatch):
    """The folder with a real store, one for all tests, because making its tables takes seconds."""
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def client(store):
    return run_logger.connect("digits")[0]


def origin(run_id, experiment="digits"):
    return {"run_id": run_id, "run_name": "swish-seed1", "experiment": experiment}


def trained(**given):
    arguments = {"experiment": "digits", "name": "swish", "run_id": None, "parent_run_id": None}
    with run_logger.training_run(**{**arguments, **given}) as run_id:
        pass
    return run_id


def logged(client, run_id, name):
    return yaml.safe_load(Path(client.download_artifacts(run_id, name)).read_text())


# The store.


def test_the_store_is_in_the_working_directory_and_so_are_the_artifacts(store):
    client, experiment_id = run_logger.connect("digits")
    experiment = client.get_experiment(experiment_id)
    assert experiment.name == "digits"
    assert experiment.artifact_location.startswith((store / "mlruns").as_uri())
    assert (store / "mlflow.db").is_file()


def test_in_dvcs_temporary_clone_the_store_is_that_of_the_real_repository(
    store, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DVC_ROOT", str(store))
    client, experiment_id = run_logger.connect("from a clone")
    assert client.get_experiment(experiment_id).artifact_location.startswith(store.as_uri())
    assert list(tmp_path.iterdir()) == []


def test_another_experiment_of_the_same_process_is_beside_the_first(store):
    run_logger.connect("digits")
    client, experiment_id = run_logger.connect("other digits")
    location = client.get_experiment(experiment_id).artifact_location
    assert location.startswith((store / "mlruns").as_uri())


def test_the_environment_may_name_another_store(store, tmp_path, monkeypatch):
    run_logger.connect("digits")
    mlflow.set_tracking_uri(None)
    # A copy, which is quicker than making the tables.
    (tmp_path / "own.db").write_bytes((store / "mlflow.db").read_bytes())
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'own.db'}")
    run_logger.connect("only here")
    with sqlite3.connect(tmp_path / "own.db") as own, sqlite3.connect("mlflow.db") as default:
        query = "SELECT count(*) FROM experiments WHERE name = 'only here'"
        assert own.execute(query).fetchone() == (1,)
        assert default.execute(query).fetchone() == (0,)


@pytest.mark.slow
def test_four_processes_that_create_the_store_at_once_all_get_it(tmp_path):
    script = """
import os, sys
from src import metrics, tracking
children = []
for number in range(4):
    child = os.fork()
    if not child:
        try:
            client, experiment_id = tracking.connect("digits")
            client.create_run(experiment_id)
        except BaseException as error:
            print(repr(error), file=sys.stderr)
            os._exit(1)
        os._exit(0)
    children.append(child)
sys.exit(sum(os.waitpid(child, 0)[1] != 0 for child in children))
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert [path.name for path in tmp_path.iterdir() if "mlflow.db" in path.name] == ["mlflow.db"]
    client, experiment_id = run_logger.connect("digits")
    assert len(client.search_runs([experiment_id])) == 4


def refusal():
    with pytest.raises(InputError) as caught:
        run_logger.connect("digits")
    text = str(caught.value)
    assert "\n" not in text
    assert "MLFLOW_TRACKING_URI" in text
    return text


@pytest.mark.parametrize(
    "uri",
    [
        "http://anna:s3cret@127.0.0.1:9/",
        "http://anna:s3%40cret@127.0.0.1:9/",
        "https://anna:s3/cret@127.0.0.1:9",
        "http://s3cret@127.0.0.1:9/" + "long/" * 80,
        "mysql+nodriver://anna:s3cret@127.0.0.1:9/db",
        "nonsense://anna:s3cret@127.0.0.1:9/db",
    ],
)
def test_a_store_that_cannot_be_used_is_one_sentence_without_the_password(uri, monkeypatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    text = refusal()
    assert "127.0.0.1:9" in text
    for part in ("anna", "s3", "cret"):
        assert part not in text.replace("secrets", "")


def test_a_damaged_store_is_one_sentence_with_its_place(tmp_path):
    (tmp_path / "mlflow.db").write_text("no database" * 1000)
    text = refusal()
    assert f"sqlite:///{tmp_path / 'mlflow.db'}" in text
    assert "not a database" in text


def test_a_deleted_experiment_is_one_sentence(client):
    client.delete_experiment(client.create_experiment("gone"))
    with pytest.raises(InputError, match="deleted experiment"):
        run_logger.connect("gone")


# A reader of the store.


def test_a_reader_sees_the_runs_and_creates_nothing(store):
    run_id = trained()
    mlflow.set_tracking_uri(None)
    before = Path("mlflow.db").read_bytes()
    assert run_logger.reader().get_run(run_id).info.run_name == "swish"
    assert Path("mlflow.db").read_bytes() == before


def test_a_reader_without_a_store_is_refused_and_leaves_no_file(tmp_path):
    with pytest.raises(InputError) as caught:
        run_logger.reader()
    text = str(caught.value)
    assert text.startswith("There are no runs yet, because mlflow.db does not exist in ")
    assert str(tmp_path) in text
    assert "\n" not in text
    assert list(tmp_path.iterdir()) == []


def test_in_dvcs_temporary_clone_a_reader_has_the_store_of_the_real_repository(
    store, tmp_path, monkeypatch
):
    run_id = trained()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DVC_ROOT", str(store))
    mlflow.set_tracking_uri(None)
    assert run_logger.reader().get_run(run_id).info.run_name == "swish"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("case", ["damaged", "not there"])
def test_a_reader_of_a_store_that_cannot_be_used_is_refused(tmp_path, monkeypatch, case):
    if case == "damaged":
        (tmp_path / "mlflow.db").write_text("no database" * 1000)
    else:
        monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
        monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://anna:s3cret@127.0.0.1:9/")
    with pytest.raises(InputError, match=r"^The MLflow store \S+ cannot be used \(") as caught:
        run_logger.reader()
    assert "\n" not in str(caught.value)
    assert "s3cret" not in str(caught.value)


# A training's run.


def test_a_run_that_ends_well_is_finished_and_has_its_name(client):
    run = client.get_run(trained(name="swish-seed1"))
    assert (run.info.status, run.info.run_name) == ("FINISHED", "swish-seed1")
    assert mlflow.active_run() is None


@pytest.mark.parametrize(
    ("error", "status"), [(KeyboardInterrupt, "KILLED"), (RuntimeError, "FAILED")]
)
def test_a_run_that_is_interrupted_is_killed_and_one_with_an_error_failed(client, error, status):
    with (
        pytest.raises(error),
        run_logger.training_run("digits", "swish", None, None) as run_id,
    ):
        raise error
    assert client.get_run(run_id).info.status == status
    assert mlflow.active_run() is None


def test_a_resumed_training_logs_the_epochs_that_it_was_stopped_before_logging(client):
    history = [
        {metric_names.EPOCH: epoch, metric_names.LOSS: 1 / epoch} for epoch in (1.0, 2.0, 3.0)
    ]
    with run_logger.training_run("digits", "swish", None, None) as run_id:
        run_logger.log_epoch({metric_names.LOSS: 1.0}, 1)
    with run_logger.training_run("digits", "swish", run_id, None):
        run_logger.log_lost_epochs(run_id, history)
    points = client.get_metric_history(run_id, metric_names.LOSS)
    assert [(point.step, point.value) for point in points] == [(1, 1), (2, 1 / 2), (3, 1 / 3)]
    assert set(client.get_run(run_id).data.metrics) == {metric_names.LOSS}


def test_a_resumed_training_goes_on_in_its_run(client):
    run_id = trained()
    with run_logger.training_run("digits", "another name", run_id, None) as same:
        run_logger.log_epoch({"loss": 0.5}, 2)
    assert same == run_id
    run = client.get_run(run_id)
    assert (run.info.run_name, run.data.metrics["loss"]) == ("swish", 0.5)


@pytest.mark.parametrize("case", ["deleted", "unknown"])
def test_where_its_run_is_gone_a_resumed_training_gets_a_new_one(client, case):
    run_id = UNKNOWN
    if case == "deleted":
        run_id = trained()
        client.delete_run(run_id)
    new = trained(run_id=run_id, name="swish-seed2")
    assert new != run_id
    run = client.get_run(new)
    assert (run.info.run_name, run.info.lifecycle_stage) == ("swish-seed2", "active")


def test_a_job_of_a_sweep_is_the_child_of_the_sweeps_run_whatever_the_environment_says(
    client, monkeypatch
):
    parent, other = trained(name="sweep"), trained(name="other")
    monkeypatch.setenv("MLFLOW_RUN_ID", other)
    child = trained(parent_run_id=parent)
    assert child != other
    assert client.get_run(child).data.tags["mlflow.parentRunId"] == parent


@pytest.mark.parametrize("begun_in", ["another sweep", "none"])
def test_a_training_that_goes_on_in_a_sweep_becomes_its_child(client, begun_in):
    first = None if begun_in == "none" else trained(name="sweep")
    run_id, parent = trained(parent_run_id=first), trained(name="sweep")
    assert trained(run_id=run_id, parent_run_id=parent) == run_id
    assert client.get_run(run_id).data.tags["mlflow.parentRunId"] == parent
    trained(run_id=run_id)  # alone, it stays where it was
    assert client.get_run(run_id).data.tags["mlflow.parentRunId"] == parent


# What is logged.


def test_nested_settings_become_dotted_names():
    nested = {"seed": 1, "model": {"units": [8], "head": "softmax"}, "mlflow": {"a": {"b": None}}}
    assert run_logger.flat(nested) == {
        "seed": 1,
        "model.units": [8],
        "model.head": "softmax",
        "mlflow.a.b": None,
    }


TAGS = ("job", "activation", "model", "experiment", "data_digest", "training_digest")


def test_a_run_tells_its_settings_choices_data_and_surroundings(client):
    settings = {"seed": 1, "model": {"units": [8]}}
    choices = {"activation": "swish", "model": "mlp", "experiment": "default", "hydra/x": "y"}
    with run_logger.training_run("digits", "swish", None, None) as run_id:
        for _ in range(2):  # a resumed training logs them again
            run_logger.log_settings(settings, choices, DATA, {"job": "activation=swish"}, "ab" * 32)
        images = np.zeros((2, 28, 28), np.uint8)
        run_logger.log_inputs(DATA, images, images[:1])
    run = client.get_run(run_id)
    assert run.data.params == {"seed": "1", "model.units": "[8]"}
    tags = {key: run.data.tags[key] for key in TAGS}
    assert tags == {
        "job": "activation=swish",
        "activation": "swish",
        "model": "mlp",
        "experiment": "default",
        "data_digest": DATA.digest,
        "training_digest": "ab" * 32,
    }
    assert "hydra/x" not in run.data.tags
    assert logged(client, run_id, "config.yaml") == settings
    inputs = {
        given.tags[0].value: (given.dataset.name, given.dataset.digest)
        for given in run.inputs.dataset_inputs
    }
    assert inputs == {
        "training": ("mnist-kaggle-training", DATA.digest[:32]),
        "validation": ("mnist-kaggle-validation", DATA.digest[:32]),
    }


def test_the_surroundings_are_the_commit_the_versions_and_the_command(monkeypatch):
    monkeypatch.chdir(ROOT)
    tags = run_logger.environment_tags()
    assert tags["keras"] == keras.__version__
    assert tags["python"] == sys.version.split()[0]
    assert tags["command"].startswith("python")
    done = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode == 0:
        assert tags["git_commit"] == done.stdout.strip()
        assert tags["git_dirty"] in ("true", "false")


@pytest.fixture
def commits(tmp_path):
    """A repository in the working directory, and its three commits: the second changes b.py."""
    git(tmp_path, "init", "-q")
    made = []
    for name, text in (("a.py", "1"), ("b.py", "2"), ("a.py", "3")):
        (tmp_path / "src").mkdir(exist_ok=True)
        (tmp_path / "src" / name).write_text(text)
        git(tmp_path, "add", "-A")
        git(tmp_path, "commit", "-q", "-m", text)
        made.append(git(tmp_path, "rev-parse", "HEAD"))
    return made


def test_files_that_changed_between_two_commits_are_those_of_the_ones_asked_for(commits, tmp_path):
    first, second, third = commits
    a, b = tmp_path / "src" / "a.py", tmp_path / "src" / "b.py"
    assert run_logger.changed_files(first, third, [a, b]) == ["src/a.py", "src/b.py"]
    assert run_logger.changed_files(third, first, [a]) == ["src/a.py"]
    assert run_logger.changed_files(first, second, [a]) == []
    assert run_logger.changed_files(second, second, [a, b]) == []


@pytest.mark.parametrize("unknown", ["ab" * 20, "", "-h"])
def test_of_commits_that_git_does_not_know_nothing_is_told(commits, tmp_path, unknown):
    files = [tmp_path / "src" / "a.py"]
    assert run_logger.changed_files(commits[0], unknown, files) is None
    assert run_logger.changed_files(unknown, commits[0], files) is None


def test_without_git_nothing_is_told_of_changes(commits, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert run_logger.changed_files(commits[0], commits[2], [tmp_path / "src" / "a.py"]) is None


@pytest.mark.parametrize("with_git", [True, False])
def test_outside_of_a_repository_or_without_git_there_is_no_commit(monkeypatch, with_git):
    if not with_git:
        monkeypatch.setenv("PATH", "")
    assert "git_commit" not in run_logger.environment_tags()


def test_an_epochs_metrics_are_logged_under_its_number(client):
    with run_logger.training_run("digits", "swish", None, None) as run_id:
        for step in (1, 2):
            run_logger.log_epoch({"loss": 1 / step, "beta/swish_beta": 1.5}, step)
    losses = client.get_metric_history(run_id, "loss")
    assert [(entry.step, entry.value) for entry in losses] == [(1, 1.0), (2, 0.5)]


def test_a_finished_trainings_files_metrics_and_model_are_in_its_run(client, tmp_path):
    (tmp_path / paths.CURVES).parent.mkdir()
    (tmp_path / paths.CURVES).write_bytes(b"a picture")
    (tmp_path / paths.HISTORY).write_text("epoch\n1\n")
    inputs = keras.Input((28, 28), dtype="uint8")
    x = keras.layers.Flatten()(keras.layers.Rescaling(1 / 255)(inputs))
    x = activations.SwishBeta(0.5)(keras.layers.Dense(2)(x))
    model = keras.Model(inputs, keras.layers.Dense(10)(x))
    image = np.full((1, 28, 28), 100, np.uint8)
    with run_logger.training_run("digits", "swish", None, None) as run_id:
        run_logger.log_training(model, image, {"best_epoch": 3, "best_val_loss": 0.5}, tmp_path)
    run = client.get_run(run_id)
    assert {"best_epoch": 3.0, "best_val_loss": 0.5}.items() <= run.data.metrics.items()
    files = {entry.path for entry in client.list_artifacts(run_id)}
    assert {paths.HISTORY, "figures"} <= files
    assert [entry.path for entry in client.list_artifacts(run_id, "figures")] == [paths.CURVES]

    uri = f"models:/{run.outputs.model_outputs[0].model_id}"
    (spec,) = mlflow.models.get_model_info(uri).signature.inputs
    assert (spec.shape, spec.type) == ((-1, 28, 28), np.uint8)
    requirements = Path(mlflow.pyfunc.get_model_dependencies(uri)).read_text().splitlines()
    assert [line.split("==")[0] for line in requirements] == list(run_logger.MODEL_REQUIREMENTS)
    loaded = mlflow.tensorflow.load_model(uri)
    np.testing.assert_array_equal(loaded(image), model(image))


# What is added later.


@pytest.fixture
def found(tmp_path):
    """What a later command gives: a file for the top, one for a folder, metrics and tags."""
    (tmp_path / "submission.csv").write_text("ImageId,Label\n")
    (tmp_path / "confusion.png").write_bytes(b"a picture")
    return {
        "files": {tmp_path / "submission.csv": "", tmp_path / "confusion.png": "figures"},
        "metrics": {"test_accuracy": 0.75, "test_errors": 7},
        "tags": {"kaggle_ref": "42"},
    }


def assert_holds_what_was_found(client, run_id):
    run = client.get_run(run_id)
    assert {"test_accuracy": 0.75, "test_errors": 7.0}.items() <= run.data.metrics.items()
    assert run.data.tags["kaggle_ref"] == "42"
    assert "submission.csv" in {entry.path for entry in client.list_artifacts(run_id)}
    figures = [entry.path for entry in client.list_artifacts(run_id, "figures")]
    assert figures == ["figures/confusion.png"]


@pytest.mark.parametrize("status", ["FINISHED", "KILLED"])
def test_what_is_found_later_goes_to_the_trainings_run_and_leaves_its_status_and_duration(
    client, found, status
):
    _, experiment_id = run_logger.connect("digits")
    run_id = client.create_run(experiment_id, start_time=1_000).info.run_id
    client.set_terminated(run_id, status, end_time=61_000)
    assert run_logger.log_to_training_run(origin(run_id), **found) == (run_id, True)
    assert_holds_what_was_found(client, run_id)
    info = client.get_run(run_id).info
    assert (info.status, info.start_time, info.end_time) == (status, 1_000, 61_000)
    assert mlflow.active_run() is None


@pytest.mark.parametrize("case", ["deleted", "unknown"])
def test_where_the_trainings_run_is_gone_a_single_stand_in_takes_what_is_found(client, found, case):
    run_id, experiment = UNKNOWN, f"digits, {case}"
    if case == "deleted":
        run_id = trained(experiment=experiment)
        client.delete_run(run_id)
    taken = [run_logger.log_to_training_run(origin(run_id, experiment), **found) for _ in range(2)]
    (stand_in, own), again = taken
    assert stand_in != run_id
    assert not own
    assert again == (stand_in, False)
    assert_holds_what_was_found(client, stand_in)
    run = client.get_run(stand_in)
    assert run.info.run_name == "swish-seed1 (restored)"
    assert run.data.tags["trained_by"] == run_id
    assert run.info.status == "FINISHED"


def test_adding_to_a_run_of_another_store_does_not_create_it_there(client, tmp_path, monkeypatch):
    run_id = trained()
    (tmp_path / "mlflow.db").write_bytes(Path("mlflow.db").read_bytes())
    with sqlite3.connect(tmp_path / "mlflow.db") as other:
        other.execute("PRAGMA foreign_keys = OFF")
        other.execute("DELETE FROM runs WHERE run_uuid = ?", (run_id,))
    monkeypatch.chdir(tmp_path)
    mlflow.set_tracking_uri(None)
    stand_in, own = run_logger.log_to_training_run(origin(run_id), metrics={"a": 1.0})
    assert not own
    assert MlflowClient().get_run(stand_in).data.metrics == {"a": 1.0}

"""`python -m src.migrate`, from one SQLite store to another."""

import contextlib
import io
import shutil
import time
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest
from mlflow import MlflowClient
from mlflow.data.numpy_dataset import from_numpy
from mlflow.entities import DatasetInput, InputTag, LoggedModelOutput, LoggedModelStatus, Metric

from src import migrate
from src.core import errors
from src.core.errors import InputError
from src.tracking import migration, run_search
from src.tracking.migration import MIGRATED_FROM
from tests.support import studies

EXPERIMENT = "digit-recognizer"


def client_of(folder):
    return MlflowClient(f"sqlite:///{folder / 'mlflow.db'}")


def add_model(client, run_id, folder):
    """Log a model, and a metric of it, to a run; return its id."""
    run = client.get_run(run_id)
    model = client.create_logged_model(
        run.info.experiment_id, "a-model", run_id, {"a": "tag"}, {"a": "param"}, "Classifier"
    )
    files = folder / "model"
    (files / "data").mkdir(parents=True)
    (files / "MLmodel").write_text(f"run_id: {run_id}\nmodel_id: {model.model_id}\n")
    (files / "data" / "weights").write_bytes(bytes(100))
    client.log_model_artifacts(model.model_id, str(files))
    client.log_batch(run_id, [Metric("test_accuracy", 0.5, 7, 3, model_id=model.model_id)])
    client.log_outputs(run_id, [LoggedModelOutput(model.model_id, 3)])
    client.finalize_logged_model(model.model_id, LoggedModelStatus.READY)
    return model.model_id


@pytest.fixture(scope="module")
def laptop(empty_store, tmp_path_factory):
    """A folder with a store: a study of four runs, a model, a note, a view, and a deleted run."""
    folder = tmp_path_factory.mktemp("laptop")
    shutil.copy(empty_store, folder)
    client = client_of(folder)
    experiment = client.create_experiment(EXPERIMENT, (folder / "mlruns").as_uri())
    parent = studies.study(client, experiment, "five", ("relu", "swish"), (1, 2), images=100)
    view = f"tags.`mlflow.parentRunId` = '{parent}'"
    client.set_experiment_tag(experiment, "mlflow.sharedViewState.a", view)
    children = client.search_runs([experiment], f"tags.mlflow.parentRunId = '{parent}'")
    link = f"[a](#/experiments/{experiment}/runs/{children[0].info.run_id})"
    client.set_tag(parent, "mlflow.note.content", link)
    add_model(client, children[0].info.run_id, folder)
    client.log_batch(children[1].info.run_id, [Metric("odd", float("nan"), 5, 1)])
    images = from_numpy(np.zeros((2, 3), np.uint8), name="mnist-training", digest="ab" * 16)
    entity = DatasetInput(images._to_mlflow_entity(), [InputTag("mlflow.data.context", "training")])
    client.log_inputs(children[2].info.run_id, [entity])
    deleted = studies.child(client, parent, "relu", 3, images=100)
    client.delete_run(deleted)
    return folder


@pytest.fixture
def team(empty_store, tmp_path, monkeypatch):
    """A folder with an empty store that is not the working directory."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "team"
    folder.mkdir()
    shutil.copy(empty_store, folder)
    return folder


@pytest.fixture(scope="module")
def migrated(laptop, empty_store, tmp_path_factory):
    """A folder with the store that all was copied to; tests leave it whole."""
    folder = tmp_path_factory.mktemp("migrated")
    shutil.copy(empty_store, folder)
    (folder / "elsewhere").mkdir()
    with contextlib.chdir(folder / "elsewhere"), contextlib.redirect_stdout(io.StringIO()) as said:
        command(laptop, folder)
    (folder / "said").write_text(said.getvalue())
    return folder


def command(laptop, team, *words):
    migrate.main([str(laptop / "mlflow.db"), str(team / "mlflow.db"), *words])


def runs_of(folder):
    client = client_of(folder)
    experiment = client.get_experiment_by_name(EXPERIMENT)
    return list(run_search.every_run(client, [experiment.experiment_id])) if experiment else []


def files_of(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def copied_whole(laptop, client, copies):
    """Return whether copies are like their runs, each of which has one."""
    here, sources = client_of(laptop), {copy.data.tags[MIGRATED_FROM] for copy in copies}
    assert sources == {run.info.run_id for run in runs_of(laptop)}
    return not any(
        migration.differences(
            migration.read(here, copy.data.tags[MIGRATED_FROM]),
            migration.read(client, copy.info.run_id),
        )
        for copy in copies
    )


def parent_of(runs):
    [parent] = [run for run in runs if "mlflow.parentRunId" not in run.data.tags]
    return parent


def test_every_run_arrives_whole_under_its_parent(laptop, migrated):
    said = (migrated / "said").read_text().splitlines()
    assert said[0] == "5 runs in SOURCE · 5 to copy · 0 to complete"
    assert said[1].startswith("1/5 study five · 0 files, 0 values of metrics · about ")
    assert said[-1] == "All 5 runs are in TARGET, each verified."
    copies, names = runs_of(migrated), {run.info.run_id: run for run in runs_of(laptop)}
    assert copied_whole(laptop, client_of(migrated), copies)
    parent = parent_of(copies)
    for copy in copies:
        if copy is not parent:
            assert copy.data.tags["mlflow.parentRunId"] == parent.info.run_id
        assert copy.info.run_name == names[copy.data.tags[MIGRATED_FROM]].info.run_name
    assert not (migrated / "elsewhere" / "mlruns").exists()


def test_notes_and_views_name_the_copies(migrated):
    runs = {run.info.run_id: run for run in runs_of(migrated)}
    experiment = client_of(migrated).get_experiment_by_name(EXPERIMENT)
    parent = parent_of(runs.values())
    note = parent.data.tags["mlflow.note.content"]
    assert note.startswith(f"[a](#/experiments/{experiment.experiment_id}/runs/")
    assert note[-33:-1] in runs
    view = experiment.tags["mlflow.sharedViewState.a"]
    assert view == f"tags.`mlflow.parentRunId` = '{parent.info.run_id}'"


def test_ids_that_both_stores_use_are_replaced_once():
    moving = object.__new__(migration.Migration)
    moving.ids = {"1": "2", "2": "1", "a" * 32: "b" * 32, "b" * 32: "a" * 32}
    text = f"#/experiments/1/runs/{'a' * 32}, #/experiments/2, m-{'a' * 32}, 1"
    swapped = f"#/experiments/2/runs/{'b' * 32}, #/experiments/1, m-{'a' * 32}, 1"
    assert moving.rewritten(text) == swapped


def test_a_model_arrives_with_its_files_and_metrics_and_names_its_own_run(migrated):
    there = client_of(migrated)
    experiment = there.get_experiment_by_name(EXPERIMENT).experiment_id
    [model] = there.search_logged_models([experiment])
    assert (model.name, model.model_type, model.status) == ("a-model", "Classifier", "READY")
    assert (model.params, model.tags["a"]) == ({"a": "param"}, "tag")
    run = there.get_run(model.source_run_id)
    [output] = run.outputs.model_outputs
    assert (output.model_id, output.step) == (model.model_id, 3)
    [metric] = model.metrics
    assert (metric.key, metric.value, metric.timestamp) == ("test_accuracy", 0.5, 7)
    place = Path(model.artifact_location.removeprefix("file://"))
    assert place.is_relative_to(migrated)
    text = f"run_id: {run.info.run_id}\nmodel_id: {model.model_id}\n"
    assert (place / "MLmodel").read_text() == text
    assert (place / "data" / "weights").stat().st_size == 100


def test_a_second_start_copies_nothing_twice(laptop, migrated, project, capsys):
    before = files_of(migrated)
    command(laptop, migrated)
    assert "5 runs in SOURCE · 0 to copy · 0 to complete\nAll 5 " in capsys.readouterr().out
    assert len(runs_of(migrated)) == 5
    assert files_of(migrated) == before


def test_what_is_missing_of_a_copy_is_completed(laptop, migrated, project, capsys):
    there = client_of(migrated)
    half = next(run for run in runs_of(migrated) if run.info.run_name == "swish-seed2")
    folder = Path(half.info.artifact_uri.removeprefix("file://"))
    (folder / "history.csv").write_text("half")
    (folder / "probabilities.npy").unlink()
    there.update_run(half.info.run_id, status="RUNNING")
    capsys.readouterr()
    command(laptop, migrated)
    said = capsys.readouterr().out
    assert "5 runs in SOURCE · 0 to copy · 1 to complete\n1/1 swish-seed2 · " in said
    assert there.get_run(half.info.run_id).info.status == "FINISHED"
    assert (folder / "probabilities.npy").exists()
    assert len(runs_of(migrated)) == 5


def test_a_migration_that_was_killed_resumes(laptop, team, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(migration.Migration, "_copy_files", Mock(side_effect=KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            command(laptop, team)
    assert runs_of(team)
    command(laptop, team)
    assert len(runs_of(team)) == 5
    assert copied_whole(laptop, client_of(team), runs_of(team))


def test_a_dry_run_says_what_it_would_do_and_writes_nothing(laptop, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    command(laptop, tmp_path / "new", "--dry-run")
    assert capsys.readouterr().out == "5 runs in SOURCE · 5 to copy · 0 to complete\n"
    assert not (tmp_path / "new").exists()


def test_a_copy_that_is_not_like_its_run_is_an_error(laptop, team, monkeypatch):
    monkeypatch.setattr(migration.Migration, "_copy_files", Mock())
    with pytest.raises(InputError, match=r"runs differ in TARGET: .*-seed\d \(artifacts"):
        command(laptop, team)


@pytest.mark.parametrize(
    ("source", "target", "says"),
    [
        ("mlflow.db", "sqlite:///mlflow.db", "^SOURCE and TARGET are the same store"),
        ("nothing.db", "http://127.0.0.1:1", r"^SOURCE .*/nothing\.db does not exist: name"),
        ("mlflow.db", "ftp://me:hush@host/a", r"^TARGET ftp://\*\*\*@host/a is not a store"),
        ("mlflow.db", "http://me:hush@127.0.0.1:1", r"^TARGET http://\*\*\*@127\.0\.0\.1:1 cannot"),
        ("text.db", "http://127.0.0.1:1", r"^SOURCE sqlite:///.*/text\.db cannot be used \("),
    ],
)
def test_a_mistake_is_one_sentence_within_seconds(
    empty_store, tmp_path, monkeypatch, source, target, says
):
    monkeypatch.chdir(tmp_path)
    shutil.copy(empty_store, tmp_path)
    (tmp_path / "text.db").write_text("no database, but a text that is long enough to be read")
    began = time.monotonic()
    with pytest.raises(InputError, match=says) as refused:
        migrate.main([source, target])
    assert time.monotonic() - began < 30
    assert "hush" not in str(refused.value)
    assert "\n" not in errors.sentence(refused.value)


def test_a_store_that_is_the_source_by_another_name_is_refused(laptop, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "alias").symlink_to(laptop)
    monkeypatch.setattr(migrate.Path, "resolve", lambda path: path.absolute())
    with pytest.raises(InputError, match="the same store: both have the run"):
        command(laptop, tmp_path / "alias")


def test_artifacts_that_are_not_where_the_database_says_are_refused(laptop, team, tmp_path):
    moved = tmp_path / "moved"
    moved.mkdir()
    shutil.copy(laptop / "mlflow.db", moved)
    hidden = laptop.with_name("hidden")
    (laptop / "mlruns").rename(hidden)
    try:
        with pytest.raises(InputError, match="artifacts of experiment digit-recognizer are not in"):
            command(moved, team)
    finally:
        hidden.rename(laptop / "mlruns")
    assert runs_of(team) == []

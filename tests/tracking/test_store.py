import os
import re
import sqlite3
import subprocess
import sys
from pathlib import Path

import mlflow
import pytest
from mlflow.exceptions import MlflowException

from src.core.errors import InputError
from src.tracking import store
from tests.support.commands import ROOT


def create_run(name="swish"):
    """Create a run in the store; return its id."""
    client, experiment_id = store.connect("digits")
    return client.create_run(experiment_id, run_name=name).info.run_id


def test_the_store_is_in_the_working_directory_and_so_are_the_artifacts(store_folder):
    for name in ("digits", "other digits"):
        client, experiment_id = store.connect(name)
        experiment = client.get_experiment(experiment_id)
        assert experiment.name == name
        assert experiment.artifact_location.startswith((store_folder / "mlruns").as_uri())
    assert (store_folder / "mlflow.db").is_file()


def test_the_environment_may_name_another_store(store_folder, tmp_path, monkeypatch):
    store.connect("digits")
    mlflow.set_tracking_uri(None)
    # A copy, which is quicker than making the tables.
    (tmp_path / "own.db").write_bytes((store_folder / "mlflow.db").read_bytes())
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'own.db'}")
    store.connect("only here")
    with sqlite3.connect(tmp_path / "own.db") as own, sqlite3.connect("mlflow.db") as default:
        query = "SELECT count(*) FROM experiments WHERE name = 'only here'"
        assert own.execute(query).fetchone() == (1,)
        assert default.execute(query).fetchone() == (0,)


@pytest.mark.slow
def test_four_processes_that_create_the_store_at_once_all_get_it(tmp_path):
    script = """
import multiprocessing
from src.tracking import store
def create(_):
    client, experiment_id = store.connect("digits")
    client.create_run(experiment_id)
with multiprocessing.get_context("fork").Pool(4) as pool:
    pool.map(create, range(4), chunksize=1)
"""
    variables = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", script], env=variables, check=True)
    assert [path.name for path in tmp_path.iterdir() if "mlflow.db" in path.name] == ["mlflow.db"]
    client, experiment_id = store.connect("digits")
    assert len(client.search_runs([experiment_id])) == 4


def refusal(open_store):
    with pytest.raises(InputError, match=r"^The MLflow store \S+ cannot be used \(") as caught:
        open_store()
    text = str(caught.value)
    assert "\n" not in text
    assert "MLFLOW_TRACKING_URI" in text
    return text


each_way = pytest.mark.parametrize("open_store", [lambda: store.connect("digits"), store.reader])


@each_way
@pytest.mark.parametrize(
    "uri",
    [
        "http://anna:s3%40cret@127.0.0.1:9/",
        "https://anna:s3/cret@127.0.0.1:9",
        "http://s3cret@127.0.0.1:9/" + "long/" * 80,
        "mysql+nodriver://anna:s3cret@127.0.0.1:9/db",
        "nonsense://anna:s3cret@127.0.0.1:9/db",
    ],
)
def test_a_store_that_cannot_be_used_is_one_sentence_without_the_password(
    open_store, uri, monkeypatch
):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    text = refusal(open_store)
    assert "127.0.0.1:9" in text
    for part in ("anna", "s3", "cret"):
        assert part not in text.replace("secrets", "")


@each_way
def test_a_damaged_store_is_one_sentence_with_its_place(open_store, tmp_path):
    (tmp_path / "mlflow.db").write_text("no database" * 1000)
    assert re.search(f"sqlite:///{tmp_path / 'mlflow.db'} .*not a database", refusal(open_store))


@pytest.mark.parametrize(
    ("reason", "remedy"),
    [
        ("(sqlite3.OperationalError) database or disk is full [SQL: INSERT]", "make room, then"),
        ("(sqlite3.OperationalError) attempt to write a readonly database", "allow writing there"),
        ("connection refused", "fix MLFLOW_TRACKING_URI, or unset it"),
        ("PERMISSION_DENIED 403, 'Invalid Host header - possible ...'", "name the host of MLFLOW"),
        ("error code 401: UNAUTHENTICATED", "set MLFLOW_TRACKING_USERNAME and"),
        ("PERMISSION_DENIED", "for the permission EDIT"),
    ],
)
def test_the_remedy_fits_what_is_wrong_with_the_store(reason, remedy):
    with pytest.raises(InputError, match=remedy) as caught, store.usable():
        raise MlflowException(reason)
    assert "[SQL" not in str(caught.value)


def test_a_deleted_experiment_is_one_sentence(client):
    client.delete_experiment(client.create_experiment("gone"))
    with pytest.raises(InputError, match="deleted experiment"):
        store.connect("gone")


def test_user_and_password_of_a_server_move_to_mlflows_variables(monkeypatch):
    for uri in ("", "http://host:5000", "postgresql+psycopg://me:s3cret@host/db"):  # stay
        monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
        store.move_password()
        assert os.environ["MLFLOW_TRACKING_URI"] == uri
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "https://anna:s3%40cret%25@host:5000/path?x=1")
    store.move_password()
    found = [os.environ[f"MLFLOW_TRACKING_{part}"] for part in ("URI", "USERNAME", "PASSWORD")]
    assert found == ["https://host:5000/path?x=1", "anna", "s3@cret%"]


def test_a_reader_sees_the_runs_and_creates_nothing(store_folder):
    run_id = create_run()
    mlflow.set_tracking_uri(None)
    before = Path("mlflow.db").read_bytes()
    assert store.reader().get_run(run_id).info.run_name == "swish"
    assert Path("mlflow.db").read_bytes() == before


def test_a_reader_without_a_store_is_refused_and_leaves_no_file(tmp_path):
    missing = f"^There are no runs yet, because mlflow.db does not exist in {tmp_path}: .*$"
    with pytest.raises(InputError, match=missing):
        store.reader()
    assert list(tmp_path.iterdir()) == []


def test_in_dvcs_temporary_clone_the_store_is_that_of_the_real_repository(
    store_folder, tmp_path, monkeypatch
):
    run_id = create_run()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DVC_ROOT", str(store_folder))
    client, experiment_id = store.connect("from a clone")
    assert client.get_experiment(experiment_id).artifact_location.startswith(store_folder.as_uri())
    mlflow.set_tracking_uri(None)
    assert store.reader().get_run(run_id).info.run_name == "swish"
    assert list(tmp_path.iterdir()) == []

"""The pages themselves are looked at in tests/end_to_end/test_ui.py."""

import shutil
import signal
import urllib.request
from types import SimpleNamespace

import pytest
from mlflow import MlflowClient

from src import ui
from src.core.errors import InputError
from src.tracking import store, views
from tests.support.commands import EXPERIMENT, ROOT, begin, finish
from tests.support.servers import free_port

SERVER = "http://mlflow.example:5000"
AT = f"The runs are at {SERVER}/"


@pytest.fixture
def stored(project, empty_store):
    """A client of a project's store, and the ID of its experiment."""
    shutil.copy(empty_store, project)
    client = MlflowClient(f"sqlite:///{project / 'mlflow.db'}")
    return client, client.create_experiment(EXPERIMENT)


def test_a_folder_without_runs_is_refused(project):
    with pytest.raises(InputError, match="There are no runs yet"):
        ui.main(["--port", str(free_port())])


@pytest.fixture
def elsewhere(stored, monkeypatch):
    """The store as that of a server, which the environment names."""
    client, experiment_id = stored
    find = client.get_experiment_by_name
    server = SimpleNamespace(tracking_uri=f"{SERVER}/", get_experiment_by_name=find)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server.tracking_uri)
    monkeypatch.setattr(store, "reader", lambda: server)
    return client, experiment_id


def test_of_a_server_the_address_of_the_runs_is_printed(elsewhere, capsys):
    client, experiment_id = elsewhere
    ui.main([])
    assert capsys.readouterr().out == f"{AT}#/experiments/{experiment_id}/runs\n"
    views.offer_runs(client, experiment_id)  # as the first sweep or study does
    ui.main([])
    assert capsys.readouterr().out == f"{AT}{views.runs_link(experiment_id)}\n"


def test_a_server_without_our_experiment_has_a_first_page(elsewhere, capsys):
    client, experiment_id = elsewhere
    client.rename_experiment(experiment_id, "of others")
    ui.main([])
    assert capsys.readouterr().out == f"{AT}\n"


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_store_of_this_folder_is_served_until_ctrl_c(stored, project, number):
    client, experiment_id = stored
    port = free_port()
    process = begin(project, "src.ui", "--port", str(port), PYTHONPATH=str(ROOT))
    link = f"http://127.0.0.1:{port}/{views.runs_link(experiment_id)}"
    for line in ("MLflow is starting ...", f"The runs are at {link}", "Ctrl-C ends it."):
        assert process.stdout.readline() == f"{line}\n"
    assert urllib.request.urlopen(link, timeout=60).status == 200
    assert views.TAG + views.RUNS in client.get_experiment(experiment_id).tags
    process.send_signal(number)
    done = finish(process)
    assert (done.returncode, done.stdout, done.stderr) == (0, "MLflow has ended.\n", "")
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(link, timeout=5)

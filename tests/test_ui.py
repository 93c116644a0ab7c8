"""The pages themselves are looked at in tests/end_to_end/test_ui.py."""

import shutil
import signal
import socket
import subprocess
import sys
import urllib.request
from types import SimpleNamespace

import pytest
from mlflow import MlflowClient

from src import ui
from src.core.errors import InputError
from src.tracking import store, views
from tests.support.commands import ROOT, environment, sentence
from tests.support.servers import free_port

EXPERIMENT = "digit-recognizer"


@pytest.fixture
def stored(project, empty_store, monkeypatch):
    """A project with a store that holds an experiment; return a client and that one's id."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    shutil.copy(empty_store, project / "mlflow.db")
    client = MlflowClient(f"sqlite:///{project / 'mlflow.db'}")
    return client, client.create_experiment(EXPERIMENT)


def test_a_port_that_is_taken_is_refused_before_mlflow_is_imported(project, no_heavy_imports):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        done = subprocess.run(
            [sys.executable, "-m", "src.ui", "--port", str(port)],
            cwd=ROOT,
            env=environment(PYTHONPATH=no_heavy_imports),
            capture_output=True,
            text=True,
        )
    assert done.returncode == 1
    assert f"Port {port} " in sentence(done)


def test_a_folder_without_runs_is_refused(project, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    with pytest.raises(InputError, match="There are no runs yet"):
        ui.main(["--port", str(free_port())])


@pytest.fixture
def elsewhere(stored, monkeypatch):
    """The store as that of a server, which the environment names."""
    client, experiment_id = stored
    server = SimpleNamespace(
        tracking_uri="http://mlflow.example:5000/",
        get_experiment_by_name=client.get_experiment_by_name,
    )
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server.tracking_uri)
    monkeypatch.setattr(store, "reader", lambda: server)
    return client, experiment_id


def test_of_a_server_the_address_of_the_runs_is_printed(elsewhere, capsys):
    client, experiment_id = elsewhere
    ui.main([])
    page = f"#/experiments/{experiment_id}/runs"
    assert capsys.readouterr().out == f"The runs are at http://mlflow.example:5000/{page}\n"
    views.offer_runs(client, experiment_id)  # as the first sweep or study does
    ui.main([])
    page = views.runs_link(experiment_id)
    assert capsys.readouterr().out == f"The runs are at http://mlflow.example:5000/{page}\n"


def test_a_server_without_our_experiment_has_a_first_page(elsewhere, capsys):
    client, experiment_id = elsewhere
    client.rename_experiment(experiment_id, "of others")
    ui.main([])
    assert capsys.readouterr().out == "The runs are at http://mlflow.example:5000/\n"


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_store_of_this_folder_is_served_until_ctrl_c(stored, project, number):
    client, experiment_id = stored
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "src.ui", "--port", str(port)],
        cwd=project,
        env=environment(PYTHONPATH=str(ROOT)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    link = f"http://127.0.0.1:{port}/{views.runs_link(experiment_id)}"
    assert process.stdout.readline() == "MLflow is starting ...\n"
    assert process.stdout.readline() == f"The runs are at {link}\n"
    assert process.stdout.readline() == "Ctrl-C ends it.\n"
    assert urllib.request.urlopen(link, timeout=60).status == 200
    assert views.TAG + views.RUNS in client.get_experiment(experiment_id).tags
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (0, "MLflow has ended.\n", "")
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(link, timeout=5)

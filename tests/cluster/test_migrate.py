"""`python -m src.migrate` into a real server of MLflow, which takes the artifacts itself."""

import os

import pytest
from mlflow import MlflowClient

from src import migrate
from tests.support.servers import tracking_server
from tests.test_migrate import EXPERIMENT, copied_whole, laptop

__all__ = ["laptop"]  # a fixture


@pytest.fixture
def server(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with tracking_server(tmp_path / "server") as address:
        yield address


@pytest.mark.slow
def test_a_laptops_store_arrives_whole_in_a_servers(laptop, server, capsys):
    migrate.main([str(laptop / "mlflow.db"), server])
    assert "All 5 runs are in TARGET, each verified.\n" in capsys.readouterr().out
    there = MlflowClient(server)
    experiment = there.get_experiment_by_name(EXPERIMENT)
    copies = there.search_runs([experiment.experiment_id])
    assert copied_whole(laptop, there, copies)
    assert all(copy.info.artifact_uri.startswith("mlflow-artifacts:") for copy in copies)
    migrate.main([str(laptop / "mlflow.db"), server])
    assert "0 to copy · 0 to complete" in capsys.readouterr().out
    assert "MLFLOW_TRACKING_URI" not in os.environ

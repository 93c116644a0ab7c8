"""`python -m src.migrate` into a real server of MLflow, which takes the artifacts itself."""

import os

import pytest
from mlflow import MlflowClient

from src import migrate
from src.tracking import migration
from src.tracking.migration import MIGRATED_FROM
from tests.support.servers import tracking_server
from tests.test_migrate import EXPERIMENT, client_of, laptop, runs_of

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
    there, here = MlflowClient(server), client_of(laptop)
    experiment = there.get_experiment_by_name(EXPERIMENT)
    copies = there.search_runs([experiment.experiment_id])
    assert {one.data.tags[MIGRATED_FROM] for one in copies} == {
        run.info.run_id for run in runs_of(laptop)
    }
    for copy in copies:
        source = migration.read(here, copy.data.tags[MIGRATED_FROM])
        found = migration.read(there, copy.info.run_id)
        assert migration.differences(source, found) == []
        assert copy.info.artifact_uri.startswith("mlflow-artifacts:")
    migrate.main([str(laptop / "mlflow.db"), server])
    assert "0 to copy · 0 to complete" in capsys.readouterr().out
    assert "MLFLOW_TRACKING_URI" not in os.environ

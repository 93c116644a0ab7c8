import shutil

import pytest
from mlflow import MlflowClient

from benchmarks import store_writers


@pytest.fixture
def uri(empty_store, tmp_path):
    return f"sqlite:///{shutil.copy(empty_store, tmp_path)}"


def test_every_writer_logs_every_run_whole(uri):
    written = store_writers.write(uri, writers=2, runs=2, epochs=3)
    assert (written.runs, written.errors) == (4, [])
    assert len(written.calls) == 4 * (3 + 3)  # its start, its params and its end
    client = MlflowClient(uri)
    experiment = client.get_experiment_by_name(store_writers.EXPERIMENT)
    runs = client.search_runs([experiment.experiment_id])
    assert [run.info.status for run in runs] == ["FINISHED"] * 4
    assert {len(client.get_metric_history(run.info.run_id, "loss")) for run in runs} == {3}

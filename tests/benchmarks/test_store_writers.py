import sys

import pytest
from mlflow import MlflowClient

from benchmarks import store_writers
from benchmarks.store_writers import Written


def test_every_writer_logs_every_run_whole(empty_store, tmp_path):
    copy = tmp_path / "mlflow.db"
    copy.write_bytes(empty_store.read_bytes())
    written = store_writers.write(f"sqlite:///{copy}", writers=2, runs=2, epochs=3)
    assert (written.runs, written.errors) == (4, [])
    assert len(written.calls) == 4 * (3 + 3)  # its start, its params and its end
    client = MlflowClient(f"sqlite:///{copy}")
    experiment = client.get_experiment_by_name(store_writers.EXPERIMENT)
    runs = client.search_runs([experiment.experiment_id])
    assert [run.info.status for run in runs] == ["FINISHED"] * 4
    assert {len(client.get_metric_history(run.info.run_id, "loss")) for run in runs} == {3}
    assert all(set(store_writers.METRICS) == set(run.data.metrics) for run in runs)


def test_what_a_store_refuses_is_counted_and_ends_no_writer(empty_store, tmp_path, monkeypatch):
    copy = tmp_path / "mlflow.db"
    copy.write_bytes(empty_store.read_bytes())
    monkeypatch.setattr(store_writers, "METRICS", ("long" * 100,))
    written = store_writers.write(f"sqlite:///{copy}", writers=1, runs=2, epochs=1)
    assert written.runs == 0
    assert len(written.errors) == 2


def test_runs_per_minute_are_held_against_those_of_the_same_round():
    ours = [Written(60, 30.0, [0.1, 0.3], ["an error"])]
    theirs = [Written(60, 60.0, [0.2, 0.2], [])]
    speed, middle, slowest, failed = store_writers.rows("server", ours, theirs)
    assert (speed.values, speed.ratios) == ([120.0], [2.0])
    assert middle.values == [200.0]
    assert slowest.values == [300.0]
    assert (failed.values, failed.ratios) == ([1.0], [])


def test_numbers_below_one_are_refused(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["store_writers", "http://127.0.0.1:9", "--writers", "0"])
    with pytest.raises(SystemExit):
        store_writers.main()
    assert "numbers from 1 on" in capsys.readouterr().err

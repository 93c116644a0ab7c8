from types import SimpleNamespace

import pytest
from mlflow.store.entities import PagedList

from src.runtime import metric_names
from src.experiments import first_estimate


class Store:
    """A store whose runs have logged some epochs, by their status."""

    def __init__(self, **seconds):
        self.seconds = seconds

    def get_run(self, run_id):
        return SimpleNamespace(info=SimpleNamespace(experiment_id="1"))

    def search_runs(self, experiments, filter_string, **more):
        status = filter_string.rpartition("= ")[2].strip("'")
        found = [
            SimpleNamespace(
                info=SimpleNamespace(run_id=status),
                data=SimpleNamespace(params={"epochs": "10"}, tags={"variant": "relu"}),
            )
            for status_ in [status]
            if status_ in self.seconds
        ]
        return PagedList(found, None)

    def get_metric_history(self, run_id, name):
        assert name == metric_names.EPOCH_SECONDS
        return [
            SimpleNamespace(step=step, value=value)
            for step, value in enumerate(self.seconds[run_id], 1)
        ]


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(first_estimate, "PAUSE_SECONDS", 0.01)


def told(capsys, store, seconds=0.2):
    with first_estimate.told(store, "parent", runs=7, workers=2):
        first_estimate.threading.Event().wait(seconds)
    return capsys.readouterr().out


def test_two_epochs_tell_once_how_long_all_runs_take(capsys):
    # 12 + 9 × 8 = 84 seconds a run, four of which follow each other.
    assert told(capsys, Store(RUNNING=[12.0, 8.0])) == (
        "7 left, about 5 min 36 s by the first epochs\n"
    )


def test_one_epoch_tells_nothing_because_it_compiles_too(capsys):
    assert told(capsys, Store(RUNNING=[12.0])) == ""


def test_a_run_in_progress_tells_how_long_those_of_its_level_take():
    client = Store(RUNNING=[12.0, 8.0])
    assert first_estimate.of_levels(client, "parent", ["relu", "swish"]) == {"relu": 84.0}
    assert first_estimate.of_levels(Store(RUNNING=[12.0]), "parent", ["relu"]) == {}
    assert first_estimate.of_levels(client, "parent", []) == {}

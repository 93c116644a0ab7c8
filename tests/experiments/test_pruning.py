import json
import pickle

import mlflow
import pytest

from src.experiments.pruning import Pruning
from src.tracking import run_tags
from tests.experiments.test_sampling import search
from tests.experiments.test_trials import child

GOOD = (0.5, 0.6, 0.7, 0.8)
PARAMS = {"rate": 0.1, "units": [8], "size": 3, "drop": 0.1}


@pytest.fixture
def record(record, tmp_path):
    """A search with four good trials and one that runs, in the store that MLflow has selected."""
    mlflow.set_tracking_uri(f"sqlite:///{tmp_path / 'mlflow.db'}")
    for number in range(5):
        record.begin(number, PARAMS)
        if number < 4:
            child(record, number, "FINISHED", GOOD)
    return record


def pruning(record, **changes):
    found = Pruning("mine", search(**changes), record.parent.run_id, 4, epochs=4)
    return pickle.loads(pickle.dumps(found))  # as it comes to a worker


def tags(record, run_id):
    return record.parent.client.get_run(run_id).data.tags


def test_a_trial_below_the_others_is_pruned_and_marked_with_its_last_epoch(record):
    run_id = child(record, 4, "RUNNING")
    judge = pruning(record)
    for accuracies in ({1: 0.1}, {1: 0.5, 2: 0.9}, dict.fromkeys(range(1, 5), 0.1)):
        assert not judge(run_id, accuracies)  # too early, good, and complete
    assert run_tags.PRUNED not in tags(record, run_id)
    assert judge(run_id, {1: 0.1, 2: 0.2})
    assert tags(record, run_id)[run_tags.PRUNED] == "2"


def test_a_trial_that_was_pruned_before_an_interruption_ends_again(record):
    run_id = child(record, 4, "RUNNING", **{run_tags.PRUNED: "2"})
    assert pruning(record)(run_id, {1: 0.9, 2: 0.9, 3: 0.9})
    assert tags(record, run_id)[run_tags.PRUNED] == "2"


def test_the_pruners_state_is_kept_in_the_trials_run(record):
    run_id = child(record, 4, "RUNNING")
    pruning(record, pruner="successive_halving")(run_id, {1: 0.9})
    assert json.loads(tags(record, run_id)[run_tags.PRUNER_STATE]) == {"completed_rung_0": 0.9}


def test_without_the_store_the_trial_continues(record, monkeypatch):
    run_id = child(record, 4, "RUNNING")
    mlflow.set_tracking_uri("sqlite:////nowhere/mlflow.db")
    assert not pruning(record)(run_id, {1: 0.1, 2: 0.1})
    assert not pruning(record)(None, {1: 0.1, 2: 0.1})

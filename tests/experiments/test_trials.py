import pytest

from src.experiments import trials
from src.experiments.trials import State, Trial
from src.tracking import run_tags


def child(record, number, status, curve=(), **tags):
    """Log a run of a trial; return its id."""
    client, parent = record.parent.client, record.parent
    words = {run_tags.PARENT: parent.run_id, **tags}
    if number is not None:
        words[run_tags.TRIAL] = str(number)
    run_id = client.create_run(parent.experiment_id, tags=words).info.run_id
    for step, value in enumerate(curve, 1):
        client.log_metric(run_id, "val_accuracy", value, step=step)
    if status == "FINISHED":
        client.log_metric(run_id, "best_val_accuracy", max(curve))
        client.log_metric(run_id, "train_seconds", 7.0)
    if status != "RUNNING":
        client.set_terminated(run_id, status)
    return run_id


@pytest.mark.parametrize(
    ("status", "tags", "state"),
    [
        ("RUNNING", {}, State.OPEN),
        ("KILLED", {}, State.OPEN),
        ("KILLED", {"pruned": "2"}, State.OPEN),
        ("FAILED", {}, State.FAILED),
        ("FINISHED", {}, State.COMPLETE),
        ("FINISHED", {"pruned": "2"}, State.PRUNED),
    ],
)
def test_the_state_of_a_trial_is_read_from_its_run(record, status, tags, state):
    record.begin(0, {"rate": 0.01, "units": [8]})
    assert record.trials() == [Trial(0, {"rate": 0.01, "units": [8]})]  # as it was drawn
    run_id = child(record, 0, status, (0.5, 0.4), **tags)
    [trial] = record.trials()
    assert (trial.state, trial.run_id) == (state, run_id)
    assert trial.accuracies == {1: 0.5, 2: 0.4}
    assert trial.ended == (status == "FINISHED")
    if trial.ended:
        assert (trial.value, trial.seconds) == (0.5, 7.0)


def test_of_several_runs_the_most_advanced_counts_and_one_without_a_number_does_not(record):
    for number in range(11):
        record.begin(number, {"rate": number})
    child(record, None, "KILLED")
    child(record, 10, "FAILED")
    again = child(record, 10, "FINISHED", (0.9,))
    found = record.trials()
    assert [one.number for one in found] == list(range(11))
    assert found[10].run_id == again


def test_a_trial_that_has_ended_is_not_read_again(record, monkeypatch):
    record.begin(0, {})
    child(record, 0, "FINISHED", (0.9,))
    first = record.trials()
    monkeypatch.setattr(record.parent.client, "get_metric_history", None)
    assert record.trials() == first


def test_the_best_is_complete_and_the_first_of_equals():
    states = (State.COMPLETE, State.PRUNED, State.COMPLETE, State.COMPLETE, State.FAILED)
    values = (0.8, 0.99, 0.9, 0.9, None)
    some = [Trial(n, {}, *pair) for n, pair in enumerate(zip(states, values, strict=True))]
    assert trials.best(some).number == 2
    assert trials.best(some[1:2]) is None

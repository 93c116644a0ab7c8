import json
import socket
import sys
import threading
import urllib.request
from dataclasses import replace

import pytest
from optuna.trial import TrialState

from src.runtime.errors import InputError
from src.tracking import run_tags, store
from src.tuning import dashboard, sampling
from src.tuning.trials import State, Trial
from tests.tuning.test_sampling import search

SEARCH = search()


def trials(*states):
    """Return a trial in each of these states, two epochs long."""
    found = []
    for number, state in enumerate(states):
        asked = sampling.ask("mine", SEARCH, [])
        value = 0.5 + number / 10 if state == State.COMPLETE else None
        found.append(Trial(number, asked, state, value, {1: 0.1, 2: 0.2}))
    return found


def test_a_mirror_has_every_trial_under_its_number_and_follows_what_becomes_of_it():
    begun = trials(State.COMPLETE, State.OPEN, State.OPEN)
    study = sampling.mirror("mine", SEARCH, begun)
    assert [one.state for one in study.trials] == [
        TrialState.COMPLETE,
        TrialState.RUNNING,
        TrialState.RUNNING,
    ]
    ended = trials(State.COMPLETE, State.COMPLETE, State.PRUNED, State.FAILED)
    ended[1] = replace(ended[1], accuracies={1: 0.1, 2: 0.2, 3: 0.3})
    for _ in range(2):
        sampling.refresh(study, SEARCH, ended)
    assert [one.state for one in study.trials] == [
        TrialState.COMPLETE,
        TrialState.COMPLETE,
        TrialState.PRUNED,
        TrialState.FAIL,
    ]
    assert study.best_trial.number == 1
    assert study.trials[1].intermediate_values == {1: 0.1, 2: 0.2, 3: 0.3}


@pytest.fixture
def opened(project, monkeypatch):
    """A store with two searches of a name, of which the second has another space."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    client, experiment = store.connect("digits")
    for space in ({"optimizer.learning_rate": {"uniform": [0.1, 0.2]}}, SEARCH.space):
        tags = {
            run_tags.SEARCH: "mine",
            run_tags.SEARCH_DEFINITION: json.dumps({"space": space}),
        }
        parent = client.create_run(experiment, run_name="search mine", tags=tags)
    [trial] = trials(State.OPEN)
    client.set_tag(parent.info.run_id, f"{run_tags.TRIAL_PREFIX}0", json.dumps(dict(trial.params)))
    return client, parent.info.run_id


def test_the_latest_search_of_the_name_is_shown_with_the_space_that_it_had(opened):
    client, parent_id = opened
    other = replace(SEARCH, space={"batch_size": {"integer": [1, 2]}})
    assert dashboard.latest(client, "digits", "mine", other) == (parent_id, SEARCH)
    with pytest.raises(InputError, match="no search other yet: begin it with"):
        dashboard.latest(client, "digits", "other", SEARCH)


def test_a_port_that_is_taken_is_one_sentence(opened):
    pytest.importorskip("optuna_dashboard")
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(InputError, match=f"Port {port} of 127.0.0.1 is taken"):
            dashboard.serve("mine", SEARCH, "digits", port)


def test_the_dashboard_lists_the_search_and_its_trials(opened, capsys):
    pytest.importorskip("optuna_dashboard")
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    arguments = ("mine", SEARCH, "digits", port)
    threading.Thread(target=dashboard.serve, args=arguments, daemon=True).start()
    url = f"http://127.0.0.1:{port}/api/studies"
    for _ in range(100):
        try:
            listed = json.load(urllib.request.urlopen(url, timeout=5))
            break
        except OSError:
            threading.Event().wait(0.1)
    [study] = listed["study_summaries"]
    assert study["study_name"] == "mine"
    found = json.load(urllib.request.urlopen(f"{url}/{study['study_id']}", timeout=5))
    assert [one["state"] for one in found["trials"]] == ["Running"]
    assert f"http://127.0.0.1:{port}/dashboard" in capsys.readouterr().out


def test_without_the_package_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna_dashboard", None)
    with pytest.raises(InputError, match="the extra dashboard"):
        dashboard.serve("mine", SEARCH, "digits")

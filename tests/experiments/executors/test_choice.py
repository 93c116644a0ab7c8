import sys
from types import SimpleNamespace

import pytest

from src.experiments.executors import choice
from src.experiments.executors.local import LocalProcesses
from src.runtime.errors import InputError


def settings(**changes):
    return SimpleNamespace(**({"executor": None, "workers": 1, "cpus": 1, "gpus": 0.0} | changes))


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    for name in ("RAY_ADDRESS", "MLFLOW_TRACKING_URI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(choice.cluster, "library", lambda: None)
    return monkeypatch


def test_the_command_wins_over_the_file_and_the_file_over_the_environment(environment):
    assert choice.name(settings(), None) == "local"
    assert choice.name(settings(executor="ray"), None) == "ray"
    assert choice.name(settings(executor="ray"), "local") == "local"
    environment.setenv("RAY_ADDRESS", "head:6379")
    environment.setenv("MLFLOW_TRACKING_URI", "http://server:5000")
    assert choice.name(settings(), None) == "ray"
    assert choice.name(settings(executor="local"), None) == "local"


@pytest.mark.parametrize("store", [None, "sqlite:////home/me/mlflow.db"])
def test_sqlite_is_refused_on_a_cluster_and_allowed_on_a_ray_of_this_machine(environment, store):
    if store:
        environment.setenv("MLFLOW_TRACKING_URI", store)
    for address in (None, "local"):
        if address:
            environment.setenv("RAY_ADDRESS", address)
        assert choice.name(settings(executor="ray"), None) == "ray"
    environment.setenv("RAY_ADDRESS", "head:6379")
    with pytest.raises(InputError, match=r"mlflow\.db.*its other nodes do not have.*MLFLOW_TR"):
        choice.name(settings(), None)
    assert choice.name(settings(), "local") == "local"


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("executor=rey", "executor=rey is unknown. Did you mean 'ray'"),
        ("workers=3", "workers=3 is no argument of this command"),
        ("more", "more is no argument"),
    ],
)
def test_another_word_is_refused(word, said):
    assert choice.read(["executor=ray"]) == "ray"
    assert choice.read([]) is None
    with pytest.raises(InputError, match=said):
        choice.read([word])


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"executor": "dask"}, "executor=dask is unknown"),
        ({"cpus": 0}, "cpus=0 is out of range: use a number from 1 to "),
        ({"gpus": -0.5}, "gpus=-0.5 is out of range"),
        ({"workers": 65}, "workers=65 is out of range: use a number from 1 to 64"),
    ],
)
def test_values_out_of_range_are_refused(changes, said):
    choice.check(settings(executor="ray", cpus=4, gpus=0.5))
    with pytest.raises(InputError, match=said):
        choice.check(settings(**changes))


def test_local_workers_share_the_cores(monkeypatch):
    monkeypatch.setattr(choice.joblib, "cpu_count", lambda: 8)
    assert choice.make(settings()) == LocalProcesses(1)
    assert choice.make(settings(workers=3)) == LocalProcesses(3, 2)


def test_without_ray_the_extra_is_named(environment, monkeypatch):
    environment.undo()
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(InputError, match=r"Ray, which is not installed: run `make \.venv/cluster`"):
        choice.name(settings(), "ray")

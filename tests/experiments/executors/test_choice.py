import sys
from types import SimpleNamespace

import pytest

from src.core.errors import InputError
from src.experiments.executors import choice
from src.experiments.executors.local import Here, LocalProcesses
from src.experiments.executors.ray_tasks import RayTasks


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


@pytest.mark.parametrize("store", ["", "sqlite:////home/me/mlflow.db"])
def test_sqlite_is_refused_on_a_cluster_and_allowed_on_a_ray_of_this_machine(environment, store):
    environment.setenv("MLFLOW_TRACKING_URI", store)
    for address in ("", "local"):
        environment.setenv("RAY_ADDRESS", address)
        assert choice.name(settings(executor="ray"), None) == "ray"
    environment.setenv("RAY_ADDRESS", "head:6379")
    with pytest.raises(InputError, match=r"mlflow\.db.*its other nodes do not have.*MLFLOW_TR"):
        choice.name(settings(), None)
    assert choice.name(settings(), "local") == "local"


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("executor=rey", "executor=rey is unknown. Did you mean 'ray'"),
        ("workers=3", "workers=3 is not an argument of this command"),
        ("more", "more is not an argument"),
    ],
)
def test_another_word_is_refused(word, message):
    assert choice.read(["executor=ray"]) == "ray"
    assert choice.read([]) is None
    with pytest.raises(InputError, match=message):
        choice.read([word])


def test_a_file_and_a_launcher_of_hydras_have_their_executors(monkeypatch):
    assert choice.make(settings(workers=3)) == LocalProcesses(3)
    assert choice.make(settings(executor="ray", cpus=2, gpus=0.5)) == RayTasks(2, 0.5, 1)
    monkeypatch.setattr(choice.joblib, "effective_n_jobs", lambda jobs: jobs % 9)
    assert isinstance(choice.of_launcher("basic", {}, 3), Here)
    assert choice.of_launcher("joblib", {"n_jobs": -1}, 10) == LocalProcesses(8)
    assert choice.of_launcher("joblib", {"n_jobs": -1}, 3) == LocalProcesses(3)
    pytest.importorskip("submitit")
    from src.experiments.executors.slurm import Submitit

    for cluster in ("slurm", "local"):
        made = choice.of_launcher(f"submitit_{cluster}", {"timeout_min": 3}, 3)
        assert made == Submitit(cluster, {"timeout_min": 3})


@pytest.mark.parametrize(
    ("name", "given", "message"),
    [
        ("joblib", {"n_jobs": 0}, "n_jobs=0 starts no worker"),
        ("rq", {}, "launcher=rq cannot be used here: choose one of basic .* and submitit_local"),
    ],
)
def test_another_launcher_is_refused(name, given, message):
    with pytest.raises(InputError, match=message):
        choice.of_launcher(name, given, 3)


def test_without_ray_the_extra_is_named(environment, monkeypatch):
    environment.undo()
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(InputError, match=r"Ray, which is not installed: run `make \.venv/cluster`"):
        choice.name(settings(), "ray")

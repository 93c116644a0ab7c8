import threading
from types import SimpleNamespace

import pytest

from src.core import metric_names
from src.experiments import progress
from src.experiments.table import Progress


class Parent:
    """A parent run whose children in progress have logged these epochs."""

    def __init__(self, *seconds, level="relu"):
        self.run_id, self.client, self.seconds, self.level = "parent", self, seconds, level

    def children(self, status):
        assert status == "RUNNING"
        data = SimpleNamespace(params={"epochs": "10"}, tags={"variant": self.level})
        return [SimpleNamespace(info=SimpleNamespace(run_id="run"), data=data)]

    def get_metric_history(self, run_id, name):
        assert (run_id, name) == ("run", metric_names.EPOCH_SECONDS)
        steps = enumerate(self.seconds, 1)
        return [SimpleNamespace(step=step, value=value) for step, value in steps]


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(progress, "PAUSE_SECONDS", 0.01)


def first_estimate(capsys, parent, *, ended=False):
    with progress.first_estimate(parent, 7, 2) as over:
        if ended:
            over.set()
        threading.Event().wait(1.0 if ended else 0.2)
    return capsys.readouterr().out


def test_two_epochs_give_one_line_on_how_long_all_runs_take(capsys):
    # 12 + 9 × 8 = 84 seconds a run, four of which follow each other.
    expected = "7 left, about 5 min 36 s by the first epochs\n"
    assert first_estimate(capsys, Parent(12.0, 8.0)) == expected


def test_one_epoch_gives_none_because_it_compiles_too(capsys):
    assert first_estimate(capsys, Parent(12.0)) == ""


def test_the_first_run_that_ends_makes_it_needless(capsys, monkeypatch):
    monkeypatch.setattr(progress, "PAUSE_SECONDS", 0.5)  # the run ends before the first look
    assert first_estimate(capsys, Parent(12.0, 8.0), ended=True) == ""


def test_a_line_has_the_facts_of_its_run_and_the_time_left():
    now = Progress(2, 6, ["gelu", "gelu", "swish"], {"relu": [60.0], "swish": [62.0]})
    line = progress.line(now, ["swish-seed1", "1 min 02 s"], 2, Parent(12.0))
    assert line == "2/6 done · swish-seed1 · 1 min 02 s · 3 left, about 2 min 03 s"


def test_the_last_line_has_no_time_left():
    line = progress.line(Progress(10, 10, [], {}), ["trial 3"], 2, Parent())
    assert line == "10/10 done · trial 3"


def test_a_run_takes_as_long_as_those_of_its_level_or_as_its_epochs_say_or_as_any():
    seconds = {"cnn": [600.0], "mlp": [10.0]}
    left = Progress(2, 6, ["mlp", "cnn", "mlp", "cnn"], seconds)
    assert progress.seconds_left(left, 2, {}) == 620.0
    other = Progress(2, 3, ["other"], seconds)
    assert progress.seconds_left(other, 2, {}) == 305.0
    assert progress.seconds_left(other, 2, {"other": 9.0}) == 9.0
    assert progress.seconds_left(Progress(0, 1, ["other"], {}), 2, {}) is None


def test_a_level_without_a_finished_run_is_estimated_from_its_run_in_progress():
    now = Progress(1, 2, ["relu"], {"mlp": [10.0]})
    assert progress.line(now, ["x"], 1, Parent(12.0, 8.0)).endswith("1 left, about 1 min 24 s")

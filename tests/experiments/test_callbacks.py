import sys
import threading
from types import SimpleNamespace

import keras
import numpy as np
import pytest

from src import evaluation
from src.core import metric_names
from src.experiments import callbacks
from src.training.checkpoint import State


@pytest.fixture
def clock(monkeypatch):
    clock = SimpleNamespace(now=0.0)
    monkeypatch.setattr(callbacks, "time", SimpleNamespace(perf_counter=lambda: clock.now))
    return clock


def test_the_log_is_given_plain_numbers_and_the_epoch_from_1():
    given = []
    log = callbacks.EpochLog(lambda *values: given.append(values))
    for epoch in range(2):
        log.on_epoch_end(epoch, {metric_names.LOSS: np.float32(0.5)})
    assert given == [({metric_names.LOSS: 0.5}, 1), ({metric_names.LOSS: 0.5}, 2)]
    assert type(given[0][0][metric_names.LOSS]) is float


LOGS = {metric_names.VAL_ACCURACY: 0.98765, metric_names.EPOCH_SECONDS: 12.34}


def run_line(clock, line, epochs, seconds):
    line.set_params({"steps": 5})
    line.on_train_begin()
    for epoch in epochs:
        line.on_epoch_begin(epoch)
        clock.now += seconds
        line.on_train_batch_end(0)
        line.on_epoch_end(epoch, LOGS)
    line.close()


def test_away_from_a_terminal_each_epoch_is_one_line_however_narrow(clock, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    line = callbacks.ProgressLine("swish-seed1", epochs=10)
    run_line(clock, line, [0], seconds=10)
    assert capsys.readouterr().out == (
        "swish-seed1 · epoch  1/10 · val_acc 0.9877 · 12.3 s · 1 min 30 s left\n"
    )


@pytest.mark.parametrize(
    "title", ["swish-seed1", "swish-lenet5-learning_rate=0.02-epochs=100-seed12"]
)
def test_a_line_fits_80_columns_and_ends_of_its_name_are_kept(clock, capsys, title):
    run_line(clock, callbacks.ProgressLine(title, epochs=100), [0], seconds=40)
    [line] = capsys.readouterr().out.splitlines()
    assert len(line) <= 80
    assert line.startswith("swish-")
    assert title[-6:] in line


def test_the_time_left_is_estimated_from_the_epochs_of_this_process_alone(clock, capsys):
    line = callbacks.ProgressLine("swish", epochs=6, first_epoch=3)
    run_line(clock, line, [3, 4, 5], seconds=10)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].endswith("· 20 s left")
    assert lines[1].endswith("· 10 s left")
    assert lines[2].endswith("· 12.3 s")
    assert "epoch 4/6" in lines[0]


def test_a_line_that_never_began_can_be_closed_too(clock):
    line = callbacks.ProgressLine("swish", 2)
    line.close()
    line.close()


def through_a_training(preload, steps=3):
    for batch in range(steps):
        preload.on_train_batch_end(batch)
    preload.on_train_end()


def test_logging_and_figures_are_prepared_once_in_a_thread_that_ends_with_the_training(monkeypatch):
    if hasattr(evaluation, "figures"):
        monkeypatch.setattr(evaluation, "figures", evaluation.figures)  # the import replaces it
    monkeypatch.delitem(sys.modules, "src.evaluation.figures", raising=False)
    threads = []
    through_a_training(callbacks.Preload(lambda: threads.append(threading.current_thread())))
    [thread] = threads
    assert thread is not threading.current_thread()
    assert not thread.is_alive()
    assert "src.evaluation.figures" in sys.modules


def test_a_failing_preparation_prints_nothing_and_without_steps_there_is_none(capfd):
    calls = []
    through_a_training(callbacks.Preload(lambda: calls.append(1) or 1 / 0), steps=0)
    assert not calls
    through_a_training(callbacks.Preload(lambda: calls.append(1) or 1 / 0))
    assert calls
    assert capfd.readouterr() == ("", "")


class Kept(keras.callbacks.Callback):
    """Keeps the history as the checkpoint does: one epoch was trained before an interruption."""

    def __init__(self):
        super().__init__()
        self.state = State(history=[{"epoch": 1, "val_accuracy": 0.1}])

    def on_epoch_end(self, epoch, logs=None):
        self.state.history.append({"epoch": epoch + 2, "val_accuracy": epoch / 10})


def test_a_training_stops_after_the_epoch_that_is_asked_for_with_all_accuracies_at_hand():
    model = keras.Sequential([keras.layers.Input((2,)), keras.layers.Dense(1)])
    model.compile(loss="mse")
    asked = []

    def early_stop(run_id, accuracies):
        asked.append((run_id, dict(accuracies)))
        return len(asked) == 2

    kept = Kept()
    watchers = [kept, callbacks.StopEarly(early_stop, "a run", kept.state)]
    x, y = np.zeros((4, 2)), np.zeros(4)
    history = model.fit(x, y, epochs=9, verbose=0, callbacks=watchers)
    assert len(history.epoch) == 2
    assert asked == [("a run", {1: 0.1, 2: 0.0}), ("a run", {1: 0.1, 2: 0.0, 3: 0.1})]

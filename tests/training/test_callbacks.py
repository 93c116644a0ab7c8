from types import SimpleNamespace

import keras
import numpy as np
import pytest

from src.runtime import metric_names
from src.training import activations, callbacks


class Clock(keras.callbacks.Callback):
    """A clock that a training step moves on by 1 second, a validation step by 100."""

    now = 0.0

    def on_train_batch_end(self, batch, logs=None):
        self.now += 1

    def on_test_batch_end(self, batch, logs=None):
        self.now += 100


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(callbacks, "time", SimpleNamespace(perf_counter=lambda: clock.now))
    return clock


def model(activation=None):
    keras.utils.set_random_seed(1)  # some other weights might diverge
    layers = [keras.Input((2,)), keras.layers.Dense(3), *([activation] if activation else [])]
    made = keras.Sequential([*layers, keras.layers.Dense(1)])
    made.compile(optimizer=keras.optimizers.SGD(0.05), loss="mse", run_eagerly=True)
    return made


X, Y = np.ones((12, 2), np.float32), np.ones((12, 1), np.float32)


def fitted(made, *others, epochs=2):
    return made.fit(
        X, Y, batch_size=4, epochs=epochs, validation_data=(X, Y), verbose=0, callbacks=[*others]
    ).history


def test_an_epochs_seconds_leave_out_its_validation(clock):
    logs = fitted(model(), clock, callbacks.EpochMetrics(12))
    assert logs[metric_names.EPOCH_SECONDS] == [3.0, 3.0]
    assert logs[metric_names.IMAGES_PER_SECOND] == [4.0, 4.0]


def test_without_a_validation_the_whole_epoch_counts(clock):
    made = model()
    logs = made.fit(
        X, Y, batch_size=4, verbose=0, callbacks=[clock, callbacks.EpochMetrics(12)]
    ).history
    assert logs[metric_names.EPOCH_SECONDS] == [3.0]


def test_the_logs_tell_the_rate_at_the_end_of_the_epoch(clock):
    made = model()
    schedule = keras.optimizers.schedules.PolynomialDecay(1.0, 6, 0.0)  # a line to zero
    made.compile(optimizer=keras.optimizers.SGD(schedule), loss="mse", run_eagerly=True)
    logs = fitted(made, clock, callbacks.EpochMetrics(12))
    assert logs[metric_names.LEARNING_RATE] == pytest.approx([0.5, 0.0])


def test_the_logs_tell_every_learned_beta(clock):
    activation = activations.SwishBeta(1.0, name="here")
    logs = fitted(model(activation), clock, callbacks.EpochMetrics(12))
    assert logs["beta/here"][-1] == float(activation.beta)
    assert len(set(logs["beta/here"]) - {1.0}) == 2


def test_the_log_is_given_plain_numbers_and_the_epoch_from_1(clock):
    given = []
    fitted(
        model(), clock, callbacks.EpochMetrics(12), callbacks.EpochLog(lambda *a: given.append(a))
    )
    assert [step for _, step in given] == [1, 2]
    for values, _ in given:
        assert {metric_names.LOSS, metric_names.VAL_LOSS, metric_names.EPOCH_SECONDS} <= set(values)
        assert {type(value) for value in values.values()} == {float}


LOGS = {
    metric_names.LOSS: 0.12345,
    metric_names.VAL_ACCURACY: 0.98765,
    metric_names.EPOCH_SECONDS: 12.34,
    metric_names.IMAGES_PER_SECOND: 3056.7,
}


def run_line(clock, line, epochs, seconds):
    line.on_train_begin()
    for epoch in epochs:
        line.on_epoch_begin(epoch)
        clock.now += seconds
        line.on_train_batch_end(0)
        line.on_epoch_end(epoch, LOGS)
    line.on_train_end()


def test_away_from_a_terminal_each_epoch_is_one_line(clock, capsys):
    line = callbacks.ProgressLine("swish-seed1", epochs=10, steps_per_epoch=5)
    run_line(clock, line, [0], seconds=10)
    assert capsys.readouterr().out == (
        "swish-seed1 · epoch  1/10 · loss 0.1235 · val_accuracy 0.9877 · 12.3 s"
        " · 3,057 images/s · 1 min 30 s left\n"
    )


def test_a_narrow_output_does_not_break_the_line(clock, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    run_line(clock, callbacks.ProgressLine("swish-seed1", 2, 5), [0, 1], seconds=1)
    assert len(capsys.readouterr().out.splitlines()) == 2


def test_the_time_left_is_estimated_from_the_epochs_of_this_process_alone(clock, capsys):
    line = callbacks.ProgressLine("swish", epochs=6, steps_per_epoch=5, first_epoch=3)
    run_line(clock, line, [3, 4, 5], seconds=10)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].endswith("· 20 s left")
    assert lines[1].endswith("· 10 s left")
    assert lines[2].endswith("images/s")
    assert "epoch 4/6" in lines[0]


def test_an_interrupted_line_can_be_closed_more_than_once(clock):
    line = callbacks.ProgressLine("swish", 2, 5)
    line.close()
    line.on_train_begin()
    line.close()
    line.close()

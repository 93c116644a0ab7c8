import keras
import numpy as np
import pytest

from src.core import metric_names
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

    class Stopwatch:
        def seconds(self):
            return clock.now

        def close(self):
            pass

    monkeypatch.setattr(callbacks, "Stopwatch", Stopwatch)
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


def test_the_logs_have_the_rate_at_the_end_of_the_epoch(clock):
    made = model()
    schedule = keras.optimizers.schedules.PolynomialDecay(1.0, 6, 0.0)  # a line to zero
    made.compile(optimizer=keras.optimizers.SGD(schedule), loss="mse", run_eagerly=True)
    logs = fitted(made, clock, callbacks.EpochMetrics(12))
    assert logs[metric_names.LEARNING_RATE] == pytest.approx([0.5, 0.0])


def test_the_logs_have_every_learned_beta(clock):
    activation = activations.SwishBeta(1.0, name="here")
    logs = fitted(model(activation), clock, callbacks.EpochMetrics(12))
    assert logs["beta/here"][-1] == float(activation.beta)
    assert len(set(logs["beta/here"]) - {1.0}) == 2

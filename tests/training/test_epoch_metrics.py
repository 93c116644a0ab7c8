import keras
import numpy as np
import pytest

from src.core import metric_names
from src.training import activations, fit


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

    monkeypatch.setattr(fit, "Stopwatch", Stopwatch)
    return clock


X, Y = np.ones((12, 2), np.float32), np.ones((12, 1), np.float32)


def logs(clock, *layers, rate=0.05, validated=True):
    """Return the history of two epochs of three steps."""
    keras.utils.set_random_seed(1)  # some other weights might diverge
    dense = keras.layers.Dense
    model = keras.Sequential([keras.Input((2,)), dense(3), *layers, dense(1)])
    model.compile(optimizer=keras.optimizers.SGD(rate), loss="mse", run_eagerly=True)
    how = {"validation_data": (X, Y) if validated else None, "verbose": 0}
    watchers = [clock, fit.EpochMetrics(12)]
    return model.fit(X, Y, batch_size=4, epochs=2, callbacks=watchers, **how).history


@pytest.mark.parametrize("validated", [True, False])
def test_an_epochs_seconds_leave_out_its_validation(clock, validated):
    found = logs(clock, validated=validated)
    assert found[metric_names.EPOCH_SECONDS] == [3.0, 3.0]
    assert found[metric_names.IMAGES_PER_SECOND] == [4.0, 4.0]


def test_the_logs_have_the_rate_at_the_end_of_the_epoch(clock):
    line = keras.optimizers.schedules.PolynomialDecay(1.0, 6, 0.0)  # to zero
    assert logs(clock, rate=line)[metric_names.LEARNING_RATE] == pytest.approx([0.5, 0.0])


def test_the_logs_have_every_learned_beta(clock):
    activation = activations.SwishBeta(1.0, name="here")
    betas = logs(clock, activation)["beta/here"]
    assert betas[-1] == float(activation.beta)
    assert len({1.0, *betas}) == 3

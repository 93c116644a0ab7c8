import time

import keras
import numpy as np
import pytest
import tensorflow as tf

from benchmarks import timed_evaluation


@pytest.fixture
def model(monkeypatch):
    for name in ("fit", "predict"):  # put back afterwards
        monkeypatch.setattr(keras.Model, name, getattr(keras.Model, name))
    made = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    made.compile(loss="mse")
    return made


class Slow(keras.callbacks.Callback):
    def on_test_batch_end(self, batch, logs=None):
        time.sleep(0.1)

    def on_train_batch_end(self, batch, logs=None):
        time.sleep(1)


def test_each_validation_of_a_fit_is_timed_and_the_training_is_not(model):
    spans = []
    timed_evaluation.install(spans)
    x, y = np.zeros((4, 2)), np.zeros((4, 1))

    model.fit(x, y, validation_data=(x, y), epochs=2, verbose=0, callbacks=[Slow()])

    assert len(spans) == 2
    assert 0.1 <= spans[1] < 1


def test_predictions_of_a_data_set_are_timed_and_those_of_an_array_are_not(model):
    spans = []
    timed_evaluation.install(spans)
    x = np.zeros((4, 2))

    assert model.predict(x, verbose=0).shape == (4, 1)
    assert spans == []
    assert model.predict(tf.data.Dataset.from_tensors(x), verbose=0).shape == (4, 1)
    assert len(spans) == 1
    assert spans[0] > 0

import json
import time

import keras
import numpy as np
import pytest
import tensorflow as tf

from benchmarks import probes, processes

HOLD = "import time; held = b'x' * {}_000_000; time.sleep(0.2)"


@pytest.fixture
def program(tmp_path, monkeypatch):
    """A function that writes a module `program` for the processes that a test starts."""
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return (tmp_path / "program.py").write_text


def test_a_command_has_its_seconds_and_its_peak_of_memory(program):
    peaks = []
    for size in (1, 101):
        program(HOLD.format(size))
        used = processes.answer("-m", "benchmarks.probes", "memory", "program", "--an", "argument")
        assert 0.2 < used[probes.SECONDS] < 60
        peaks.append(used[probes.MEGABYTES])
    assert 95 < peaks[1] - peaks[0] < 105


class Slow(keras.callbacks.Callback):
    def on_test_batch_end(self, batch, logs=None):
        time.sleep(0.1)

    def on_train_batch_end(self, batch, logs=None):
        time.sleep(1)


def test_validations_and_predictions_of_a_data_set_are_timed_and_nothing_else(monkeypatch):
    for name in ("fit", "predict"):  # put back afterwards
        monkeypatch.setattr(keras.Model, name, getattr(keras.Model, name))
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile(loss="mse")
    spans = []
    probes.time_evaluation(spans)
    x, y = np.zeros((4, 2)), np.zeros((4, 1))
    model.fit(x, y, validation_data=(x, y), epochs=2, verbose=0, callbacks=[Slow()])
    assert len(spans) == 2
    assert 0.1 <= spans[1] < 1
    model.predict(x, verbose=0)  # an array: that is MLflow's example
    assert len(spans) == 2
    model.predict(tf.data.Dataset.from_tensors(x), verbose=0)
    assert len(spans) == 3


def test_the_rate_is_that_of_the_second_epoch(processed, words, capsys, monkeypatch):
    from src.training import fit

    states, trained = [], fit.fit

    def watched(*given):
        states.append(given[4])
        return trained(*given)

    monkeypatch.setattr(fit, "fit", watched)
    words("step", "--steps", "3", "model=mlp", "model.units=[8]", "batch_size=300")
    probes.main()
    rate = json.loads(capsys.readouterr().out.splitlines()[-1])["images_per_second"]
    first, second = (epoch["images_per_second"] for epoch in states[0].history)
    assert rate == second != first

import json
import time

import keras
import numpy as np
import tensorflow as tf

from benchmarks import probes, processes
from src.training import fit

HOLD = "import time; held = b'x' * {}_000_000; time.sleep(0.2)"


def test_a_command_has_its_seconds_and_its_peak_of_memory(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    peaks = []
    for size in (1, 101):
        (tmp_path / "program.py").write_text(HOLD.format(size))
        used = processes.answer("-m", "benchmarks.probes", "memory", "program", "--an", "argument")
        assert 0.2 < used[probes.SECONDS] < 60
        peaks.append(used[probes.MEGABYTES])
    assert 95 < peaks[1] - peaks[0] < 105


def test_validations_and_predictions_of_a_data_set_are_timed_and_nothing_else(monkeypatch):
    for name in ("fit", "predict"):  # put back afterwards
        monkeypatch.setattr(keras.Model, name, getattr(keras.Model, name))
    slow = keras.callbacks.LambdaCallback()
    slow.on_test_batch_end = lambda batch, logs=None: time.sleep(0.1)
    slow.on_train_batch_end = lambda batch, logs=None: time.sleep(1)
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile(loss="mse")
    spans = []
    probes.time_evaluation(spans)
    x, y = np.zeros((4, 2)), np.zeros((4, 1))
    model.fit(x, y, validation_data=(x, y), epochs=2, verbose=0, callbacks=[slow])
    assert len(spans) == 2
    assert 0.1 <= spans[1] < 1
    model.predict(x, verbose=0)  # an array: that is MLflow's example
    assert len(spans) == 2
    model.predict(tf.data.Dataset.from_tensors(x), verbose=0)
    assert len(spans) == 3


def test_the_rate_is_that_of_the_second_epoch(processed, words, capsys, monkeypatch):
    states, trained = [], fit.fit
    monkeypatch.setattr(fit, "fit", lambda *given: states.append(given[4]) or trained(*given))
    words("step", "--steps", "3", "model=mlp", "model.units=[8]", "batch_size=300")
    probes.main()
    rate = json.loads(capsys.readouterr().out.splitlines()[-1])["images_per_second"]
    first, second = (epoch["images_per_second"] for epoch in states[0].history)
    assert rate == second != first

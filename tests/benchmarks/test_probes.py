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


def test_a_command_that_holds_more_memory_has_the_higher_peak(program):
    peaks = []
    for size in (1, 101):
        program(HOLD.format(size))
        used = processes.answer("-m", "benchmarks.probes", "memory", "program")
        peaks.append(used[probes.MEGABYTES])

    assert 95 < peaks[1] - peaks[0] < 105


def test_the_seconds_are_those_of_the_whole_command(program, words, capsys):
    program(HOLD.format(1))
    words("memory", "program", "--with", "arguments")

    probes.main()

    assert 0.2 < json.loads(capsys.readouterr().out)[probes.SECONDS] < 60


def test_a_command_that_fails_gives_no_figures(program, words, capsys):
    program("raise SystemExit(3)")
    words("memory", "program")

    with pytest.raises(SystemExit, match="1"):
        probes.main()

    assert capsys.readouterr().out == ""


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
    probes.time_evaluation(spans)
    x, y = np.zeros((4, 2)), np.zeros((4, 1))

    model.fit(x, y, validation_data=(x, y), epochs=2, verbose=0, callbacks=[Slow()])

    assert len(spans) == 2
    assert 0.1 <= spans[1] < 1


def test_predictions_of_a_data_set_are_timed_and_those_of_an_array_are_not(model):
    spans = []
    probes.time_evaluation(spans)
    x = np.zeros((4, 2))

    assert model.predict(x, verbose=0).shape == (4, 1)
    assert spans == []
    assert model.predict(tf.data.Dataset.from_tensors(x), verbose=0).shape == (4, 1)
    assert len(spans) == 1
    assert spans[0] > 0


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
    [state] = states
    first, second = (epoch["images_per_second"] for epoch in state.history)
    assert rate == second != first

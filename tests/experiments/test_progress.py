from types import SimpleNamespace

import numpy as np
import pytest

from src.runtime import metric_names
from src.experiments import progress


@pytest.fixture
def clock(monkeypatch):
    clock = SimpleNamespace(now=0.0)
    monkeypatch.setattr(progress, "time", SimpleNamespace(perf_counter=lambda: clock.now))
    return clock


def test_the_log_is_given_plain_numbers_and_the_epoch_from_1():
    given = []
    log = progress.EpochLog(lambda *values: given.append(values))
    for epoch in range(2):
        log.on_epoch_end(epoch, {metric_names.LOSS: np.float32(0.5)})
    assert given == [({metric_names.LOSS: 0.5}, 1), ({metric_names.LOSS: 0.5}, 2)]
    assert type(given[0][0][metric_names.LOSS]) is float


LOGS = {
    metric_names.LOSS: 0.12345,
    metric_names.VAL_ACCURACY: 0.98765,
    metric_names.EPOCH_SECONDS: 12.34,
    metric_names.IMAGES_PER_SECOND: 3056.7,
}


def run_line(clock, line, epochs, seconds):
    line.set_params({"steps": 5})
    line.on_train_begin()
    for epoch in epochs:
        line.on_epoch_begin(epoch)
        clock.now += seconds
        line.on_train_batch_end(0)
        line.on_epoch_end(epoch, LOGS)
    line.on_train_end()


def test_away_from_a_terminal_each_epoch_is_one_line(clock, capsys):
    line = progress.ProgressLine("swish-seed1", epochs=10)
    run_line(clock, line, [0], seconds=10)
    assert capsys.readouterr().out == (
        "swish-seed1 · epoch  1/10 · val_acc 0.9877 · 12.3 s · 1 min 30 s left\n"
    )


@pytest.mark.parametrize(
    "title", ["swish-seed1", "swish-lenet5-learning_rate=0.02-epochs=100-seed12"]
)
def test_a_line_fits_80_columns_and_ends_of_its_name_are_kept(clock, capsys, title):
    run_line(clock, progress.ProgressLine(title, epochs=100), [0], seconds=40)
    [line] = capsys.readouterr().out.splitlines()
    assert len(line) <= 80
    assert line.startswith("swish-")
    assert title[-6:] in line


def test_a_narrow_output_does_not_break_the_line(clock, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    run_line(clock, progress.ProgressLine("swish-seed1", 2), [0, 1], seconds=1)
    assert len(capsys.readouterr().out.splitlines()) == 2


def test_the_time_left_is_estimated_from_the_epochs_of_this_process_alone(clock, capsys):
    line = progress.ProgressLine("swish", epochs=6, first_epoch=3)
    run_line(clock, line, [3, 4, 5], seconds=10)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].endswith("· 20 s left")
    assert lines[1].endswith("· 10 s left")
    assert lines[2].endswith("· 12.3 s")
    assert "epoch 4/6" in lines[0]


def test_an_interrupted_line_can_be_closed_more_than_once(clock):
    line = progress.ProgressLine("swish", 2)
    line.close()
    line.set_params({"steps": 5})
    line.on_train_begin()
    line.close()
    line.close()

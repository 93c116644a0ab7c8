from argparse import ArgumentParser
from contextlib import nullcontext

import pytest

from benchmarks import processes, time_to_accuracy
from benchmarks.processes import Training


@pytest.mark.parametrize(
    ("theirs", "goal", "printed"),
    [
        (0.98, 0.995, "epochs=1: 0.99000 ± 0.00000, goal ≥ 0.995 missed"),
        (0.98, None, "goal ≥ 0.98 met"),
        (None, None, "goal not known"),  # before the reference is trained to its end
    ],
)
def test_both_sides_train_interleaved_with_every_seed(
    theirs, goal, printed, monkeypatch, capsys, tmp_path
):
    started = []

    def train(*words):
        started.append(words)
        return Training(2.0, 0.99) if "epochs=1" in words else Training(10.0, theirs)

    monkeypatch.setattr(processes, "train", train)
    parser = ArgumentParser()
    time_to_accuracy.add_arguments(parser, experiment="default", seeds=[1, 2])
    reference = time_to_accuracy.Reference("theirs", train, (), 0.25, goal)
    given = parser.parse_args(["--seeds", "3", "5", "--overrides", "epochs=1"])
    time_to_accuracy.compare("A title", given, reference, nullcontext(tmp_path))
    ours = "experiment=default", "epochs=1"
    assert started[:2] == [(tmp_path, 3), (tmp_path, *ours, "seed=3")]
    assert started[2:] == [(tmp_path, 5), (tmp_path, *ours, "seed=5")]
    text = capsys.readouterr().out
    assert "0.20 (0.20–0.20)   ≤ 0.25 met" in text
    assert ("theirs: 0.98000 ± 0.00000" in text) == (theirs is not None)
    assert printed in text


@pytest.mark.parametrize(
    ("epochs", "total"),
    [([50.0, 2.0], 60.0), ([50.0, 2.0, 9.0, 3.0], 90.0), ([50.0] + [2.0] * 29, 108.0)],
)
def test_two_epochs_stand_for_all_without_the_first_that_compiles(epochs, total):
    assert time_to_accuracy.seconds(epochs) == total

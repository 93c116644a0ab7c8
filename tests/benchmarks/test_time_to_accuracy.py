from argparse import ArgumentParser
from contextlib import nullcontext

import pytest

from benchmarks import processes, sprint, time_to_accuracy
from benchmarks.processes import Training
from src.core import metric_names
from src.core.errors import InputError


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


@pytest.mark.parametrize(("epochs", "accuracy"), [(2, None), (30, 0.9)])
def test_a_kernels_accuracy_counts_at_its_end_only(monkeypatch, tmp_path, epochs, accuracy):
    def answer(*words, folder):
        assert words[2:] == ("fifteen_cnns", "--epochs", str(epochs), "--seed", "4")
        return {metric_names.EPOCH_SECONDS: [1.0] * epochs, metric_names.TEST_ACCURACY: 0.9}

    monkeypatch.setattr(processes, "answer", answer)
    training = time_to_accuracy.train_kernel("fifteen_cnns", epochs, tmp_path, seed=4)
    assert training == Training(30.0, accuracy)


def test_the_command_compares_with_the_named_kernel_and_the_sprint_with_pytorch(words, monkeypatch):
    compared = []
    monkeypatch.setattr(time_to_accuracy, "compare", lambda *given: compared.append(given[1:3]))
    words("--reference", "fifteen_cnns", "--reference-epochs", "30")
    time_to_accuracy.main()
    words("--overrides", "epochs=2")
    sprint.main()
    (_, kernel), (given, fast) = compared
    assert (kernel.name, kernel.ratio, kernel.accuracy) == ("fifteen_cnns, 30 epochs", 0.25, None)
    assert (given.experiment, given.overrides, fast.accuracy) == ("sprint", ["epochs=2"], 0.99)
    words("--reference-epochs", "1")
    with pytest.raises(InputError, match="must be 2 or more"):
        time_to_accuracy.main()

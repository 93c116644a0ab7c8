from argparse import ArgumentParser
from contextlib import nullcontext

import pytest

from benchmarks import processes, time_to_accuracy
from benchmarks.processes import Training
from src.runtime import metric_names
from src.runtime.errors import InputError


@pytest.fixture
def compare(monkeypatch, capsys, tmp_path):
    """A function that compares trainings of 2 s with a reference's of 10 s, and returns what was
    printed; `started` lists the trainings.
    """
    started = []

    def train(folder, *overrides):
        started.append((folder, *overrides))
        return Training(2.0, 0.99)

    def compared(*words, their_accuracy, accuracy=None):
        def train_reference(folder, seed):
            started.append((folder, seed))
            return Training(10.0, their_accuracy)

        parser = ArgumentParser()
        time_to_accuracy.add_arguments(parser, experiment="default", seeds=[1, 2])
        reference = time_to_accuracy.Reference("theirs", train_reference, (), 0.25, accuracy)
        given = parser.parse_args(words)
        time_to_accuracy.compare("A title", given, reference, nullcontext(tmp_path))
        return capsys.readouterr().out

    monkeypatch.setattr(processes, "train", train)
    compared.started = started
    return compared


def test_both_sides_train_interleaved_with_every_seed(compare, tmp_path):
    compare("--seeds", "3", "5", "--overrides", "epochs=1", their_accuracy=0.98)

    assert compare.started == [
        (tmp_path, 3),
        (tmp_path, "experiment=default", "epochs=1", "seed=3"),
        (tmp_path, 5),
        (tmp_path, "experiment=default", "epochs=1", "seed=5"),
    ]


def test_the_table_has_the_ratio_of_the_seconds_and_both_accuracies(compare):
    text = compare(their_accuracy=0.98, accuracy=0.995)

    assert "0.20 (0.20–0.20)   ≤ 0.25 met" in text
    assert "theirs: 0.98000 ± 0.00000" in text
    assert "experiment=default: 0.99000 ± 0.00000, goal ≥ 0.995 missed" in text


def test_without_a_goal_the_references_own_accuracy_is_the_goal(compare):
    assert "goal ≥ 0.98 met" in compare(their_accuracy=0.98)


def test_the_goal_is_not_known_before_the_reference_is_trained_to_its_end(compare):
    text = compare(their_accuracy=None)

    assert "theirs:" not in text
    assert "goal not known" in text


def test_two_epochs_stand_for_all_without_the_first_that_compiles():
    assert time_to_accuracy.seconds([50.0, 2.0]) == 60.0
    assert time_to_accuracy.seconds([50.0, 2.0, 9.0, 3.0]) == 90.0


def test_a_whole_training_is_the_sum_of_its_epochs():
    assert time_to_accuracy.seconds([50.0] + [2.0] * 29) == 108.0


@pytest.mark.parametrize(("epochs", "accuracy"), [(2, None), (30, 0.9)])
def test_a_kernels_accuracy_counts_at_its_end_only(monkeypatch, tmp_path, epochs, accuracy):
    def answer(*words, folder):
        assert words[2:] == ("fifteen_cnns", "--epochs", str(epochs), "--seed", "4")
        assert folder == tmp_path
        return {metric_names.EPOCH_SECONDS: [1.0] * epochs, metric_names.TEST_ACCURACY: 0.9}

    monkeypatch.setattr(processes, "answer", answer)

    training = time_to_accuracy.train_kernel("fifteen_cnns", epochs, tmp_path, seed=4)

    assert training == Training(30.0, accuracy)


def test_one_epoch_of_the_reference_is_refused(words):
    words("--reference-epochs", "1")

    with pytest.raises(InputError, match="must be 2 or more"):
        time_to_accuracy.main()


def test_the_command_compares_with_the_kernel_that_it_is_told(words, monkeypatch):
    asked = []
    monkeypatch.setattr(time_to_accuracy, "compare", lambda *given: asked.append(given[2]))
    monkeypatch.setattr(time_to_accuracy, "train_kernel", lambda *given: given)
    words("--reference", "fifteen_cnns", "--reference-epochs", "30")

    time_to_accuracy.main()

    [reference] = asked
    assert reference.name == "fifteen_cnns, 30 epochs"
    assert reference.train("folder", 7) == ("fifteen_cnns", 30, "folder", 7)
    assert (reference.ratio, reference.accuracy) == (0.25, None)

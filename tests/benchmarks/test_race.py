import pytest

from benchmarks import projects, race
from benchmarks.projects import Training
from src.runtime.errors import InputError


@pytest.fixture
def hold(monkeypatch, capsys, tmp_path):
    """A function that holds a race of 2 s against 10 s, and returns what was printed."""
    started = []

    def train(folder, *overrides):
        started.append(overrides)
        return Training(2.0, 0.99)

    def reference(seed, accuracy):
        started.append(seed)
        return Training(10.0, accuracy)

    def held(*words, their_accuracy, **goals):
        given = race.arguments("", experiment="default", seeds=[1, 2]).parse_args(words)
        theirs = lambda seed: reference(seed, their_accuracy)  # noqa: E731 (a stand-in)
        race.run("A title", "A machine", given, tmp_path, "theirs", theirs, **goals)
        return capsys.readouterr().out

    monkeypatch.setattr(projects, "train", train)
    held.started = started
    return held


def test_both_sides_train_in_turn_with_every_seed(hold):
    words = ("--seeds", "3", "5", "--overrides", "epochs=1")
    hold(*words, their_accuracy=0.98, ratio=0.25, accuracy=0.5)

    assert hold.started == [
        3,
        ("experiment=default", "epochs=1", "seed=3"),
        5,
        ("experiment=default", "epochs=1", "seed=5"),
    ]


def test_a_mistake_in_the_overrides_is_refused_before_anything_trains(hold):
    with pytest.raises(InputError, match="epohcs"):
        hold("--overrides", "epohcs=1", their_accuracy=0.98, ratio=0.25, accuracy=0.5)
    assert hold.started == []


def test_the_table_has_the_ratio_of_the_seconds_and_both_accuracies(hold):
    text = hold(their_accuracy=0.98, ratio=0.25, accuracy=0.995)

    assert "0.20 (0.20–0.20)   ≤ 0.25 met" in text
    assert "theirs: 0.98000 ± 0.00000" in text
    assert "experiment=default: 0.99000 ± 0.00000, goal ≥ 0.995 missed" in text


def test_without_a_goal_the_references_own_accuracy_is_the_goal(hold):
    assert "goal ≥ 0.98 met" in hold(their_accuracy=0.98, ratio=0.25, accuracy=None)


def test_the_goal_is_not_known_before_the_reference_is_trained_to_its_end(hold):
    text = hold(their_accuracy=None, ratio=0.25, accuracy=None)

    assert "theirs:" not in text
    assert "goal not known" in text

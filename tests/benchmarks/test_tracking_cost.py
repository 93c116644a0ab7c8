from pathlib import Path

from benchmarks import projects, tracking_cost
from benchmarks.projects import Process


def process(seconds, train_seconds):
    return Process(seconds, train_seconds, "", Path())


def test_the_difference_is_held_against_two_percent_of_the_training_and_five_seconds():
    tracked, untracked = process(118, 101), process(111, 100)

    *_, allowed, difference = tracking_cost.rows([tracked], [untracked])

    assert allowed.values == [7.0]
    assert difference.values == [7]
    assert difference.goal.is_met(difference.ratios[0])


def test_a_dearer_tracking_misses_the_goal():
    difference = tracking_cost.rows([process(119, 101)], [process(111, 100)])[-1]

    assert not difference.goal.is_met(difference.ratios[0])


def test_both_sides_train_with_the_same_overrides(processed, words, monkeypatch, capsys):
    asked = []

    def stand_in(folder, *overrides, module):
        asked.append((module, overrides))
        return process(20 + 4 * (module == "src.train"), 10)

    monkeypatch.setattr(projects, "process", stand_in)
    words("--epochs", "2", "--rounds", "1", "--overrides", "model=mlp")

    tracking_cost.main()

    overrides = ("epochs=2", "model=mlp")
    assert asked == [("benchmarks.untracked", overrides), ("src.train", overrides)]
    row = next(line for line in capsys.readouterr().out.splitlines() if "difference" in line)
    assert row.split()[1] == "4.00"
    assert "met" in row


def test_the_progress_says_the_wall_time_and_the_trainings():
    assert str(process(20, 10.25)) == "20.0 s, of it training 10.2 s"

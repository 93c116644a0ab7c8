from pathlib import Path

import pytest

from benchmarks import processes, tracking_cost
from benchmarks.processes import TrainingProcess
from src.runtime import paths


def process(wall_seconds, seconds):
    return TrainingProcess(seconds, wall_seconds=wall_seconds, out=Path(), printed="")


def test_the_difference_is_held_against_two_percent_of_the_training_and_five_seconds():
    tracked, untracked = process(118, 101), process(111, 100)

    *_, allowed, difference = tracking_cost.rows([tracked], [untracked])

    assert allowed.values == [7.0]
    assert difference.values == [7]
    assert difference.goal.is_met(difference.ratios[0])


def test_a_costlier_tracking_misses_the_goal():
    difference = tracking_cost.rows([process(119, 101)], [process(111, 100)])[-1]

    assert not difference.goal.is_met(difference.ratios[0])


def test_the_two_sides_differ_by_the_setting_alone(processed, words, monkeypatch, capsys):
    asked = []

    def stand_in(folder, *overrides):
        asked.append(overrides)
        return process(24 - 4 * (tracking_cost.UNTRACKED in overrides), 10)

    monkeypatch.setattr(processes, "train", stand_in)
    words("--epochs", "2", "--rounds", "1", "--overrides", "model=mlp")

    tracking_cost.main()

    overrides = ("epochs=2", "model=mlp")
    assert asked == [(*overrides, "mlflow.enabled=false"), overrides]
    row = next(line for line in capsys.readouterr().out.splitlines() if "difference" in line)
    assert row.split()[1] == "4.00"
    assert "met" in row


def test_the_progress_gives_the_wall_time_and_the_trainings():
    assert str(process(20, 10.25)) == "20.0 s, 10.2 s of training"


@pytest.mark.slow
def test_an_untracked_training_leaves_a_model_and_no_store(processed):
    tiny = ("model=mlp", "model.units=[8]", "epochs=1", "batch_size=64")
    with processes.project_with_our_data() as folder:
        done = processes.train(folder, *tiny, tracking_cost.UNTRACKED)
        assert (done.out / paths.MODEL).is_file()
        assert not list(folder.glob("ml*"))

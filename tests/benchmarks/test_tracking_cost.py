from pathlib import Path

import pytest

from benchmarks import tracking_cost
from benchmarks.processes import TrainingProcess


def process(wall_seconds, seconds):
    return TrainingProcess(seconds, wall_seconds=wall_seconds, out=Path(), printed="")


@pytest.mark.parametrize(("wall_seconds", "met"), [(118, True), (119, False)])
def test_the_goal_of_the_difference_is_two_percent_of_the_training_and_five_seconds(
    wall_seconds, met
):
    *_, allowed, difference = tracking_cost.rows([process(wall_seconds, 101)], [process(111, 100)])
    assert allowed.values == [7.0]
    assert difference.values == [wall_seconds - 111]
    assert difference.goal.is_met(difference.ratios[0]) == met

from math import nan

import pytest

from benchmarks import harness, throughput
from src.core.errors import InputError


def test_ratios_are_to_pytorchs_best_and_the_goal_is_our_bests():
    rates = {
        "8: ours float32": [100.0, 100.0],
        "8: ours mixed_bfloat16": [220.0, 220.0],
        "8: PyTorch float32": [110.0, 50.0],
        "8: PyTorch bfloat16": [200.0, 100.0],
        "8: PyTorch compile": [nan, nan],
    }
    *rows, failed = throughput.rows(rates)
    assert [row.ratios for row in rows[1:]] == [[1.1, 2.2], [0.55, 0.5], [1.0, 1.0]]
    assert [row.goal for row in rows] == [None, throughput.GOAL, None, None]
    assert failed == harness.Row("8: PyTorch compile: does not run here", [])
    with pytest.raises(InputError, match="nothing to compare"):
        throughput.rows({"8: ours float32": [2.0], "8: PyTorch a": [nan]})

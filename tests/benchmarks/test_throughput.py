from math import isnan, nan

import pytest

from benchmarks import harness, processes, throughput
from src.runtime.errors import InputError


def refuse(*words):
    raise InputError("It does not compile.")


def test_there_is_a_measurement_for_each_precision_and_each_of_pytorchs_variants():
    names = list(throughput.measurements("relu", 86, 100))

    assert names[:2] == ["86: ours float32", "86: ours mixed_bfloat16"]
    assert len(names) == len(set(names)) == 2 + 8
    assert names[-1] == "86: PyTorch bfloat16 channels-last compile"


def test_each_measurement_asks_a_process_for_its_own_variant(monkeypatch):
    asked = []
    monkeypatch.setattr(
        processes, "answer", lambda *words: asked.append(words) or {"images_per_second": 7.0}
    )

    for measure in throughput.measurements("swish", 256, 9).values():
        assert measure() == 7.0

    assert "activation=swish" in asked[0]
    assert "batch_size=256" in asked[0]
    assert asked[-1][-4:] == ("--precision", "bfloat16", "--channels-last", "--compile")


def test_ratios_are_to_pytorchs_best_and_the_goal_is_our_bests():
    mine, mine_bf16, slow, fast = throughput.rows(
        {
            "8: ours float32": [100.0, 100.0],
            "8: ours mixed_bfloat16": [220.0, 220.0],
            "8: PyTorch float32": [110.0, 50.0],
            "8: PyTorch bfloat16": [200.0, 100.0],
        }
    )

    assert mine_bf16.ratios == [1.1, 2.2]
    assert mine_bf16.goal == throughput.GOAL
    assert slow.ratios == [0.55, 0.5]
    assert fast.ratios == [1.0, 1.0]
    assert mine.goal is slow.goal is fast.goal is None


def test_a_variant_that_fails_is_named_in_the_table_and_left_out(monkeypatch):
    monkeypatch.setattr(processes, "answer", refuse)
    assert isnan(throughput.rate("any"))

    *_, failed = throughput.rows(
        {"8: ours float32": [2.0], "8: PyTorch a": [1.0], "8: PyTorch b": [nan]}
    )

    assert failed == harness.Row("8: PyTorch b: does not run here", [])


def test_nothing_to_compare_is_one_sentence():
    with pytest.raises(InputError, match="nothing to compare"):
        throughput.rows({"8: ours float32": [2.0], "8: PyTorch a": [nan]})

import time

import pytest

from benchmarks import peak, projects, turns


def test_a_time_is_the_median_of_at_least_three_calls(monkeypatch):
    monkeypatch.setattr(peak, "BUDGET", 0)
    calls = []

    def function():
        calls.append(None)
        time.sleep((0.01, 0.3, 0.02)[len(calls) - 1])

    assert 20 <= peak.milliseconds(function) < 300
    assert len(calls) == 3


def test_the_peak_is_the_best_of_the_sizes(monkeypatch):
    monkeypatch.setattr(peak, "SIZES", (16, 32))
    monkeypatch.setattr(peak, "milliseconds", lambda function, choose: function() is not None)

    assert peak.peak("bfloat16")() == pytest.approx(2 * 32**3 / 1e6)


def test_small_parts_share_a_row_and_the_rest_is_what_no_part_accounts_for():
    rows = peak.shares([100.0, 200.0], {"conv": [60.0, 70.0], "a": [0.5, 0.5], "b": [0.2, 0.3]})

    assert rows == [
        turns.Row(peak.STEP, [100.0, 200.0]),
        turns.Row("conv", [60.0, 70.0], [100.0, 200.0]),
        turns.Row("2 more", [0.7, 0.8], [100.0, 200.0]),
        turns.Row("the rest", [pytest.approx(39.3), pytest.approx(129.2)], [100.0, 200.0]),
    ]


@pytest.mark.slow
def test_the_command_prints_the_share_of_the_peak_and_the_parts(
    processed, words, monkeypatch, capsys
):
    monkeypatch.setattr(peak, "SIZES", (64,))
    monkeypatch.setattr(peak, "BUDGET", 0)
    words("--rounds", "1", "--steps", "2", "--batch-size", "4")
    monkeypatch.setenv("PYTHONPATH", str(projects.ROOT))

    peak.main()

    text = capsys.readouterr().out
    assert text.startswith("GFLOP/s in float32 at batch 4")
    assert "≥ 0.75" in text
    assert "Conv2D 5×5 32→32" in text
    assert "the rest" in text

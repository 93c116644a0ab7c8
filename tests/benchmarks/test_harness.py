from functools import partial

import pytest
from rich.console import Console

from benchmarks import harness
from src.core.errors import InputError


def printed(row):
    console = Console(width=harness.WIDTH)
    with console.capture() as capture:
        console.print(harness.table([row]))
    return capture.get()


@pytest.mark.parametrize(("rotate", "order"), [(False, "abcabcabc"), (True, "abcbcacab")])
def test_measurements_are_interleaved_and_every_result_is_kept(rotate, order, capsys):
    calls = []
    measurements = {name: partial(calls.append, name) for name in "abc"}
    results = harness.interleave(measurements, 3, describe=str, rotate=rotate)
    assert calls == [*order]
    assert results == {name: [None] * 3 for name in "abc"}
    first, *_, last = capsys.readouterr().err.splitlines()
    assert first.startswith("round 1/3 · a · None · ")
    assert last.endswith(" · 0:00:00 left")
    with pytest.raises(InputError, match="0 rounds"):
        harness.interleave({"a": pytest.fail}, 0)


def test_a_ratio_is_of_one_round_and_the_median_is_of_the_ratios():
    row = harness.Row("ours", [2.0, 30.0, 5.0], [1.0, 10.0, 10.0])
    assert row.ratios == [2.0, 3.0, 0.5]
    assert printed(row).splitlines()[3].split()[:4] == ["ours", "5.00", "2.00", "30.0"]
    assert "2.00 (0.50–3.00)" in printed(row)


@pytest.mark.parametrize(
    ("theirs", "goal", "verdict"),
    [
        ([20.0], harness.at_most(0.5), "≤ 0.5 met"),
        ([20.0], harness.at_least(0.6), "≥ 0.6 missed"),
        (None, harness.at_least(10), "≥ 10 met"),
    ],
)
def test_the_goal_is_for_the_ratio_and_without_a_reference_for_the_value(theirs, goal, verdict):
    assert verdict in printed(harness.Row("a", [10.0], theirs, goal))

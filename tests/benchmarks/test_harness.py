from functools import partial

import pytest
from rich.console import Console

from benchmarks import harness
from src.runtime.errors import InputError


def printed(rows):
    console = Console(width=harness.WIDTH)
    with console.capture() as capture:
        console.print(harness.table(rows))
    return capture.get()


def test_measurements_are_interleaved_and_every_result_is_kept(capsys):
    calls = []

    def measurement(name):
        return lambda: calls.append(name) or len(calls)

    results = harness.interleave({"a": measurement("a"), "b": measurement("b")}, rounds=3)

    assert calls == ["a", "b"] * 3
    assert results == {"a": [1, 3, 5], "b": [2, 4, 6]}
    assert len(capsys.readouterr().err.splitlines()) == 6


@pytest.mark.parametrize("rounds", [0, -1])
def test_without_a_round_nothing_is_measured(rounds):
    with pytest.raises(InputError, match=f"{rounds} rounds"):
        harness.interleave({"a": pytest.fail}, rounds)


def test_in_rotated_order_each_round_begins_with_the_next_measurement():
    calls = []
    harness.interleave(
        {name: partial(calls.append, name) for name in "abc"}, 3, describe=str, rotate=True
    )

    assert calls == [*"abc", *"bca", *"cab"]


def test_the_progress_line_gives_the_round_the_result_and_the_time_left(capsys):
    harness.interleave(
        {"a": lambda: {"seconds": 2}}, rounds=2, describe=lambda result: f"{result['seconds']} s"
    )

    first, last = capsys.readouterr().err.splitlines()
    assert first == "round 1/2 · a · 2 s · 0:00:00 left"
    assert last.startswith("round 2/2")


def test_a_ratio_is_of_one_round_and_the_median_is_of_the_ratios():
    row = harness.Row("ours", [2.0, 30.0, 5.0], [1.0, 10.0, 10.0])

    assert row.ratios == [2.0, 3.0, 0.5]
    assert "2.00 (0.50–3.00)" in printed([row])


def test_a_reference_with_another_number_of_rounds_is_refused():
    with pytest.raises(ValueError, match="shorter"):
        harness.Row("ours", [1.0, 2.0], [1.0]).ratios  # noqa: B018 (a property that computes)


def test_the_table_shows_median_smallest_and_largest_value():
    assert printed([harness.Row("ours", [4.0, 1.0, 2.0])]).splitlines()[3].split() == (
        ["ours", "2.00", "1.00", "4.00"]
    )


def test_the_goal_is_for_the_ratio_and_without_a_reference_for_the_value():
    values = [10.0, 10.0]
    met, missed, value = (
        harness.Row("a", values, [20.0, 20.0], harness.at_most(0.5)),
        harness.Row("b", values, [20.0, 20.0], harness.at_least(0.6)),
        harness.Row("c", values, goal=harness.at_least(10)),
    )

    assert "≤ 0.5 met" in printed([met])
    assert "≥ 0.6 missed" in printed([missed])
    assert "≥ 10 met" in printed([value])


def test_the_table_keeps_its_width_with_long_names():
    rows = [
        harness.Row("a name of many words " * 5, [1e6, 2e6], [1.0, 1.0], harness.at_most(12345))
    ]

    assert max(map(len, printed(rows).splitlines())) <= harness.WIDTH


def test_the_conditions_name_threads_and_versions(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    monkeypatch.delenv("TF_NUM_INTRAOP_THREADS", raising=False)

    text = harness.conditions("keras")

    assert "OMP_NUM_THREADS=7" in text
    assert "TF_NUM_INTRAOP_THREADS=default" in text
    assert "keras 3." in text


def test_a_missing_package_is_one_sentence_that_says_what_to_install():
    with pytest.raises(InputError, match=r"no-such-package is not installed.*--extra benchmark"):
        harness.conditions("no-such-package")


@pytest.mark.parametrize(
    ("value", "text"),
    [(1234.5, "1,234"), (56.78, "56.8"), (1.031, "1.03"), (0.25, "0.25"), (0.0512, "0.051")],
)
def test_a_figure_has_its_significant_digits(value, text):
    assert harness.number(value) == text


def test_the_help_shows_the_default_of_every_option_that_has_one(capsys):
    parser = harness.parser("peak", "What it is.\n\nMore of it.", rounds=7)
    parser.add_argument("--sizes", nargs="+", default=[86, 256], help="images per step")
    parser.add_argument("--overrides", nargs="+", default=[], help="such as epochs=1")

    with pytest.raises(SystemExit):
        parser.parse_args(["--help"])

    text = " ".join(capsys.readouterr().out.split())
    assert text.startswith("usage: python -m benchmarks.peak ")
    assert "What it is. options:" in text
    assert "measurements of each (default: 7)" in text
    assert "images per step (default: 86 256)" in text
    assert text.endswith("such as epochs=1")

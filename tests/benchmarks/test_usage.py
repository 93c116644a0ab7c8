import json

import pytest

from benchmarks import turns, usage

HOLD = "import time; held = b'x' * {}_000_000; time.sleep(0.2)"


def test_a_command_that_holds_more_memory_has_the_higher_peak():
    small, large = (
        turns.answer("-m", "benchmarks.usage", "-c", HOLD.format(size))[usage.MEGABYTES]
        for size in (1, 101)
    )

    assert 95 < large - small < 105


def test_the_seconds_are_those_of_the_whole_command(words, capsys):
    words("-c", HOLD.format(1))

    usage.main()

    assert 0.2 < json.loads(capsys.readouterr().out)[usage.SECONDS] < 60


def test_a_command_that_fails_gives_no_figures(words, capsys):
    words("-c", "raise SystemExit(3)")

    with pytest.raises(SystemExit, match="1"):
        usage.main()

    assert capsys.readouterr().out == ""

import re

import pytest

from src.runtime.command_line import no_arguments
from tests.support.commands import ROOT, files, run


def test_no_arguments_are_taken_in_silence(capsys):
    no_arguments("fetch", "What it does.", [], reads="a", writes="b", example="c")
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("command", ["fetch", "preprocess", "predict", "summary", "check"])
def test_a_stage_tells_what_it_does_and_does_nothing(project, command, no_heavy_imports):
    before = files(project)
    helped = run(project, f"src.{command}", "--help", PYTHONPATH=path(no_heavy_imports))
    assert (helped.returncode, helped.stderr) == (0, "")
    assert re.search(f"python -m src.{command}.*reads: ", helped.stdout, re.DOTALL)
    refused = run(project, f"src.{command}", "epochs=1", PYTHONPATH=path(no_heavy_imports))
    assert refused.returncode == 2
    assert "unrecognized arguments: epochs=1" in refused.stderr
    assert files(project) == before


COMMANDS = (
    "check",
    "compare",
    "fetch",
    "preprocess",
    "train",
    "predict",
    "study",
    "search",
    "report",
    "submit",
    "summary",
    "promote",
    "serve",
    "demo",
    "ui",
    "migrate",
)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_says_what_it_reads_and_writes_with_an_example_in_80_columns(
    project, command, no_heavy_imports
):
    done = run(project, f"src.{command}", "--help", PYTHONPATH=path(no_heavy_imports), COLUMNS="80")
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    for head in ("reads:", "writes:", "examples:"):
        assert any(line.startswith(head) for line in lines)
    assert f"  python -m src.{command}" in done.stdout.partition("examples:")[2]
    assert max(map(len, lines)) <= 80


def path(folder):
    """Return a path on which our packages come after those that refuse to be imported."""
    return f"{folder}:{ROOT}"

import pytest

from tests.support.commands import ROOT, files, run

STAGES = ("check", "fetch", "preprocess", "predict", "summary")
COMMANDS = sorted(path.stem for path in ROOT.glob("src/*.py") if path.stem != "__init__")


@pytest.fixture
def light(no_heavy_imports):
    """A path on which our packages follow those that must not be imported."""
    return f"{no_heavy_imports}:{ROOT}"


@pytest.mark.parametrize("command", COMMANDS)
def test_help_says_what_a_command_reads_and_writes_with_examples_in_80_columns(
    project, command, light
):
    before = files(project)
    done = run(project, f"src.{command}", "--help", PYTHONPATH=light, COLUMNS="80")
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    for heading in ("Reads: ", "Writes: ", "Examples:"):
        assert any(line.startswith(heading) for line in lines)
    assert f"  python -m src.{command}" in done.stdout.partition("Examples:")[2]
    assert max(map(len, lines)) <= 80
    assert files(project) == before


@pytest.mark.parametrize("command", STAGES)
def test_a_stage_refuses_arguments_and_does_nothing(project, command, light):
    before = files(project)
    refused = run(project, f"src.{command}", "epochs=1", PYTHONPATH=light)
    assert refused.returncode == 2
    assert "unrecognized arguments: epochs=1" in refused.stderr
    assert files(project) == before

import argparse
import importlib
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

import benchmarks
from src.core.errors import InputError

FOLDER = Path(benchmarks.__file__).parent
# Every module that can be run without the extra `benchmark`.
PROGRAMS = {
    ".".join(path.relative_to(FOLDER.parent).with_suffix("").parts): path.read_text()
    for path in sorted(FOLDER.rglob("*.py"))
    if "__main__" in path.read_text() and "import torch" not in path.read_text()
}
COMMANDS = [name for name in PROGRAMS if name.count(".") == 1 and name != "benchmarks.probes"]
WITH_OVERRIDES = [one for one in COMMANDS if re.search("--overrides|add_arguments", PROGRAMS[one])]


def main(module):
    importlib.import_module(module).main()


def examples():
    """Return the command lines of all docstrings, as module and arguments."""
    modules = map(importlib.import_module, ("benchmarks", "benchmarks.references", *PROGRAMS))
    text = "\n".join(module.__doc__ for module in modules)
    found = re.findall(r"^python -m (\S+)(.*?)(?:   .*)?$", text, re.MULTILINE)
    return sorted({(module, line.strip()) for module, line in found if module in PROGRAMS})


def test_the_package_lists_every_command_and_no_other():
    listed = re.findall(r"^python -m (benchmarks\.\w+)", benchmarks.__doc__, re.MULTILINE)
    assert sorted(listed) == sorted(COMMANDS)


@pytest.mark.parametrize(("module", "line"), examples())
def test_every_command_line_of_a_docstring_is_understood(module, line, words, monkeypatch):
    parse_args = argparse.ArgumentParser.parse_args

    def parse(parser, arguments=None):
        parser.allow_abbrev = False
        parse_args(parser, arguments)
        raise InterruptedError("understood")

    monkeypatch.setattr(argparse.ArgumentParser, "parse_args", parse)
    words(*shlex.split(line))
    with pytest.raises(InterruptedError, match="understood"):
        main(module)


@pytest.mark.parametrize("module", PROGRAMS)
def test_the_help_names_the_command_and_errors_end_it_quietly(module, words, capsys):
    words("--help")
    with pytest.raises(SystemExit, match="0"):
        main(module)
    assert " ".join(capsys.readouterr().out.split()).startswith(f"usage: python -m {module} ")
    assert PROGRAMS[module].endswith('if __name__ == "__main__":\n    errors.run(main)\n')


@pytest.mark.parametrize("module", WITH_OVERRIDES)
def test_a_mistake_in_the_overrides_is_refused_before_anything_runs(
    module, words, project, monkeypatch
):
    monkeypatch.setattr(subprocess, "Popen", pytest.fail)
    words("--overrides", "epohcs=1")
    with pytest.raises(InputError, match="epohcs is unknown"):
        main(module)


def test_nothing_heavy_is_imported_before_the_arguments_are_read(no_heavy_imports):
    environment = {"PYTHONPATH": f"{no_heavy_imports}:{FOLDER.parent}"}
    code = f"import {', '.join(PROGRAMS)}"
    subprocess.run([sys.executable, "-c", code], env=environment, check=True)

import subprocess
import sys

import pytest

from src.tracking import model_code
from tests.support.commands import environment


def names(files):
    return {file.relative_to(model_code.SOURCE).as_posix() for file in files}


def test_a_model_takes_its_layers_along_and_what_they_import():
    needed = names(model_code.needed())
    assert {"training/activations.py", "training/normalization.py", "training/models.py"} <= needed
    assert "data/digits.py" in needed  # which models.py imports
    assert {"__init__.py", "training/__init__.py", "data/__init__.py"} <= needed


def test_a_model_leaves_behind_what_only_watches_or_draws():
    packages = {name.split("/")[0] for name in names(model_code.needed())}
    assert not packages & {"reporting", "analysis", "studies", "tracking", "train.py"}


def test_the_copy_is_whole_and_gone_with_the_block():
    with model_code.copied() as folder:
        assert folder.name == "src"
        copied = {path.relative_to(folder).as_posix() for path in folder.rglob("*.py")}
        assert copied == names(model_code.needed())
    assert not folder.exists()


@pytest.mark.slow
def test_every_module_of_the_copy_can_be_imported_without_the_rest(tmp_path):
    with model_code.copied() as folder:
        parts = (path.relative_to(folder.parent).with_suffix("").parts for path in _modules(folder))
        script = "\n".join(f"import {'.'.join(one)}" for one in parts)
        done = subprocess.run(
            [sys.executable, "-c", script],
            cwd=tmp_path,
            env=environment(PYTHONPATH=str(folder.parent)),
            capture_output=True,
            text=True,
        )
    assert done.returncode == 0, done.stderr


def _modules(folder):
    return [path for path in sorted(folder.rglob("*.py")) if path.name != "__init__.py"]

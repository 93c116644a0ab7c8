import subprocess
import sys

import pytest

from src.tracking import model_code
from tests.support.commands import environment


def names(files):
    return {file.relative_to(model_code.SOURCE).as_posix() for file in files}


def test_a_model_takes_its_layers_along_and_what_they_import_but_nothing_that_watches_or_draws():
    needed = names(model_code.needed())
    assert {"training/activations.py", "training/normalization.py", "training/models.py"} <= needed
    assert "data/digits.py" in needed  # which models.py imports
    assert {"__init__.py", "training/__init__.py", "data/__init__.py"} <= needed
    packages = {name.split("/")[0] for name in needed}
    assert not packages & {"reporting", "analysis", "experiments", "tracking", "train.py"}
    with model_code.copied() as folder:
        assert folder.name == "src"
        copied = {path.relative_to(folder).as_posix() for path in folder.rglob("*.py")}
        assert copied == names(model_code.needed())
    assert not folder.exists()


@pytest.mark.slow
def test_every_module_of_the_copy_can_be_imported_without_the_rest(tmp_path):
    with model_code.copied() as folder:
        modules = [path for path in sorted(folder.rglob("*.py")) if path.name != "__init__.py"]
        parts = (path.relative_to(folder.parent).with_suffix("").parts for path in modules)
        script = "\n".join(f"import {'.'.join(one)}" for one in parts)
        variables = environment(PYTHONPATH=str(folder.parent))
        subprocess.run([sys.executable, "-c", script], cwd=tmp_path, env=variables, check=True)

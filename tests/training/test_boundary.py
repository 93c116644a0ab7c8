"""Everything that decides the weights lies in src/training, which is in a training's digest."""

import ast
import sys
from pathlib import Path

import pytest

from src.tracking import fingerprint
from src.training import checkpoint, fit
from tests.support.commands import ROOT
from tests.support.recipes import TINY, configure

# What src/training may use of the rest: names, files and texts, the constants of the data, whose
# arrays have a digest of their own, and the schema of the configuration, whose values are in it.
NEUTRAL = {"src.core", "src.data.digits", "src.config.schema"}


def module_of(file):
    """Return the name of the module that a file of the project holds."""
    parts = Path(file).resolve().relative_to(ROOT).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def is_neutral(module):
    return module == "src" or any(module == one or module.startswith(f"{one}.") for one in NEUTRAL)


def imported(file):
    """Yield every module of src that a file imports, even in functions."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (one.name for one in node.names if one.name.split(".")[0] == "src")
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "src":
            for one in node.names:
                inside = ROOT / Path(*node.module.split(".")) / one.name
                is_module = inside.with_suffix(".py").is_file() or inside.is_dir()
                yield f"{node.module}.{one.name}" if is_module else node.module


def test_the_code_that_trains_imports_nothing_of_ours_that_could_decide_weights():
    files = sorted(fingerprint.CODE.rglob("*.py"))
    assert len(files) > 10
    outside = {
        (file.name, module)
        for file in files
        for module in imported(file)
        if not module.startswith("src.training") and not is_neutral(module)
    }
    assert outside == set()


@pytest.mark.usefixtures("project")
def test_nothing_else_of_ours_runs_between_the_configuration_and_the_weights(sample, tmp_path):
    labels, images = sample["train-labels-idx1-ubyte"][:80], sample["train-images-idx3-ubyte"][:80]
    part = {"images": images, "labels": labels}
    cfg = configure(*TINY, "activation=swish_beta", "schedule=reduce_on_plateau")
    file, state = tmp_path / "state", checkpoint.State()
    fit.fit(cfg, part, part, file, state)
    state = checkpoint.load(file)
    state.history.pop()  # an epoch is left
    ran = set()

    def watch(frame, event, argument):
        name = frame.f_code.co_filename
        if name.startswith(str(ROOT / "src")):
            ran.add(module_of(name))

    sys.setprofile(watch)
    try:
        fit.fit(cfg, part, part, file, state)
    finally:
        sys.setprofile(None)
    assert {"src.training.fit", "src.training.history", "src.training.checkpoint"} <= ran
    allowed = {f"src.core.{name}" for name in ("atomic_write", "hardware", "process", "stopwatch")}
    assert {name for name in ran if not name.startswith("src.training")} <= allowed

import subprocess
import sys

import pytest

from tests.support.commands import ROOT, environment

STATISTICS = "alpha_spending diagnostics ensemble sequential statistics tuning_curves verdicts"
OTHERS = {"mlflow", "tensorflow", "keras", "pandas", "omegaconf", "matplotlib", "sklearn"}


@pytest.mark.parametrize(
    ("modules", "allowed"),
    [(STATISTICS, set()), ("findings levels", {"pandas", "omegaconf"})],
    ids=["statistics", "findings"],
)
def test_the_statistics_need_numpy_and_scipy_alone_and_the_findings_no_mlflow(modules, allowed):
    names = ", ".join(f"src.analysis.{name}" for name in modules.split())
    command = [sys.executable, "-c", f"import sys, {names}; print(*sys.modules)"]
    variables = environment(PYTHONPATH=str(ROOT))
    found = subprocess.check_output(command, cwd=ROOT, env=variables, text=True).split()
    assert f"src.analysis.{modules.split()[0]}" in found
    assert OTHERS & set(found) <= allowed

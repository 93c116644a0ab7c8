import os
import subprocess
import sys

from tests.support.commands import ROOT

STATISTICS = (
    "alpha_spending",
    "diagnostics",
    "ensemble",
    "gap",
    "intervals",
    "planning",
    "statistics",
    "tuning_curves",
    "verdicts",
)
OTHERS = ("mlflow", "tensorflow", "keras", "pandas", "omegaconf", "matplotlib", "sklearn")


def imported(*modules):
    """Return the packages of `OTHERS` that a process has imported after these modules."""
    names = ", ".join(f"src.analysis.{name}" for name in modules)
    lines = f"import sys, {names}; print(*(name for name in {OTHERS} if name in sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", lines],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stdout.split())


def test_the_statistics_need_numpy_and_scipy_alone():
    assert imported(*STATISTICS) == set()


def test_the_findings_on_runs_at_hand_need_no_mlflow():
    assert imported("findings", "levels") <= {"pandas", "omegaconf"}

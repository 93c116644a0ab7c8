import shutil
import subprocess
import sys

from src.core import paths
from tests.support.commands import ROOT, small_name


def test_the_command_shows_the_pipelines_outcome_and_is_light(trained, tmp_path):
    shutil.copytree(trained.out, tmp_path / paths.MODELS)
    shutil.move(tmp_path / paths.MODELS / "predictions", tmp_path / paths.PREDICTIONS)
    script = (
        "import runpy, sys; runpy.run_module('src.summary', run_name='__main__'); "
        "assert not {'tensorflow', 'keras', 'mlflow', 'pandas'} & set(sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert small_name("swish_beta") in done.stdout
    assert "predictions/submission.csv" in done.stdout

import os
import shutil

from src.core import paths
from tests.support.commands import ROOT, run, small_name


def test_the_command_shows_the_pipelines_outcome_and_is_light(trained, tmp_path, no_heavy_imports):
    shutil.copytree(trained.out, tmp_path / paths.MODELS)
    shutil.move(tmp_path / paths.MODELS / "predictions", tmp_path / paths.PREDICTIONS)
    (tmp_path / "pandas.py").write_text("raise RuntimeError('pandas was imported')")
    done = run(tmp_path, "src.summary", PYTHONPATH=f"{no_heavy_imports}{os.pathsep}{ROOT}")
    assert done.returncode == 0, done.stderr
    assert small_name("swish_beta") in done.stdout
    assert "predictions/submission.csv" in done.stdout

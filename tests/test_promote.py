import pytest

from src.tracking import champion
from tests.support.commands import run, sentence, store

pytestmark = pytest.mark.slow


def test_the_best_run_becomes_champion_once_and_can_be_loaded_by_that_name(trained):
    done = run(trained.project, "src.promote", "best")
    assert done.returncode == 0, done.stderr
    assert "version 1 is now the champion: swish_beta-seed1" in done.stdout
    assert "the highest of 1 finished run on the same data" in done.stdout
    again = run(trained.project, "src.promote", trained.run.info.run_id)
    assert "version 1 is still the champion" in again.stdout
    version = champion.current(store(trained.project))
    assert version.run_id == trained.run.info.run_id


def test_an_unknown_run_and_a_folder_without_runs_are_refused(trained, project):
    refused = run(trained.project, "src.promote", "1234")
    assert sentence(refused).startswith("Error: '1234' is not the id of a run in MLflow")

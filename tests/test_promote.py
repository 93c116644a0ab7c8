import pytest

from src.tracking import champion
from tests.support.commands import ROOT, run, small_name, store

pytestmark = pytest.mark.slow


def promote(project, wanted):
    return run(project, "src.promote", wanted, PYTHONPATH=str(ROOT))


def test_the_best_run_becomes_champion_and_stays_it(with_trained_store, trained):
    done = promote(with_trained_store, "best")
    assert done.returncode == 0, done.stderr
    name = small_name("swish_beta")
    assert f"version 1 is now the champion: {name}" in done.stdout
    assert "the highest of 1 finished run on the same data" in done.stdout
    again = promote(with_trained_store, trained.run.info.run_id)
    assert "version 1 is still the champion" in again.stdout
    assert champion.current(store(with_trained_store)).run_id == trained.run.info.run_id

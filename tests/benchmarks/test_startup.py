from pathlib import Path

import pytest

from benchmarks import projects, startup, turns
from benchmarks.projects import Process
from benchmarks.startup import Spent


def test_neither_training_nor_evaluation_counts(monkeypatch):
    printed = 'said before\n{"evaluation_seconds": 2.5}\n'
    monkeypatch.setattr(projects, "process", lambda *_, **__: Process(20.0, 10.0, printed, Path()))

    assert startup.ours(Path(), "epochs=1") == Spent(10.0, 2.5, 7.5)


def test_what_is_left_is_compared_with_the_import(monkeypatch):
    monkeypatch.setattr(turns, "run", lambda *words: (5.0, ""))
    imported = startup.bare_import()

    assert imported.outside == 5.0
    for outside, met in ((7.5, True), (7.6, False)):
        row = startup.rows([Spent(10, 1, outside)], [imported])[1]
        assert row.goal.is_met(row.ratios[0]) == met


@pytest.mark.slow
def test_a_real_training_spends_time_on_all_three(processed):
    with projects.with_our_data() as folder:
        spent = startup.ours(folder, "model=mlp", "model.units=[8]", "epochs=1", "batch_size=64")

    assert min(spent.training, spent.evaluation, spent.outside) > 0
    assert spent.outside > spent.evaluation

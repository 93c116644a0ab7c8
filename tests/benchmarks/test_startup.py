from pathlib import Path

import pytest

from benchmarks import processes, startup
from benchmarks.processes import TrainingProcess
from benchmarks.startup import Spent


def test_neither_training_nor_evaluation_counts(monkeypatch):
    printed = 'said before\n{"evaluation_seconds": 2.5}\n'
    done = TrainingProcess(10.0, wall_seconds=20.0, out=Path(), printed=printed)
    monkeypatch.setattr(processes, "train", lambda *_, **__: done)

    assert startup.train(Path(), "epochs=1") == Spent(10.0, 2.5, 7.5)


def test_what_is_left_is_compared_with_the_import(monkeypatch):
    monkeypatch.setattr(processes, "run", lambda *words: (5.0, ""))
    imported = startup.import_tensorflow()

    assert imported.other == 5.0
    for other, met in ((6.5, True), (6.6, False)):
        row = startup.rows([Spent(10, 1, other)], [imported])[1]
        assert row.goal.is_met(row.ratios[0]) == met


@pytest.mark.slow
def test_a_real_training_spends_time_on_all_three(processed):
    with processes.project_with_our_data() as folder:
        spent = startup.train(folder, "model=mlp", "model.units=[8]", "epochs=1", "batch_size=64")

    assert min(spent.training, spent.evaluation, spent.other) > 0
    assert spent.other > spent.evaluation

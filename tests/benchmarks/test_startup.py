import pytest

from benchmarks import processes, startup
from benchmarks.startup import Spent


def test_the_time_besides_training_and_evaluation_is_compared_with_the_import():
    for other, met in ((6.5, True), (6.6, False)):
        row = startup.rows([Spent(10, 1, other)], [Spent(0, 0, 5.0)])[1]
        assert row.goal.is_met(row.ratios[0]) == met


@pytest.mark.slow
def test_a_real_training_spends_time_on_all_three_and_leaves_the_project_alone(processed):
    with processes.project_with_our_data() as folder:
        spent = startup.train(folder, "model=mlp", "model.units=[8]", "epochs=1", "batch_size=64")
        assert (folder / "mlflow.db").is_file()
    assert min(spent.training, spent.evaluation, spent.other) > 0
    assert spent.other > spent.evaluation
    assert not (processed / "mlflow.db").exists()

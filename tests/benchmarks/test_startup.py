import pytest

from benchmarks import processes, startup


@pytest.mark.slow
def test_a_real_training_spends_time_on_all_three_and_leaves_the_project_alone(processed):
    with processes.project_with_our_data() as folder:
        spent = startup.train(folder, "model=mlp", "model.units=[8]", "epochs=1", "batch_size=64")
        assert (folder / "mlflow.db").is_file()
    assert min(spent.training, spent.evaluation, spent.other) > 0
    assert spent.other > spent.evaluation
    assert not (processed / "mlflow.db").exists()

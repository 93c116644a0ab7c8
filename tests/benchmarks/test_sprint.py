from benchmarks import sprint, turns
from benchmarks.projects import Training
from src.runtime import metric_names


def test_the_reference_trains_on_the_projects_data_with_the_seed(monkeypatch, tmp_path):
    def answer(*words, folder, **environment):
        assert words[-2:] == ("--seed", "4")
        assert folder == tmp_path
        return {metric_names.TRAIN_SECONDS: 8.0, metric_names.TEST_ACCURACY: 0.99}

    monkeypatch.setattr(turns, "answer", answer)

    assert sprint.reference(tmp_path, 4) == Training(8.0, 0.99)

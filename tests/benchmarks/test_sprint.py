from benchmarks import processes, sprint, time_to_accuracy
from benchmarks.processes import Training
from src.runtime import metric_names


def test_the_reference_trains_on_the_projects_data_with_the_seed(monkeypatch, tmp_path):
    def answer(*words, folder):
        assert words[-3:] == ("train_mnist_fast", "--seed", "4")
        assert folder == tmp_path
        return {metric_names.TRAIN_SECONDS: 8.0, metric_names.TEST_ACCURACY: 0.99}

    monkeypatch.setattr(processes, "answer", answer)

    assert sprint.REFERENCE.train(tmp_path, 4) == Training(8.0, 0.99)


def test_the_sprint_is_compared_with_it_over_five_seeds(words, monkeypatch):
    asked = []
    monkeypatch.setattr(time_to_accuracy, "compare", lambda *given: asked.append(given))
    words("--overrides", "epochs=2")

    sprint.main()

    [(_, given, reference, _)] = asked
    assert (given.experiment, given.seeds) == ("sprint", [1, 2, 3, 4, 5])
    assert given.overrides == ["epochs=2"]
    assert reference.accuracy == 0.99

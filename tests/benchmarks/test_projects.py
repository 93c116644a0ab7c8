import pytest

from benchmarks import projects
from src.data import dataset, write_csv
from src.runtime import paths
from src.runtime.errors import InputError


def test_a_folder_with_our_data_has_its_parameters_and_its_images_and_vanishes(processed):
    before = sorted(processed.rglob("*"))

    with projects.with_our_data() as folder:
        assert (folder / paths.PARAMS).read_text() == (processed / paths.PARAMS).read_text()
        assert (folder / paths.TRAIN).read_bytes() == (processed / paths.TRAIN).read_bytes()

    assert not folder.exists()
    assert sorted(processed.rglob("*")) == before


def test_data_without_held_out_labels_is_refused(processed):
    write_csv.submission(paths.SOLUTION_CSV, None)

    with pytest.raises(InputError, match=r"solution.csv holds no labels"), projects.with_our_data():
        pass


def test_a_folder_with_mnist_has_the_official_split(project, monkeypatch):
    asked = []
    monkeypatch.setattr(projects.turns, "run", lambda *words, **more: asked.append((words, more)))

    with projects.with_mnist() as folder:
        text = (folder / paths.PARAMS).read_text()

    assert "layout: mnist" in text
    assert [words[-1] for words, _ in asked] == ["src.fetch", "src.preprocess"]
    assert {more["folder"] for _, more in asked} == {folder}


@pytest.mark.slow
def test_a_training_leaves_its_project_alone_and_gives_seconds_and_accuracy(processed):
    with projects.with_our_data() as folder:
        done = projects.train(folder, "model=mlp", "model.units=[8]", "epochs=1", "batch_size=64")
        assert (folder / "mlflow.db").is_file()

    assert done.seconds > 0
    held_out = len(dataset.load(paths.TEST)["images"])
    assert done.accuracy * held_out == pytest.approx(round(done.accuracy * held_out))
    assert not (processed / "mlflow.db").exists()

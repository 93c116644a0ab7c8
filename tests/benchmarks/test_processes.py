import json

import pytest

from benchmarks import processes
from src.data import dataset, write_csv
from src.runtime import paths
from src.runtime.errors import InputError


def test_a_folder_with_our_data_has_its_parameters_and_its_images_and_vanishes(processed):
    before = sorted(processed.rglob("*"))

    with processes.project_with_our_data() as folder:
        assert (folder / paths.PARAMS).read_text() == (processed / paths.PARAMS).read_text()
        assert (folder / paths.TRAIN).read_bytes() == (processed / paths.TRAIN).read_bytes()

    assert not folder.exists()
    assert sorted(processed.rglob("*")) == before


def test_data_without_held_out_labels_is_refused(processed):
    write_csv.submission(paths.SOLUTION_CSV, None)

    with (
        pytest.raises(InputError, match=r"solution.csv holds no labels"),
        processes.project_with_our_data(),
    ):
        pass


def test_a_folder_with_mnist_has_the_official_split(project, monkeypatch):
    asked = []
    monkeypatch.setattr(processes, "run", lambda *words, **more: asked.append((words, more)))

    with processes.project_with_mnist() as folder:
        text = (folder / paths.PARAMS).read_text()

    assert "layout: mnist" in text
    assert [words[-1] for words, _ in asked] == ["src.fetch", "src.preprocess"]
    assert {more["folder"] for _, more in asked} == {folder}


@pytest.mark.slow
def test_a_training_leaves_its_project_alone_and_gives_seconds_and_accuracy(processed):
    with processes.project_with_our_data() as folder:
        done = processes.train(folder, "model=mlp", "model.units=[8]", "epochs=1", "batch_size=64")
        assert (folder / "mlflow.db").is_file()

    assert done.seconds > 0
    held_out = len(dataset.load(paths.TEST)["images"])
    assert done.accuracy * held_out == pytest.approx(round(done.accuracy * held_out))
    assert not (processed / "mlflow.db").exists()


def test_a_command_gives_its_wall_time_and_what_it_printed(tmp_path):
    code = "import os, time; time.sleep(0.1); print(os.environ['WORD'], os.getcwd())"

    seconds, text = processes.run("-c", code, folder=tmp_path, environment={"WORD": "yes"})

    assert 0.1 < seconds < 60
    assert text.split() == ["yes", str(tmp_path)]


def test_an_answer_is_the_json_of_the_last_line():
    code = f"print('chatter'); print('''{json.dumps({'seconds': 1.5})}''')"

    assert processes.answer("-c", code) == {"seconds": 1.5}


def test_a_failed_command_passes_its_standard_error_on_and_names_its_status(capfd):
    with pytest.raises(InputError, match="failed with status 3"):
        processes.run("-c", "import sys; print('why', file=sys.stderr); sys.exit(3)")

    assert "why" in capfd.readouterr().err


def test_a_process_finds_our_code_and_stores_its_runs_in_its_own_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:///the_users.db")
    monkeypatch.setenv("PYTHONPATH", "elsewhere")
    code = "import os, sys, benchmarks; print(repr(os.environ['MLFLOW_TRACKING_URI']), sys.path)"

    text = processes.run("-c", code, folder=tmp_path)[1]

    assert text.startswith("''")
    assert "elsewhere" in text

import contextlib
import time
from pathlib import Path
from unittest.mock import Mock

import keras
import mlflow
import numpy as np
import pytest
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from src.config.schema import Mlflow
from src.core import metric_names, paths
from src.core.errors import InputError
from src.data.dataset import Dataset
from src.serving import pixels
from src.tracking import lease, run_logger, store
from src.training import activations

DATA = Dataset("mnist-kaggle", "0f" * 32, {"train": 2, "valid": 1, "test": 3})
UNKNOWN = "ab" * 16


def opened(name="swish", run_id=None, experiment="digits", parent_run_id=None, digest="ab" * 32):
    return run_logger.opened(Mlflow(True, experiment, parent_run_id), name, run_id, digest)


def trained(**given):
    with opened(**given) as logger:
        pass
    return logger.run_id


def add(run_id, **results):
    """Add results as the commands do; return the run that took them."""
    taken = run_logger.find_or_restore(run_id, "swish-seed1", "digits")
    run_logger.add_results(taken, **results)
    return taken


@pytest.mark.parametrize(
    ("error", "status"),
    [(None, "FINISHED"), (KeyboardInterrupt, "KILLED"), (RuntimeError, "FAILED")],
)
def test_a_run_ends_as_finished_killed_by_an_interruption_or_failed(client, error, status):
    with (
        pytest.raises(error) if error else contextlib.nullcontext(),
        opened(name="swish-seed1") as logger,
    ):
        if error:
            raise error
    run = client.get_run(logger.run_id)
    assert (run.info.status, run.info.run_name) == (status, "swish-seed1")
    assert mlflow.active_run() is None


def test_a_resumed_training_logs_the_epochs_that_it_was_stopped_before_logging(client):
    history = [{"epoch": epoch, "loss": 1 / epoch} for epoch in (1.0, 2.0, 3.0)]
    with opened() as logger:
        logger.epoch({"loss": 1.0}, 1)
    run_id = logger.run_id
    with opened("another name", run_id) as logger:
        logger.lost_epochs(history)
    assert logger.run_id == run_id
    assert points_of(client, run_id) == [(1, 1), (2, 1 / 2), (3, 1 / 3)]
    run = client.get_run(run_id)
    assert (run.info.run_name, set(run.data.metrics)) == ("swish", {"loss"})


def points_of(client, run_id):
    """Return the steps and values of a run's loss."""
    points = client.get_metric_history(run_id, metric_names.LOSS)
    return sorted((point.step, point.value) for point in points)


@pytest.fixture(params=["deleted", "unknown"])
def nowhere_run(request, client):
    """The id of a run that is gone."""
    if request.param == "unknown":
        return UNKNOWN
    run_id = trained()
    client.delete_run(run_id)
    return run_id


def test_a_resumed_training_whose_run_is_gone_gets_a_new_one(client, nowhere_run):
    run_id = nowhere_run
    new = trained(run_id=run_id, name="swish-seed2")
    assert new != run_id
    run = client.get_run(new)
    assert (run.info.run_name, run.info.lifecycle_stage) == ("swish-seed2", "active")


def test_a_job_of_a_sweep_is_the_child_of_the_sweeps_run_whatever_the_environment_says(
    client, monkeypatch
):
    parent, other = trained(name="sweep"), trained(name="other")
    monkeypatch.setenv("MLFLOW_RUN_ID", other)
    child = trained(parent_run_id=parent)
    assert child != other
    assert client.get_run(child).data.tags["mlflow.parentRunId"] == parent


def test_a_training_that_is_resumed_in_a_sweep_becomes_its_child(client):
    run_id, *sweeps = trained(), trained(name="sweep"), trained(name="another")
    for parent in sweeps:
        assert trained(run_id=run_id, parent_run_id=parent) == run_id
        assert client.get_run(run_id).data.tags["mlflow.parentRunId"] == parent
    trained(run_id=run_id)  # alone, it stays where it was
    assert client.get_run(run_id).data.tags["mlflow.parentRunId"] == sweeps[-1]


def test_a_run_has_its_data_by_name_and_digest(client):
    with opened() as logger:
        logger.start({"seed": 1}, {}, DATA, {"training": np.zeros((1, 28, 28), np.uint8)})
    [one] = client.get_run(logger.run_id).inputs.dataset_inputs
    assert (one.dataset.name, one.dataset.digest) == ("mnist-kaggle-training", DATA.digest[:32])


@pytest.fixture
def left(tmp_path):
    """The results of a training: a model, an example, a folder with history and figures."""
    (tmp_path / paths.CURVES).parent.mkdir()
    (tmp_path / paths.CURVES).write_bytes(b"a picture")
    (tmp_path / paths.HISTORY).write_text("epoch\n1\n")
    inputs = keras.Input((28, 28), dtype="uint8")
    x = keras.layers.Flatten()(keras.layers.Rescaling(1 / 255)(inputs))
    x = activations.SwishBeta(0.5)(keras.layers.Dense(2)(x))
    model = keras.Model(inputs, keras.layers.Dense(10)(x))
    return model, np.full((1, 28, 28), 100, np.uint8), tmp_path


def unreachable(*_, **__):
    raise MlflowException("connection refused")


def test_the_training_continues_without_the_store_which_gets_every_epoch_later(
    client, capsys, monkeypatch
):
    monkeypatch.setattr(store, "ASK_AGAIN_SECONDS", 0)
    with opened() as logger:
        logger.epoch({"loss": 0.5}, 1)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(mlflow, "log_metrics", unreachable)
            for step in (2, 3):
                logger.epoch({"loss": 1 / step}, step)
        logger.epoch({"loss": 0.25}, 4)
    away, back = capsys.readouterr().out.splitlines()
    assert away.startswith("Training continues, but the MLflow store ")
    assert "cannot be used (connection refused)" in away
    assert back == "The MLflow store is back, and has every epoch."
    assert points_of(client, logger.run_id) == [(1, 0.5), (2, 0.5), (3, 1 / 3), (4, 0.25)]


def test_the_end_of_a_training_waits_for_the_store_but_not_for_ever(client, monkeypatch, capsys):
    monkeypatch.setattr(store, "PAUSE_SECONDS", 0)
    away = MlflowException("connection refused")
    logger, call = run_logger.RunLogger(client, "0f" * 16), Mock(side_effect=[away, away, None])
    logger.insist(call)
    assert call.call_count == 3
    assert capsys.readouterr().out.count("Waiting, because the MLflow store ") == 1
    monkeypatch.setattr(store, "PATIENCE_SECONDS", 0)
    with pytest.raises(InputError, match="run the same command again to log it") as caught:
        logger.insist(unreachable)
    assert "\n" not in str(caught.value)


def test_a_finished_trainings_files_metrics_and_model_are_in_its_run(client, left):
    model, image, folder = left
    with opened() as logger:
        logger.trained(model, image, {"best_epoch": 3, "best_val_loss": 0.5}, folder)
    run_id = logger.run_id
    run = client.get_run(run_id)
    assert {"best_epoch": 3.0, "best_val_loss": 0.5}.items() <= run.data.metrics.items()
    assert run.data.tags["parameters"] == str(model.count_params())
    files = {entry.path for entry in client.list_artifacts(run_id)}
    assert {paths.HISTORY, "figures"} <= files
    assert [entry.path for entry in client.list_artifacts(run_id, "figures")] == [paths.CURVES]

    uri = f"models:/{run.outputs.model_outputs[0].model_id}"
    assert mlflow.models.get_model_info(uri).metadata["input"] == pixels.ACCEPTED
    requirements = Path(mlflow.pyfunc.get_model_dependencies(uri)).read_text().splitlines()
    assert [line.split("==")[0] for line in requirements] == list(run_logger.MODEL_REQUIREMENTS)
    loaded = mlflow.tensorflow.load_model(uri)
    np.testing.assert_array_equal(loaded(image), model(image))


def test_an_incomplete_copy_of_an_artifact_is_removed(client, left):
    model, image, folder = left
    with opened() as logger:
        uri = client.get_run(logger.run_id).info.artifact_uri
        half = Path(uri.removeprefix("file://")) / "figures" / ".artifact.uploading.abc"
        for log, *given in (
            (logger.trained, model, image, {}, folder),
            (logger.predicted, {folder / paths.HISTORY: ""}, {}),
        ):
            half.parent.mkdir(parents=True, exist_ok=True)
            half.touch()
            log(*given)
            assert not half.exists()


def test_a_run_that_was_killed_before_its_first_checkpoint_is_resumed(client, monkeypatch, capsys):
    digest = "cd" * 32
    experiment_id = client.get_experiment_by_name("digits").experiment_id
    monkeypatch.setattr(lease, "is_gone", lambda run: True)
    tags = {"training_digest": digest}
    begun, epochs = (client.create_run(experiment_id, tags=tags).info.run_id for _ in range(2))
    client.log_metric(epochs, metric_names.LOSS, 0.5)  # whose checkpoint was lost
    assert trained(digest=digest) == begun
    assert client.get_run(epochs).info.status == "FAILED"
    assert epochs in capsys.readouterr().out
    assert trained(digest="ef" * 32) not in (begun, epochs)


def test_a_clock_that_goes_back_gives_no_negative_duration(client, monkeypatch):
    with opened() as logger:
        now = time.time()
        monkeypatch.setattr(time, "time", lambda: now - 3600)
    info = client.get_run(logger.run_id).info
    assert 0 <= info.end_time - info.start_time < 60_000


@pytest.fixture
def found(tmp_path):
    """Later results: a file for the top, one for a folder, metrics and tags."""
    (tmp_path / "submission.csv").write_text("ImageId,Label\n")
    (tmp_path / "confusion.png").write_bytes(b"a picture")
    return {
        "files": {tmp_path / "submission.csv": "", tmp_path / "confusion.png": "figures"},
        "scores": {"test_accuracy": 0.75, "test_errors": 7},
        "tags": {"kaggle_ref": "42"},
    }


def assert_has_results(client, run_id):
    run = client.get_run(run_id)
    assert {"test_accuracy": 0.75, "test_errors": 7.0}.items() <= run.data.metrics.items()
    assert run.data.tags["kaggle_ref"] == "42"
    files = [*client.list_artifacts(run_id), *client.list_artifacts(run_id, "figures")]
    assert {"submission.csv", "figures/confusion.png"} <= {entry.path for entry in files}


@pytest.mark.parametrize("status", ["FINISHED", "KILLED"])
def test_later_results_go_to_the_trainings_run_and_leave_its_status_and_duration(
    client, found, status
):
    _, experiment_id = store.connect("digits")
    run_id = client.create_run(experiment_id, start_time=1_000).info.run_id
    client.set_terminated(run_id, status, end_time=61_000)
    assert add(run_id, **found) == run_id
    assert_has_results(client, run_id)
    info = client.get_run(run_id).info
    assert (info.status, info.start_time, info.end_time) == (status, 1_000, 61_000)
    assert mlflow.active_run() is None


def test_a_single_substitute_takes_the_results_of_a_run_that_is_gone(client, found, nowhere_run):
    run_id = nowhere_run
    substitute, again = (add(run_id, **found) for _ in range(2))
    assert substitute != run_id
    assert again == substitute
    assert_has_results(client, substitute)
    run = client.get_run(substitute)
    assert run.info.run_name == "swish-seed1 (restored)"
    assert run.data.tags["trained_by"] == run_id
    assert run.info.status == "FINISHED"


def test_an_epochs_metrics_are_logged_in_the_order_of_their_names(monkeypatch):
    logged = []
    monkeypatch.setattr(mlflow, "log_metrics", lambda values, step: logged.append(list(values)))
    run_logger.RunLogger(MlflowClient(), "of nobody").epoch({"loss": 1.0, "accuracy": 0.5}, 1)
    assert logged == [["accuracy", "loss"]]

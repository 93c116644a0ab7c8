import shutil
from unittest.mock import Mock

import pytest
from mlflow.entities import LoggedModelStatus, Metric, RunTag

from src.core.errors import InputError
from src.core.metric_names import BEST_VAL_ACCURACY
from src.tracking import champion, store

DATA, OTHER = "0f" * 32, "1e" * 32


@pytest.fixture
def client(empty_store, tmp_path):
    """A store of the test's own, in the working directory."""
    shutil.copy(empty_store, tmp_path)
    return store.reader()


@pytest.fixture
def experiment(client):
    return client.create_experiment("digits")


def trained(client, experiment, accuracy, name="swish-seed1", *, digest=DATA, model=True, **more):
    """Log a run as a training leaves it; `more` are tags, and its status."""
    status = more.pop("status", "FINISHED")
    run_id = client.create_run(experiment, run_name=name).info.run_id
    tags = [RunTag(key, value) for key, value in {"data_digest": digest, **more}.items()]
    metrics = [] if accuracy is None else [Metric(BEST_VAL_ACCURACY, accuracy, 1, 0)]
    client.log_batch(run_id, metrics, tags=tags)
    if model:
        logged = client.create_logged_model(experiment, "model", run_id)
        client.finalize_logged_model(logged.model_id, LoggedModelStatus.READY)
    client.set_terminated(run_id, status)
    return run_id


def test_the_best_is_chosen_by_validation_accuracy_among_whole_trainings_on_the_same_data(
    client, experiment
):
    trained(client, experiment, 0.99)
    wanted = trained(client, experiment, 0.995, test_accuracy="0.1")
    trained(client, experiment, 0.995, "younger")
    trained(client, experiment, 0.999, "other-data", digest=OTHER)
    trained(client, experiment, 0.999, "a-trial", trial="3")
    trained(client, experiment, 0.999, "ended-early", pruned="2")
    trained(client, experiment, 0.999, "failed", status="FAILED")
    trained(client, experiment, 0.999, "without-model", model=False)
    client.delete_run(trained(client, experiment, 0.999, "deleted"))

    choice = champion.best(client, DATA)

    assert choice.run.info.run_id == wanted
    assert choice.how == (
        "the highest of 4 finished runs on the same data; 2 share it, this is the oldest"
    )


def test_without_data_here_that_of_the_newest_run_counts(client, experiment):
    trained(client, experiment, 0.99)
    newest = trained(client, experiment, 0.5, digest=OTHER)
    assert champion.best(client, None).run.info.run_id == newest


def test_where_nothing_can_be_the_best_a_sentence_says_what_to_do(client, experiment):
    with pytest.raises(InputError, match=r"no finished training in MLflow yet: run `make`"):
        champion.best(client, DATA)
    trained(client, experiment, 0.99, model=False)
    with pytest.raises(InputError, match=r"^None of the 1 finished run on this data has its model"):
        champion.best(client, DATA)
    with pytest.raises(InputError, match=r"was trained on the data in data/processed \(SHA-256 1e"):
        champion.best(client, OTHER)


def test_a_run_that_cannot_be_champion_is_refused(client, experiment):
    deleted = trained(client, experiment, 0.9, "gone")
    client.delete_run(deleted)
    refused = {
        "abc": "'abc' is not the id of a run in MLflow: name one .*, or `best`.",
        deleted: r"Run gone \(.*\) was deleted: restore it",
        trained(client, experiment, 0.9, "cut", status="KILLED"): r"Run cut .* \(it is KILLED\)",
        trained(client, experiment, None, "bare", model=False): "Run bare .* has no model",
        trained(client, experiment, None, "all", study="default", model=False): "is a study",
    }
    for run_id, sentence in refused.items():
        with pytest.raises(InputError, match=sentence):
            champion.named(client, run_id)
    assert champion.current(client) is None


def test_the_champion_has_the_alias_and_the_same_one_gets_no_second_version(client, experiment):
    first = champion.named(client, trained(client, experiment, 0.9, "first"))
    second = champion.named(client, trained(client, experiment, 0.8, "second"))

    one, before = champion.promote(client, first)
    assert before is None
    assert champion.current(client).version == one.version
    assert one.run_id == first.run.info.run_id

    again, before = champion.promote(client, first)
    assert again.version == before.version == one.version

    two, before = champion.promote(client, second)
    assert (before.version, champion.current(client).version) == (one.version, two.version)
    assert champion.promote(client, first)[0].version == one.version
    assert len(client.search_model_versions(f"name = '{champion.MODEL}'")) == 2


def test_a_store_that_cannot_be_written_promotes_nothing(client, experiment, monkeypatch):
    choice = champion.named(client, trained(client, experiment, 0.9))
    full = Mock(side_effect=OSError("the disk is full"))
    monkeypatch.setattr(client, "create_registered_model", full)
    with pytest.raises(InputError, match=r"^Nothing was promoted, because the MLflow store .*full"):
        champion.promote(client, choice)

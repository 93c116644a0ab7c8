import shutil

import pytest

from src.core.errors import InputError
from src.demo_page import readers
from src.tracking import champion, store
from tests.tracking.test_champion import trained

LEVELS = '{"relu": ["activation=relu"], "swish": ["activation=swish"]}'


@pytest.fixture
def client(empty_store, project):
    shutil.copy(empty_store, project)
    return store.reader()


@pytest.fixture
def experiment(client):
    return client.create_experiment("digits")


@pytest.fixture
def parent(client, experiment):
    """The ID of a study's parent run."""
    tags = {"study": "mine", "factor": "activation", "levels": LEVELS, "reference": "relu"}
    return client.create_run(experiment, run_name="study mine", tags=tags).info.run_id


@pytest.fixture
def train(client, experiment):
    """Return a function that logs a run as a training leaves it, and returns its ID."""

    def log(name, accuracy, *, parent=None, model=True):
        tags = {"activation": name.partition("-")[0]}
        if parent:
            tags |= {"mlflow.parentRunId": parent, "variant": tags["activation"]}
        return trained(client, experiment, accuracy, name, model=model, **tags)

    return log


def names(lineup):
    return [(one.name, one.run.info.run_name, one.is_champion) for one in lineup.readers]


def test_each_level_is_shown_by_its_best_run_that_was_validated(client, parent, train):
    for name, accuracy in (("swish-seed1", 0.98), ("relu-seed1", 0.97), ("relu-seed2", 0.99)):
        train(name, accuracy, parent=parent)
    for wanted in (None, "mine", parent):
        lineup = readers.find(client, wanted)
        assert names(lineup) == [("ReLU", "relu-seed2", False), ("Swish", "swish-seed1", False)]
        assert (lineup.study, lineup.factor) == ("mine", "activation")


def test_the_champion_stands_first_and_once(client, parent, train):
    train("relu-seed1", 0.97, parent=parent)
    best = train("swish-seed1", 0.98, parent=parent)
    champion.promote(client, champion.named(client, best))
    lineup = readers.find(client, "mine")
    assert names(lineup) == [("Swish", "swish-seed1", True), ("ReLU", "relu-seed1", False)]


def test_a_champion_alone_is_enough_until_its_run_is_deleted(client, train):
    run_id = train("gelu-seed1", 0.98)
    champion.promote(client, champion.named(client, run_id))
    lineup = readers.find(client, None)
    assert names(lineup) == [("GELU", "gelu-seed1", True)]
    assert lineup.study is None
    client.delete_run(run_id)
    with pytest.raises(InputError, match=r"^There is no model to show yet: train some with"):
        readers.find(client, None)


@pytest.mark.parametrize("runs", [0, 1])
def test_a_study_without_models_is_refused(client, parent, train, runs):
    for _ in range(runs):
        train("relu-seed1", 0.97, parent=parent, model=False)
    with pytest.raises(InputError, match=r"^mine has no finished run with a model: train it"):
        readers.find(client, "mine")


def test_a_model_whose_files_are_gone_is_named(client, parent, train):
    train("relu-seed1", 0.97, parent=parent)
    [reader] = readers.find(client, "mine").readers
    with pytest.raises(InputError, match=r"^The model of run relu-seed1 \(.*\) cannot be loaded"):
        readers.load(reader)

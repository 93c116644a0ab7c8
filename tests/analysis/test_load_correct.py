import numpy as np
import pytest
from src.experiments.design import RunKey

from src.analysis import load_correct
from src.runtime import paths
from src.runtime.errors import InputError
from src.tracking import store
from tests.support.studies import child, parent


@pytest.fixture
def client(project, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return store.connect("digits")[0]


def children(client, *keys, **more):
    """Log runs of a study, and return them by level and seed."""
    parent_id = parent(client, store.connect("digits")[1], "mine")
    return {key: client.get_run(child(client, parent_id, *key, **more)) for key in keys}


def test_what_is_correct_is_by_level_with_the_seeds_ascending(client):
    keys = [RunKey("swish", 2), RunKey("relu", 2), RunKey("relu", 1), RunKey("swish", 1)]
    runs = children(client, *keys)
    found = load_correct.load(client, runs)
    assert list(found) == ["swish", "relu"]
    for level, correct in found.items():
        assert correct.dtype == bool
        assert correct.shape[0] == 2
        for row, seed in zip(correct, (1, 2), strict=True):
            score = runs[RunKey(level, seed)].data.metrics["test_accuracy"]
            assert np.isclose(row.mean(), score)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"without": [paths.PREDICTED]}, "of run relu-seed1 .* cannot be read .*train it again"),
        ({"labelled": False}, "relu-seed1 .* has no held-out labels"),
    ],
)
def test_a_run_without_its_predictions_or_labels_is_one_sentence(client, more, said):
    runs = children(client, RunKey("relu", 1), **more)
    with pytest.raises(InputError, match=said) as caught:
        load_correct.load(client, runs)
    assert "\n" not in str(caught.value)

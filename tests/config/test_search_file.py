import re
from functools import partial

import pytest
import yaml

from src.config import search_file
from tests.support.recipes import SEARCH, SPACE
from tests.support.refusal import refusal


@pytest.fixture
def load(tmp_path, monkeypatch):
    """A function that writes a search with changed values, and loads it."""
    monkeypatch.setattr(search_file, "SEARCHES", tmp_path)

    def loaded(without=(), **changes):
        given = {key: value for key, value in (SEARCH | changes).items() if key not in without}
        (tmp_path / "mine.yaml").write_text(yaml.safe_dump(given, sort_keys=False))
        return search_file.load("mine")

    return loaded


def test_a_search_is_what_its_file_says_and_has_defaults_for_the_rest(load):
    search = load()
    assert (search.trials, search.sampler, search.pruner, search.seed) == (4, "tpe", "median", 1)
    assert search.objective == "best_val_accuracy"
    assert list(search.ranges) == list(SPACE)
    assert str(search.ranges["optimizer.learning_rate"]) == "0.001 to 0.1 (log-uniform)"
    assert str(search.ranges["model.units"]) == "[16], [32]"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"without": ["trials"]}, "trials is missing: see conf/search/"),
        ({"without": ["space"]}, "space is empty: give at least one key"),
        ({"space": {"epochs": {"integer": [5, 2]}}}, r"\[5, 2\].*not below.*the lower first"),
        ({"space": {"epochs": {"integer": [5, 5]}}}, "a single value under overrides"),
        ({"space": {"epochs": {"integer": [1, 2.5]}}}, "two whole numbers, low and high"),
        ({"space": {"epochs": {"intger": [1, 2]}}}, "epochs.intger is unknown.*'integer'"),
        ({"space": {"epochs": [1, 2]}}, "expected one kind of range"),
        ({"space": {"epochs": {"choices": [1, 1]}}}, "has 1 twice"),
        ({"space": {"epochs": {"choices": []}}}, "choices is empty: list at least one"),
        ({"space": {"epochs": {"choices": 3}}}, "choices is 3: give a list of values"),
        ({"space": {"label_smoothing": {"log_uniform": [0, 0.1]}}}, "lower bound above 0"),
        ({"space": {"seed": {"integer": [1, 9]}}}, "space has seed: it is luck"),
        ({"space": {"mlflow.experiment": {"choices": ["a"]}}}, "experiment: no search may vary it"),
        ({"space": {"checkpoints": {"choices": ["a"]}}}, "checkpoints: no search may vary it"),
        ({"objective": "test_accuracy"}, "held-out images, which could then measure nothing"),
        ({"objective": "val_loss"}, "objective=val_loss is unknown.*best_val_accuracy"),
        ({"sampler": "tpee"}, "sampler=tpee is unknown. Did you mean 'tpe'"),
        ({"trials": 0}, "trials=0 is out of range"),
        ({"overrides": ["seed=2"]}, "seed=2: give it under seed"),
        ({"overrides": ["model.units=[1]"]}, "model.units is in space and in overrides"),
        ({"overrides": ["submission=true"]}, "submission=true: no search may set it"),
        ({"trails": 3}, "trails is unknown. Did you mean 'trials'"),
    ],
)
def test_a_mistake_in_the_file_is_one_sentence_that_names_it(load, changes, said):
    text = refusal(partial(load, **changes))
    assert re.match(f"conf/search/mine.yaml: .*{said}", text)


def test_a_file_without_keys_and_an_unknown_name_are_refused(load, tmp_path):
    load()
    said = "There is no search 'min'. Did you mean 'mine'? Choose one of mine, or add conf/search/"
    assert refusal(search_file.load, "min").startswith(said)
    for text, said in (("a: [", "is not readable as YAML"), ("- a list", "holds a list, expected")):
        (tmp_path / "mine.yaml").write_text(text)
        assert refusal(search_file.load, "mine").startswith(f"conf/search/mine.yaml {said}")


def test_a_sampler_that_needs_pytorch_is_refused_without_it(load, monkeypatch):
    monkeypatch.setattr(search_file.importlib.util, "find_spec", lambda name: None)
    assert "sampler=gp needs PyTorch" in refusal(partial(load, sampler="gp"))


def test_drawn_numbers_have_few_digits_and_stay_within_their_bounds(load):
    rates = load(space={"label_smoothing": {"log_uniform": [0.00012344, 0.5]}})
    one = rates.ranges["label_smoothing"]
    assert one.rounded(0.0123456789) == 0.01235
    assert one.rounded(0.000123441) == 0.00012344
    assert load(space={"batch_size": {"integer": [2, 4]}}).ranges["batch_size"].rounded(3) == 3

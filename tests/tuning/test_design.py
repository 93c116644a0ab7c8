import pytest
import yaml

from src.config import compose, search_file
from src.data.dataset import Dataset
from src.runtime.errors import InputError
from src.tuning import design

SPACE = {
    "optimizer.learning_rate": {"log_uniform": [0.001, 0.1]},
    "model.units": {"choices": [[16], [32]]},
}
SEARCH = {
    "question": "Whether a search works.",
    "experiment": "default",
    "dataset": "files-any",
    "space": SPACE,
    "trials": 4,
    "overrides": ["model=mlp", "epochs=2"],
}
DATA = Dataset("files-any", "0f" * 32, {})


@pytest.fixture
def load(project, monkeypatch):
    """A function that writes a search with changed values, and loads it."""
    (project / "search").mkdir()
    monkeypatch.setattr(design, "SEARCHES", project / "search")

    def loaded(without=(), **changes):
        given = {key: value for key, value in (SEARCH | changes).items() if key not in without}
        (project / "search" / "mine.yaml").write_text(yaml.safe_dump(given, sort_keys=False))
        return search_file.load("mine")

    return loaded


def test_a_search_is_what_its_file_says_and_has_defaults_for_the_rest(load):
    search = load()
    assert (search.trials, search.sampler, search.pruner, search.seed) == (4, "tpe", "median", 1)
    assert search.objective == "best_val_accuracy"
    assert list(search.ranges) == list(SPACE)
    assert str(search.ranges["optimizer.learning_rate"]) == "0.001 to 0.1 (log-uniform)"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"space": {}}, "space is empty: give at least one key"),
        ({"space": {"epochs": {"integer": [5, 2]}}}, r"\[5, 2\].*not below.*write \[2, 5\]"),
        ({"space": {"epochs": {"integer": [5, 5]}}}, "one value: give it under overrides"),
        ({"space": {"epochs": {"integer": [1, 2.5]}}}, "two whole numbers, low and high"),
        ({"space": {"epochs": {"intger": [1, 2]}}}, "epochs.intger is unknown.*'integer'"),
        ({"space": {"epochs": [1, 2]}}, "expected one kind of range"),
        ({"space": {"epochs": {"choices": [1, 1]}}}, "has 1 twice"),
        ({"space": {"epochs": {"choices": []}}}, "give a list of values"),
        ({"space": {"label_smoothing": {"log_uniform": [0, 0.1]}}}, "lower bound above 0"),
        ({"space": {"seed": {"integer": [1, 9]}}}, "seed, which is luck"),
        ({"space": {"mlflow.experiment": {"choices": ["a"]}}}, "which no search may vary"),
        ({"objective": "test_accuracy"}, "held-out images, which then measure nothing any more"),
        ({"objective": "val_loss"}, "objective=val_loss is unknown.*best_val_accuracy"),
        ({"sampler": "tpee"}, "sampler=tpee is unknown. Did you mean 'tpe'"),
        ({"pruner": "hyper"}, "pruner=hyper is unknown"),
        ({"trials": 0}, "trials=0 is out of range"),
        ({"trials": "many"}, "trials is a text .many., expected a whole number"),
        ({"workers": 0}, "workers=0 is out of range"),
        ({"executor": "rya"}, "executor=rya is unknown. Did you mean 'ray'"),
        ({"gpus": -1}, "gpus=-1 is out of range"),
        ({"dataset": "mnist"}, "dataset=mnist is unknown"),
        ({"overrides": ["seed=2"]}, "seed=2: give it under seed"),
        ({"overrides": ["model.units=[1]"]}, "model.units is in space and in overrides"),
        ({"overrides": ["submission=true"]}, "which no search may set"),
        ({"overrides": [3]}, "overrides has 3: write each as in epochs=1"),
        ({"trails": 3}, "trails is unknown. Did you mean 'trials'"),
    ],
)
def test_a_mistake_in_the_file_is_one_sentence_that_names_it(load, changes, said):
    with pytest.raises(InputError, match=said) as refused:
        load(**changes)
    assert str(refused.value).startswith("conf/search/mine.yaml: ")
    assert "\n" not in str(refused.value)


def test_a_missing_key_a_file_that_is_no_yaml_and_an_unknown_name_are_refused(load, project):
    with pytest.raises(InputError, match="trials is missing"):
        load(without=["trials"])
    with pytest.raises(InputError, match="space is empty"):
        load(without=["space"])
    with pytest.raises(InputError, match=r"no search 'min'. Did you mean 'mine'"):
        search_file.load("min")
    (project / "search" / "mine.yaml").write_text("a: [")
    with pytest.raises(InputError, match="is not YAML"):
        search_file.load("mine")


def test_a_sampler_that_needs_pytorch_is_refused_without_it(load, monkeypatch):
    monkeypatch.setattr(search_file.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InputError, match="sampler=gp needs PyTorch"):
        load(sampler="gp")


@pytest.mark.parametrize(
    ("space", "said"),
    [
        ({"optimizer.learning_rat": {"uniform": [0, 1]}}, "learning_rat.*Did you mean"),
        ({"optimizzer": {"choices": ["adam"]}}, "optimizzer"),
        ({"model.dropout": {"uniform": [0.1, 1.5]}}, "model.dropout=1.5 is out of range"),
        ({"batch_size": {"uniform": [1.5, 2.5]}}, "batch_size is a number.*whole number"),
        ({"activation": {"choices": ["relu", "swihs"]}}, "activation=swihs is unknown.*'swish'"),
    ],
)
def test_a_key_or_value_that_no_configuration_has_is_refused(load, space, said):
    search = load(space=space)
    with pytest.raises(InputError, match=said) as refused:
        design.corners(search, design.base(search))
    assert str(refused.value).startswith("space: ")


def test_the_corners_have_each_choice_of_every_group_and_both_ends_of_every_interval(load):
    groups = {"optimizer": {"choices": ["adamw", "sgd"]}, "activation": {"choices": ["relu"]}}
    search = load(space=SPACE | groups | {"batch_size": {"integer": [8, 9]}})
    found = design.corners(search, design.base(search))
    assert {one.choices["optimizer"] for one in found} == {"adamw", "sgd"}
    assert {one.composed.batch_size for one in found} == {8, 9}
    assert {one.composed.optimizer.learning_rate for one in found} == {0.001, 0.1}
    assert {tuple(one.composed.model.units) for one in found} == {(16,), (32,)}


def test_a_trial_is_never_scored_on_the_held_out_images(load):
    search = load()
    assert not compose.resolve(*design.composition(design.base(search), {}, 1)).submission


def test_drawn_numbers_have_few_digits_and_stay_within_their_bounds(load):
    rates = load(space={"label_smoothing": {"log_uniform": [0.00012344, 0.5]}})
    one = rates.ranges["label_smoothing"]
    assert one.rounded(0.0123456789) == 0.01235
    assert one.rounded(0.000123441) == 0.00012344
    assert load(space={"batch_size": {"integer": [2, 4]}}).ranges["batch_size"].rounded(3) == 3


def test_the_same_search_may_have_more_trials_and_workers_but_no_other_space_or_data(load):
    def definition(data=DATA, **changes):
        search = load(**changes)
        return design.definition(search, design.base(search), data)

    same = definition()
    assert definition(trials=9, workers=2, question="Another?") == same
    assert definition(space=dict(reversed(SPACE.items()))) == same
    for changes in (
        {"space": SPACE | {"batch_size": {"integer": [8, 9]}}},
        {"overrides": ["model=mlp", "epochs=3"]},
        {"seed": 2},
        {"sampler": "random"},
        {"pruner": "none"},
        {"data": Dataset("files-any", "1f" * 32, {})},
    ):
        assert definition(**changes) != same


def test_the_searches_of_this_project_can_be_made(project):
    for name in search_file.names():
        search = search_file.load(name)
        assert design.corners(search, design.base(search))

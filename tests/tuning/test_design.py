import pytest

from src.config import compose, search_file
from src.config.search_file import Search
from src.data.dataset import Dataset
from src.runtime.errors import InputError
from src.tuning import design
from tests.support.recipes import SEARCH, SPACE

DATA = Dataset("files-any", "0f" * 32, {})

pytestmark = pytest.mark.usefixtures("project")


def load(**changes):
    return Search(**(SEARCH | changes))


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
def test_a_key_or_value_that_no_configuration_has_is_refused(space, said):
    search = load(space=space)
    with pytest.raises(InputError, match=said) as refused:
        design.corners(search, design.base(search))
    assert str(refused.value).startswith("space: ")


def test_the_corners_have_each_choice_of_every_group_and_both_ends_of_every_interval():
    groups = {"optimizer": {"choices": ["adamw", "sgd"]}, "activation": {"choices": ["relu"]}}
    search = load(space=SPACE | groups | {"batch_size": {"integer": [8, 9]}})
    found = design.corners(search, design.base(search))
    assert {one.choices["optimizer"] for one in found} == {"adamw", "sgd"}
    assert {one.composed.batch_size for one in found} == {8, 9}
    assert {one.composed.optimizer.learning_rate for one in found} == {0.001, 0.1}
    assert {tuple(one.composed.model.units) for one in found} == {(16,), (32,)}


def test_a_trial_is_never_scored_on_the_held_out_images():
    search = load()
    assert not compose.resolve(*design.composition(design.base(search), {}, 1)).submission


def test_the_same_search_may_have_more_trials_and_workers_but_no_other_space_or_data():
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


def test_the_searches_of_this_project_can_be_made():
    for name in search_file.names():
        search = search_file.load(name)
        assert design.corners(search, design.base(search))

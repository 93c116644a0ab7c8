import pytest

from src.config import compose, search_file
from src.config.search_file import Search
from src.core.errors import InputError
from src.data.dataset import Dataset
from src.experiments import search
from src.experiments.search import SearchPlan, Space
from src.experiments.trials import State, Trial
from tests.support.recipes import DATA, SEARCH, SPACE

pytestmark = pytest.mark.usefixtures("project")


def space_of(**changes):
    found = Search(**(SEARCH | changes))
    return Space(found, search.base(found))


def plan_of(data=DATA, level=None, **changes):
    space = space_of(**changes)
    return SearchPlan("mine", space.search, space, data, level)


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
    with pytest.raises(InputError, match=said) as refused:
        space_of(space=space)
    assert str(refused.value).startswith("space: ")


def test_the_edges_have_each_choice_of_every_group_and_both_ends_of_every_interval():
    groups = {"optimizer": {"choices": ["adamw", "sgd"]}, "activation": {"choices": ["relu"]}}
    space = space_of(space=SPACE | groups | {"batch_size": {"integer": [8, 9]}})
    found = [space.composition(edge) for edge in space.edges()]
    assert {one.choices["optimizer"] for one in found} == {"adamw", "sgd"}
    assert {one.composed.batch_size for one in found} == {8, 9}
    assert {one.composed.optimizer.learning_rate for one in found} == {0.001, 0.1}
    assert {tuple(one.composed.model.units) for one in found} == {(16,), (32,)}


def test_a_trial_is_composed_as_its_overrides_would_be():
    groups = {"optimizer": {"choices": ["adamw", "sgd"]}}
    space = space_of(space=SPACE | groups)
    params = {"optimizer": "sgd", "optimizer.learning_rate": 1.234e-05, "model.units": [32]}
    composed, choices = space.composition(params)
    words = [*space.common, *search.words(params), "seed=1", "submission=false"]
    assert words[3] == "optimizer=sgd"  # a group comes before its keys
    expected, chosen = compose.composition(*words)
    assert composed == expected
    assert choices == chosen


def test_a_trial_is_never_scored_on_the_held_out_images_but_a_levels_own_run_is():
    found = Search(**SEARCH)
    params = {"optimizer.learning_rate": 0.01, "model.units": [16]}
    assert not space_of().composition(params).composed.submission
    scored = Space(found, search.base(found), scored=True)
    assert scored.composition(params).composed.submission


def test_the_same_search_may_have_more_trials_and_workers_but_no_other_space_or_data():
    same = plan_of().definition()
    assert plan_of(trials=9, workers=2, question="Another?").definition() == same
    assert plan_of(space=dict(reversed(SPACE.items()))).definition() == same
    for changes in (
        {"space": SPACE | {"batch_size": {"integer": [8, 9]}}},
        {"overrides": ["model=mlp", "epochs=3"]},
        {"seed": 2},
        {"sampler": "random"},
        {"pruner": "none"},
        {"data": Dataset("files-any", "1f" * 32, {})},
    ):
        assert plan_of(**changes).definition() != same


def test_the_searches_of_this_project_can_be_composed():
    for name in search_file.names():
        found = search_file.load(name)
        assert list(Space(found, search.base(found)).edges())


def trial(number, state=State.COMPLETE, value=0.5):
    params = {"optimizer.learning_rate": 0.01, "model.units": [16]}
    return Trial(number, params, state, value, {1: 0.1, 2: 0.5}, 60.0)


def test_the_table_has_the_best_complete_trials_first_and_counts_the_pruned():
    found = [trial(0), trial(1, State.PRUNED, 0.9), trial(2, value=0.75), trial(3, State.OPEN)]
    table = plan_of().results(found)
    assert table.titles[:3] == ["trial", "learning_rate", "units"]
    assert [row[0] for row in table.rows] == ["2", "0"]
    assert table.rows[0] == ["2", "0.01", "[16]", "0.7500", "60"]
    assert table.caption == "The best trials; 1 more pruned"


def test_values_in_one_line_are_short():
    params = {
        "optimizer": "sgd",
        "optimizer.learning_rate": 0.00001234,
        "model.filters": [[4], [8, 8]],
        "label_smoothing": 0.0,
    }
    assert search.params_text(params) == (
        "optimizer=sgd learning_rate=1.234e-05 filters=[[4],[8,8]] label_smoothing=0"
    )

from dataclasses import replace

import pytest

from src.runtime.errors import InputError
from src.tracking import run_tags, store
from src.tuning import runner
from src.experiments.search import Task
from src.experiments.trials import State, Trial
from tests.experiments.test_sampling import search

TASK = Task("mine", search(trials=4, workers=2), ["experiment=default"])
LEVEL = replace(TASK, level="relu")
DEFINITION = {"training": "0f", "space": {"a": 1}, "seed": 1}


def trial(number, state=State.COMPLETE, value=0.5):
    return Trial(number, {"optimizer.rate": 0.01}, state, value, {1: 0.1, 2: 0.5}, 60.0)


@pytest.fixture
def opened(project, monkeypatch):
    """A store of its own, and its experiment."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return store.connect("digits")


def find(opened, task=TASK, anew=False, **changes):
    return runner.find_reusable(*opened, task, DEFINITION | changes, anew=anew)


def begun(opened, task=TASK, **changes):
    client, experiment = opened
    parent_id = runner.create(client, experiment, task, DEFINITION | changes)
    client.set_tag(parent_id, f"{run_tags.TRIAL_PREFIX}0", "{}")
    return parent_id


def test_a_search_goes_on_in_its_own_run(opened):
    assert find(opened) is None
    parent_id = begun(opened)
    assert find(opened) == parent_id


def test_another_search_of_that_name_is_refused_with_what_differs(opened):
    begun(opened)
    with pytest.raises(InputError, match="holds another search mine, with another space and seed"):
        find(opened, space={"b": 1}, seed=2)
    with pytest.raises(InputError, match=r"another recipe, data or code: .*--anew"):
        find(opened, training="1f")
    assert find(opened, training="1f", anew=True) is None


def test_after_a_new_beginning_each_is_found_by_what_it_is(opened):
    first, second = begun(opened), begun(opened, seed=2)
    assert find(opened) == first
    assert find(opened, seed=2) == second


def test_one_that_never_began_a_trial_is_no_obstacle(opened):
    client, experiment = opened
    runner.create(client, experiment, TASK, DEFINITION)
    assert find(opened, seed=2) is None


def test_the_searches_of_a_studys_levels_are_apart_from_it_and_from_each_other(opened, capsys):
    relu = begun(opened, LEVEL)
    assert find(opened) is None
    assert find(opened, LEVEL) == relu
    assert find(opened, replace(TASK, level="swish")) is None
    assert capsys.readouterr().out == ""
    assert find(opened, LEVEL, seed=2) is None
    assert "mine for relu has in MLflow is of other settings" in capsys.readouterr().out


def test_a_failed_trial_is_made_up_for_but_counts_where_levels_must_cost_the_same():
    known = [trial(0), trial(1, State.PRUNED), trial(2, State.FAILED), trial(3, State.OPEN)]
    assert runner.left(TASK, known) == 2
    assert runner.left(LEVEL, known) == 1
    assert runner.left(TASK, [trial(number) for number in range(9)]) == 0


def test_the_line_of_a_trial_tells_what_it_attained_the_best_and_the_time_left():
    known = [trial(0), trial(1, value=0.75)]
    assert runner.progress(TASK, known, known[0], 2) == (
        "2/4 made · trial 0 · rate=0.01 · validation accuracy 0.5000 · 1 min 00 s · "
        "best 0.7500 (trial 1) · 2 left, about 1 min 00 s"
    )
    assert runner.progress(TASK, known, known[1], 2).endswith(
        "validation accuracy 0.7500 · 1 min 00 s · the best so far · 2 left, about 1 min 00 s"
    )
    pruned = [trial(0, State.PRUNED)]
    line = runner.progress(TASK, pruned, pruned[0], 2)
    assert line.endswith("pruned after epoch 2 · 1 min 00 s · 3 left, about 2 min 00 s")


def test_a_start_says_what_is_there_and_what_is_left():
    assert runner._opening(TASK, []) == "Search mine: 4 trials · 0 made · 4 left"
    known = [trial(0), trial(1, State.FAILED), trial(2, State.OPEN)]
    assert runner._opening(TASK, known) == (
        "Search mine: 4 trials · 1 made · 1 failed · 1 to go on with · 3 left"
    )
    assert runner._opening(LEVEL, known).startswith("Search mine for relu: 4 trials")

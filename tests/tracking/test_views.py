import json

import pytest

from src.tracking import store, views


@pytest.fixture
def opened(project, monkeypatch):
    """A client of a new store, and an experiment's id."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return store.connect("digits")


def saved(client, experiment_id):
    """Return the views that an experiment has, by their keys."""
    tags = client.get_experiment(experiment_id).tags.items()
    return {
        name.removeprefix(views.TAG): json.loads(value)
        for name, value in tags
        if name.startswith(views.TAG)
    }


def test_the_table_of_runs_is_saved_once_so_that_a_user_may_change_it(opened):
    client, experiment_id = opened
    views.offer_runs(client, experiment_id)
    [(key, view)] = saved(client, experiment_id).items()
    assert f"viewStateShareKey={key}&" in views.runs_link(experiment_id)
    assert json.loads(view["state"])["selectedColumns"] == ["tags.`activation`", *views.COLUMNS]
    client.set_experiment_tag(experiment_id, views.TAG + key, json.dumps({"name": "My own"}))
    views.offer_runs(client, experiment_id)
    assert saved(client, experiment_id) == {key: {"name": "My own"}}


def test_a_study_that_begins_anew_has_its_new_runs_in_its_view(opened):
    client, experiment_id = opened
    views.offer_study(client, experiment_id, "mine", "0f" * 16, "activation")
    views.offer_study(client, experiment_id, "other", "1f" * 16, "activation")
    views.offer_study(client, experiment_id, "mine", "2f" * 16, "activation")
    found = saved(client, experiment_id)
    assert "2f2f" in json.loads(found["study-mine"]["state"])["searchFilter"]
    assert "1f1f" in json.loads(found["study-other"]["state"])["searchFilter"]
    assert "viewStateShareKey=study-mine&" in views.charts_link(experiment_id, "mine")


def test_a_study_is_grouped_by_its_factors_levels_and_its_link_quotes_its_name(opened):
    client, experiment_id = opened
    views.offer_study(client, experiment_id, "mine", "0f" * 16, "learning rate")
    view = saved(client, experiment_id)["study-mine"]
    state = json.loads(view["state"])
    assert view["name"] == "Study mine by learning rate"
    assert state["groupBy"]["groupByKeys"] == [{"mode": "tag", "groupByData": "variant"}]
    assert state["selectedColumns"] == ["tags.`variant`", *views.COLUMNS]
    assert "=study-two%20%26%20more&" in views.charts_link("1", "two & more")

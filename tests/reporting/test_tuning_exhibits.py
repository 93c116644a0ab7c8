import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from src.analysis import findings
from src.experiments.trials import State, Trial
from src.reporting import tuning_exhibits
from tests.support.drawn_figures import check_layout, labelled, panels_of, rows
from tests.support.simulated_runs import comparable, with_trainings

RATE, SCHEDULE = "optimizer.learning_rate", "schedule"
STATES = [State.COMPLETE] * 4 + [State.FAILED, State.PRUNED]


class Record:
    """As that of a search: of six trials, the third is the best."""

    def __init__(self, parent):
        self.best = 0.98 + 0.001 * int(parent.run_id)

    def trials(self):
        values = [0.95, 0.96, self.best, 0.97, None, 0.9]
        rates = [0.001, 0.003, 0.01, 0.03, 0.02, 0.002]
        drawn = [{RATE: rate, SCHEDULE: "constant"} for rate in rates]
        drawn[0][SCHEDULE] = drawn[2][SCHEDULE] = "one_cycle"
        return list(map(Trial, range(6), drawn, STATES, values))


def run(tags, run_id="1"):
    info = SimpleNamespace(experiment_id="0", run_id=run_id)
    return SimpleNamespace(data=SimpleNamespace(tags=tags), info=info)


@pytest.fixture
def runs(monkeypatch):
    """A tuned study of two activations; the store has no untuned one."""
    monkeypatch.setattr(tuning_exhibits, "Record", Record)
    monkeypatch.setattr(tuning_exhibits.load_runs, "parents", lambda client: [])
    winners = {word: {"trial": 2, "parent_id": str(n)} for n, word in enumerate(("relu", "swish"))}
    found = comparable(("relu", "swish"), (1, 2, 3), images=300, epochs=2)
    return replace(found, tags={"study": "tuned", "tune": "own", "tuned": json.dumps(winners)})


def drawn(exhibit):
    panels = panels_of(exhibit.draw)
    panels[0].figure.draw_without_rendering()
    check_layout(panels[0].figure)
    return panels


def of(runs, sampler="tpe"):
    client = SimpleNamespace(get_run=lambda run_id: run({"sampler": sampler}, run_id))
    return tuning_exhibits.of(client, runs, findings.compute(runs, "ReLU"))


def test_a_study_that_was_not_tuned_has_no_such_exhibits(five_runs, five):
    assert tuning_exhibits.of(None, five_runs, five) == []


def test_the_search_says_what_tuning_was_worth_where_there_is_no_untuned_study(runs):
    gain, curves, winners = of(runs)
    assert [gain.name, curves.name, winners.name] == ["tuning_gain", "tuning_curves", "winners"]
    assert gain.caption.finding == (
        "In validation, the best trial is above the median one by 2.000 pp for ReLU and 2.100 pp "
        "for Swish."
    )
    assert rows(drawn(gain)[0]) == ["ReLU", "Swish"]


def test_a_sampler_that_learns_has_no_band_and_random_search_has(runs):
    [axes] = drawn(of(runs)[1])
    assert labelled(axes)["ReLU"].get_ydata() == pytest.approx([95, 96, 98, 98, 98, 98])
    assert not axes.collections
    curves = of(runs, "random")[1]
    assert len(drawn(curves)[0].collections) == 2
    assert "median best of so many random trials" in curves.caption.reading


def test_winners_stand_among_all_trials_by_key(runs):
    [_, _, winners] = of(runs)
    rate, schedule = drawn(winners)
    assert (rate.get_xlabel(), schedule.get_xlabel()) == (RATE, SCHEDULE)
    assert rate.get_xscale() == "log"
    assert [line.get_xdata()[0] for line in rate.lines] == [0.01, 0.01]
    assert [label.get_text() for label in schedule.get_xticklabels()] == ["one_cycle", "constant"]
    assert "ReLU: learning rate 0.01, schedule one_cycle; Swish:" in winners.caption.finding


def test_values_of_which_some_are_words_and_some_numbers_all_stand_as_words(runs):
    some = [Trial(n, {"rate": rate}, State.COMPLETE, 0.9) for n, rate in enumerate((0.1, None))]
    tuned = {"ReLU": [tuning_exhibits.Tuned(some, 1, "random")]}
    [axes] = tuning_exhibits.winners_figure(findings.compute(runs, "ReLU"), tuned).axes
    assert [label.get_text() for label in axes.get_xticklabels()] == ["0.1", "null"]
    assert axes.lines[0].get_xdata()[0] == 1


def test_of_searches_of_each_seed_all_winners_stand_among_all_trials(runs):
    def winner(one, name):
        own = {"trial": 2 if one.seed == 1 else 3, "parent_id": str(one.seed)}
        return {"tags": {**one.tags, "tuned": json.dumps(own)}}

    tags = {"study": "tuned", "tune": "own"}
    searched = with_trainings(replace(runs, tags=tags), winner)
    [winners] = of(searched)  # no untuned study, and no tuning curve of several searches
    assert winners.name == "winners"
    rate, _ = drawn(winners)
    assert [line.get_xdata().tolist() for line in rate.lines] == 2 * [[0.01, 0.03, 0.03]]
    assert len(rate.collections[0].get_offsets()) == 3 * 6
    said = winners.caption
    assert "ReLU: learning rate 0.01 to 0.03, schedule one_cycle and constant; " in said.finding
    assert "the large markers those of 3 searches" in said.reading
    once = replace(searched, images_by_seed=True)
    assert [one.name for one in of(once)] == ["winners"]


def changed(runs, **params):
    """Return runs with other params."""
    return with_trainings(runs, lambda one, _: {"params": one.params | params})


def test_an_untuned_study_of_the_same_recipe_says_what_tuning_was_worth(runs, monkeypatch):
    before = replace(changed(runs, **{RATE: "0.006"}), title="default", tags={"study": "default"})
    parents = [run({"study": "default"})]
    monkeypatch.setattr(tuning_exhibits.load_runs, "parents", lambda client: parents)
    monkeypatch.setattr(tuning_exhibits.load_runs, "load", lambda client, wanted: before)
    tuned = changed(runs, **{RATE: "0.01"})
    gain = of(tuned)[0]
    assert gain.caption.finding.startswith("Tuning was worth 0.000 pp to ReLU (")
    assert "in the untuned study default" in gain.caption.reading
    assert rows(drawn(gain)[0]) == ["ReLU", "Swish"]
    other = changed(runs, **{RATE: "0.01", "epochs": "9"})
    assert tuning_exhibits.untuned(None, other, [RATE]) is None


def test_the_gain_is_over_the_seeds_that_both_have(runs):
    before = comparable(("swish", "relu", "gelu"), (2, 3, 4), images=300, epochs=2)
    wrong = with_trainings(before, lambda one, _: {"predicted": (one.labels + 1) % 10})
    gains = tuning_exhibits.gained(wrong, runs)
    assert list(gains) == ["ReLU", "Swish"]
    for name, gain in gains.items():
        accuracy = np.stack([one.predicted == one.labels for one in runs.trainings[name][1:]])
        assert gain.value == pytest.approx(accuracy.mean())

from types import SimpleNamespace

import pytest
from mlflow.store.entities import PagedList

from src.experiments import sweep_table


@pytest.mark.parametrize(
    ("values", "text"), [([], "–"), ([0.5], "0.50"), ([0.25, 0.75], "0.50 ± 0.35")]
)
def test_a_spread_is_the_mean_and_from_two_values_on_the_standard_deviation(values, text):
    assert sweep_table.spread(values, ".2f") == text


class Store:
    """A store with a parent run and its finished children."""

    def __init__(self, parent, children):
        self.parent, self.found = parent, [run(tags, seed) for tags, seed in children]

    def get_run(self, run_id):
        return run(self.parent, 0)

    def search_runs(self, *given, **more):
        return PagedList(self.found, None)


def run(tags, seed):
    data = SimpleNamespace(
        tags=tags, params={"seed": str(seed)}, metrics={"test_accuracy": 0.5 + 0.25 * seed}
    )
    return SimpleNamespace(data=data, info=SimpleNamespace(experiment_id="1"))


def table(capsys, parent, children):
    """Return the words of each line of the table."""
    sweep_table.show(Store(parent, children), "0f")
    return [line.split() for line in capsys.readouterr().out.splitlines()]


def test_a_study_has_a_row_for_each_level_also_for_runs_of_older_code(capsys):
    children = [({"variant": "[a]"}, 1), ({"activation": "old"}, 1), ({"variant": "[a]"}, 2)]
    rows = table(capsys, {"factor": "optimizer.learning_rate"}, children)
    assert any(row[:2] == ["learning", "rate"] for row in rows)
    assert ["[a]", "1–2", "0.8750", "±", "0.1768"] in [row[:5] for row in rows]
    assert ["old", "1", "0.7500"] in [row[:3] for row in rows]


@pytest.mark.parametrize("seeds", [[1], [1, 2]])
def test_means_over_the_seeds_are_spoken_of_where_there_are_several(capsys, seeds):
    sweep_table.show(Store({"sweep": "words"}, [({"job": "a"}, seed) for seed in seeds]), "0f")
    assert ("over the seeds" in capsys.readouterr().out) == (len(seeds) > 1)


def test_a_multirun_has_a_row_for_each_of_its_words(capsys):
    children = [({"job": "model=mlp optimizer=adam"}, 1), ({"job": "model=mlp"}, 1)]
    rows = table(capsys, {"sweep": "words"}, children)
    assert ["adam", "1", "0.7500"] in [row[:3] for row in rows]
    assert ["as", "in", "params.yaml", "1", "0.7500"] in [row[:5] for row in rows]

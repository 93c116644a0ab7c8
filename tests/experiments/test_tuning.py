import re
from dataclasses import replace

import numpy as np
import pytest
import yaml

from src.analysis import load_runs
from src.config import search_file, study_file
from src.core.errors import InputError
from src.experiments import grid, tuning
from src.experiments.tuning import Winner
from src.tracking.run_tags import PARENT
from tests.support.commands import make_project, run, runs, store
from tests.support.recipes import DATA

STUDY = {
    "question": "Whether tuning works.",
    "factor": "activation",
    "levels": ["relu", "swish"],
    "reference": "relu",
    "seeds": [1, 2],
    "experiment": "default",
    "dataset": "files-any",
    "overrides": ["model=mlp", "batch_size=4", "epochs=3"],
    "tune": "rate",
    "workers": 2,
}
RATE = {
    "question": "Which learning rate?",
    "experiment": "default",
    "dataset": "files-any",
    "pruner": "none",
    "workers": 2,
    "space": {"optimizer.learning_rate": {"log_uniform": [0.0001, 0.01]}},
    "trials": 3,
    "overrides": ["epochs=2"],
}


def write(folder, search=RATE, study=STUDY):
    for kind, name, given in (("search", "rate", search), ("study", "mine", study)):
        (folder / kind).mkdir(exist_ok=True, parents=True)
        (folder / kind / f"{name}.yaml").write_text(yaml.safe_dump(given, sort_keys=False))


@pytest.fixture
def load(project, monkeypatch):
    """A function that writes a study and a search with changed values, and loads both."""
    monkeypatch.setattr(search_file, "SEARCHES", project / "search")
    monkeypatch.setattr(study_file, "STUDIES", project / "study")

    def loaded(search=None, **study):
        write(project, RATE | (search or {}), STUDY | study)
        study = study_file.load("mine")
        return study, tuning.load(study, DATA)

    return loaded


def test_each_level_is_searched_in_the_studys_recipe_with_the_searchs_overrides_on_top(load):
    _, found = load()
    shared = ["experiment=default", "model=mlp", "batch_size=4", "epochs=3"]
    for (name, seed), plan in found.plans.items():
        assert seed is None
        assert plan.space.common == [*shared, f"activation={name}", "epochs=2"]
        assert {spec.cfg.epochs for spec in plan.samples()} == {2}
        assert {spec.choices["activation"] for spec in plan.samples()} == {name}
        own = found.levels[name].composition({"optimizer.learning_rate": 0.01}).composed
        assert (own.epochs, own.submission) == (3, True)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"tune": "rat"}, "no search 'rat'. Did you mean 'rate'"),
        ({"search": {"dataset": "mnist-kaggle"}}, "is on mnist-kaggle and the study on files-any"),
        ({"search": {"experiment": "notebook"}}, "has experiment=notebook.*same experiment"),
        (
            {"overrides": ["optimizer.learning_rate=0.1"]},
            "space has optimizer.learning_rate, but the runs of relu set it",
        ),
        (
            {"search": {"space": {"activation": {"choices": ["relu"]}}}},
            "space has activation, but the runs of relu set it",
        ),
        ({"search": {"space": {"model.unit": {"uniform": [0, 1]}}}}, "for relu: space: .*units"),
    ],
)
def test_a_search_that_does_not_fit_the_study_is_refused(load, changes, said):
    with pytest.raises(InputError, match=said):
        load(**changes)


def test_what_was_found_joins_the_overrides_of_each_level(load):
    study, _ = load()
    found = {
        (name, None): Winner([f"optimizer.learning_rate={rate}"], 0.9, 1, "id")
        for name, rate in (("relu", 0.1), ("swish", 0.2))
    }
    tuned = tuning.tuned(study, found)
    assert tuned.levels == {
        "relu": ("activation=relu", "optimizer.learning_rate=0.1"),
        "swish": ("activation=swish", "optimizer.learning_rate=0.2"),
    }
    assert replace(tuned, levels=study.levels, tuned=None) == study
    assert tuned.tuned["swish"]["value"] == 0.9


def test_searches_that_are_repeated_differ_by_seed_and_train_on_its_draw_of_the_data(load):
    study, found = load(vary=["seed", "data", "search"], seeds=[0, 1])
    assert list(found.plans) == [(label, seed) for seed in (0, 1) for label in ("relu", "swish")]
    assert tuning.announcement(found, study) == (
        "Tuning by rate: 2 activations × 2 seeds × 3 trials = 12 trials, then the study's runs"
    )
    for (label, seed), plan in found.plans.items():
        [spec, *_] = plan.samples()
        assert spec.cfg.seed == plan.search.seed == tuning.seed_of(found.search, seed)
        assert spec.cfg.seed not in (found.search.seed, *study.seeds)
        assert (spec.cfg.data_seed, spec.cfg.submission) == (seed, False)
        assert spec.data_digest == DATA.draw_anew(seed).digest
        assert spec.choices["activation"] == label
        assert f"data_seed={seed}" in spec.job
    definitions = [found.plans["relu", seed].definition() for seed in (0, 1)]
    assert definitions[0] != definitions[1]
    _, again = load(vary=["seed", "data", "search"], seeds=[1, 5])
    assert again.plans["relu", 1].definition() == definitions[1]


def test_each_seed_gets_what_its_own_search_found(load):
    study, _ = load(vary=["seed", "search"], seeds=[0, 1])
    winners = {
        (label, seed): Winner([f"optimizer.learning_rate=0.{seed + 1}"], 0.9, 1, "id")
        for label in study.levels
        for seed in study.seeds
    }
    tuned = tuning.tuned(study, winners)
    assert (tuned.levels, tuned.tuned) == (study.levels, None)
    assert grid.words(tuned, "relu", 0)[-1] == "optimizer.learning_rate=0.1"
    assert grid.words(tuned, "relu", 1)[-1] == "optimizer.learning_rate=0.2"


@pytest.fixture(scope="module")
def made(small_mnist, tmp_path_factory):
    """A tuned study, and the same command once more."""
    project = make_project(tmp_path_factory.mktemp("tuned"), small_mnist)
    write(project / "conf")
    first = run(project, "src.study", "mine")
    recorded = runs(project)
    light = tmp_path_factory.mktemp("light")
    (light / "tensorflow.py").write_text("raise RuntimeError('tensorflow was imported')")
    again = run(project, "src.study", "mine", PYTHONPATH=str(light))
    return project, first, recorded, again


@pytest.mark.slow
def test_every_level_gets_the_same_budget_and_the_same_draws_and_its_runs_the_winner(made):
    _, done, recorded, _ = made
    assert (done.returncode, done.stderr) == (0, "")
    found = [one for one in recorded if "search_definition" in one.data.tags]
    searches = {one.data.tags["search_level"]: one for one in found}
    assert set(searches) == {"relu", "swish"}
    [study] = [one for one in recorded if "factor" in one.data.tags]
    tuned = yaml.safe_load(study.data.tags["tuned"])
    assert study.data.tags["tune"] == "rate"
    for name, one in searches.items():
        trials = [child for child in recorded if child.data.tags.get(PARENT) == one.info.run_id]
        assert len(trials) == 3
        assert {child.data.params["epochs"] for child in trials} == {"2"}
        [best] = [c for c in trials if c.data.tags["trial"] == one.data.tags["best_trial"]]
        rate = best.data.params["optimizer.learning_rate"]
        assert tuned[name]["overrides"] == [f"optimizer.learning_rate={rate}"]
        assert tuned[name]["parent_id"] == one.info.run_id
        mine = {PARENT: study.info.run_id, "variant": name}.items()
        own = [child for child in recorded if mine <= child.data.tags.items()]
        assert len(own) == 2
        assert {child.data.params["optimizer.learning_rate"] for child in own} == {rate}
        assert {child.data.params["epochs"] for child in own} == {"3"}
    first = [yaml.safe_load(one.data.tags["trial.0"]) for one in searches.values()]
    assert first[0] == first[1]


@pytest.mark.slow
def test_a_tuned_study_that_is_finished_trains_nothing(made):
    project, _, recorded, again = made
    assert (again.returncode, again.stderr) == (0, "")
    for name in ("relu", "swish"):
        assert f"Search rate for {name}: 3 trials · 3 done · 0 left" in again.stdout
    assert re.search(r"Study mine: .* · 4 done · 0 left", again.stdout)
    assert len(runs(project)) == len(recorded)


@pytest.mark.slow
def test_a_study_of_all_sources_of_luck_has_a_search_and_held_out_images_for_each_seed(
    small_mnist, tmp_path
):
    project = make_project(tmp_path, small_mnist)
    vary = ["seed", "split", "data", "search"]
    write(project / "conf", RATE | {"trials": 2}, STUDY | {"vary": vary})
    done = run(project, "src.study", "mine")
    assert (done.returncode, done.stderr) == (0, "")
    assert "2 activations × 2 seeds × 2 trials = 8 trials, then the study's runs\n" in done.stdout
    recorded = runs(project)
    searches = {one.info.run_id: one for one in recorded if "search_definition" in one.data.tags}
    assert len(searches) == 4
    [study] = [one for one in recorded if "factor" in one.data.tags]
    children = [one for one in recorded if one.data.tags.get(PARENT) == study.info.run_id]
    assert len(children) == 4
    for child in children:
        winner = yaml.safe_load(child.data.tags["tuned"])
        own = searches[winner["parent_id"]].data
        assert own.tags["search_level"] == child.data.tags["variant"]
        assert own.tags["search_seed"] == child.data.params["seed"]
        assert own.tags["data_digest"] == child.data.tags["data_digest"]
        assert own.tags["best_overrides"] == " ".join(winner["overrides"])
        rate = child.data.params["optimizer.learning_rate"]
        assert winner["overrides"] == [f"optimizer.learning_rate={rate}"]
    found = load_runs.load(store(project), "mine")
    assert found.images_by_seed
    first, second = found.trainings["ReLU"]
    assert not np.array_equal(first.labels, second.labels)
    again = run(project, "src.study", "mine")
    assert (again.returncode, again.stderr) == (0, "")
    assert len(runs(project)) == len(recorded)

import re
from dataclasses import replace

import pytest
import yaml

from src.config import search_file, study_file
from src.core.errors import InputError
from src.experiments import tuning
from src.experiments.tuning import Winner
from src.tracking.run_tags import PARENT
from tests.support.commands import make_project, run, runs
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
    for name, plan in found.plans.items():
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
        name: Winner([f"optimizer.learning_rate={rate}"], 0.9, 1, "id")
        for name, rate in (("relu", 0.1), ("swish", 0.2))
    }
    tuned = tuning.tuned(study, found)
    assert tuned.levels == {
        "relu": ("activation=relu", "optimizer.learning_rate=0.1"),
        "swish": ("activation=swish", "optimizer.learning_rate=0.2"),
    }
    assert replace(tuned, levels=study.levels, tuned=None) == study
    assert tuned.tuned["swish"]["value"] == 0.9


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

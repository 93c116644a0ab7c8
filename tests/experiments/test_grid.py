import json
import re
from collections import Counter
from dataclasses import replace

import pytest

from src.config import compose, factor, named_file, study_file
from src.config.study_file import Study
from src.data.dataset import Dataset
from src.experiments import grid
from src.experiments.grid import Decision
from src.tracking import fingerprint
from tests.support.recipes import TINY
from tests.support.refusal import refusal

DATA = Dataset("mnist-kaggle", "0f" * 32, {})
STUDY = Study(
    question="Does it matter?",
    factor=factor.of("activation", ["relu", "swish"]),
    levels={"relu": ("activation=relu",), "swish": ("activation=swish",)},
    reference="relu",
    seeds=(1, 2),
    experiment="default",
    dataset="mnist-kaggle",
    smallest_effect=0.0002,
    overrides=TINY,
)
RATES = replace(
    STUDY,
    factor=factor.of("optimizer.learning_rate", [0.003, 0.006]),
    levels={rate: (f"optimizer.learning_rate={rate}",) for rate in ("0.003", "0.006")},
    reference="0.003",
)
pytestmark = pytest.mark.usefixtures("project")


def runs(study, data=DATA):
    """Return the runs of a study by level and seed."""
    found = grid.study_plan("mine", study, data).specs.values()
    return {(spec.level, spec.cfg.seed): spec for spec in found}


def digests(study, data=DATA):
    return {key: spec.digest for key, spec in runs(study, data).items()}


def test_other_data_than_the_studys_is_refused_with_the_way_to_its_own():
    study = study_file.load("fashion")
    named_file.check_data("study", study.dataset, Dataset(study.dataset, "0f" * 32, {}))
    said = refusal(named_file.check_data, "study", study.dataset, DATA)
    assert "on fashion_mnist-kaggle, but data/processed holds mnist-kaggle" in said
    assert "fetch.source: fashion_mnist and fetch.layout: kaggle in params.yaml" in said


def test_another_draw_than_the_studys_is_refused_with_the_way_to_its_own():
    named_file.check_data("study", DATA.name, replace(DATA, fetch_seed=7), 7)
    named_file.check_data("study", DATA.name, replace(DATA, fetch_seed=8), None)
    for found, holds in ((8, "drawn with fetch.seed=8"), (None, "with no recorded seed")):
        drawn = replace(DATA, fetch_seed=found)
        assert refusal(named_file.check_data, "study", DATA.name, drawn, 7) == (
            f"This study is on the draw of fetch_seed=7, but data/processed holds mnist-kaggle "
            f"{holds}: set fetch.seed: 7 in params.yaml, and run `dvc repro preprocess`."
        )


def test_runs_are_seed_by_seed_and_every_level_is_as_often_at_each_place():
    labels, seeds = ("relu", "swish", "gelu"), (5, 3, 4, 8, 1, 2)
    order = list(grid.in_turn(labels, seeds))
    assert [seed for _, seed in order] == [seed for seed in seeds for _ in labels]
    assert set(order) == {(label, seed) for label in labels for seed in seeds}
    assert Counter((place % 3, label) for place, (label, _) in enumerate(order)) == dict.fromkeys(
        [(place, label) for place in range(3) for label in labels], 2
    )


def test_runs_are_named_by_level_and_seed_and_have_their_own_folders():
    found = list(runs(RATES).values())
    names = ["0.003-seed1", "0.006-seed1", "0.006-seed2", "0.003-seed2"]
    assert [spec.name for spec in found] == names
    plan = grid.study_plan("mine", RATES, DATA)
    plan.current = list(plan.specs)
    [batch] = plan.batches()
    assert str(list(batch)[1].folder) == "1-0.006-seed1"


def test_digests_differ_by_run_and_recipe_but_not_by_a_studys_lists():
    found = digests(STUDY)
    assert len(set(found.values())) == len(found) == 4
    relu = {"relu": ("activation=relu",)}
    longer = replace(STUDY, levels={"gelu": ("activation=gelu",), **relu}, seeds=(3, 2, 1))
    again = digests(replace(longer, workers=2, smallest_effect=0.1))
    for seed in STUDY.seeds:
        assert again["relu", seed] == found["relu", seed]
    smoother = replace(STUDY, overrides=(*TINY, "label_smoothing=0.2"))
    for other, data in ((smoother, DATA), (STUDY, replace(DATA, digest="10" * 32))):
        assert not set(digests(other, data).values()) & set(found.values())


def test_a_split_that_varies_is_drawn_by_the_runs_seed_and_part_of_its_digest():
    varied = replace(STUDY, vary=("seed", "split"))
    assert {key[1]: spec.cfg.split_seed for key, spec in runs(varied).items()} == {1: 1, 2: 2}
    assert not set(digests(varied).values()) & set(digests(STUDY).values())


def test_data_that_varies_is_drawn_by_the_runs_seed_and_alike_for_the_levels():
    varied = replace(STUDY, vary=("seed", "data"))
    found = runs(varied)
    assert {key[1]: spec.cfg.data_seed for key, spec in found.items()} == {1: 1, 2: 2}
    assert found["relu", 1].data_digest == found["swish", 1].data_digest
    assert found["relu", 1].data_digest != found["relu", 2].data_digest
    assert digests(replace(STUDY, vary=("seed", "split", "data"))) == digests(varied)


def test_what_the_searches_of_a_seed_found_is_in_that_seeds_runs_alone():
    rates = {(label, seed): 0.001 * (seed + (label == "relu")) for label, seed in runs(STUDY)}
    found = {
        key: {"overrides": [f"optimizer.learning_rate={rate}"], "trial": 1}
        for key, rate in rates.items()
    }
    searched = runs(replace(STUDY, vary=("seed", "search"), searched=found))
    for key, spec in searched.items():
        assert spec.cfg.optimizer["learning_rate"] == rates[key]
        assert json.loads(spec.tags["tuned"]) == found[key]
        assert json.loads(spec.tags["level"]) == [f"activation={key[0]}", *found[key]["overrides"]]
        assert spec.name == f"{key[0]}-seed{key[1]}"


def test_any_key_of_the_configuration_is_a_factor():
    rates = {key: spec.cfg.optimizer["learning_rate"] for key, spec in runs(RATES).items()}
    assert rates == {(label, seed): float(label) for label in RATES.levels for seed in (1, 2)}


def test_variants_set_several_keys_at_once_and_may_choose_their_recipe():
    variants = {
        "A": ("optimizer=sgd", "schedule=constant"),
        "B": ("experiment=notebook", "optimizer=adam"),
    }
    study = replace(STUDY, factor=factor.of("variant", []), levels=variants, reference="A")
    found = {label: spec.choices for (label, _), spec in runs(study).items()}
    assert (found["A"]["optimizer"], found["A"]["schedule"]) == ("sgd", "constant")
    assert (found["A"]["experiment"], found["B"]["experiment"]) == ("default", "notebook")


def key(name, *levels):
    return {"factor": factor.of(name, levels), "levels": {str(one): (one,) for one in levels}}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"levels": {"swihs": ("activation=swihs",)}}, "activation=swihs .*'swish'"),
        ({"experiment": "notbook"}, "experiment=notbook .*'notebook'"),
        ({"seeds": (1, -1)}, "seed=-1 is out of range"),
        ({"overrides": ("epohcs=3",)}, "epohcs.*epochs"),
        ({"overrides": ("epochs=1,2",)}, "epochs=1,2 lists several"),
        ({"overrides": ("epochs",)}, "'epochs' is not readable"),
        (
            key("optimizer.learning_rat", "optimizer.learning_rat=1"),
            r"factor is optimizer\.learning_rat, .*'optimizer\.learning_rate'",
        ),
        (key("optimiser", "optimiser=adam"), "factor is optimiser, .*'optimizer'"),
        (key("mlflow.experiment", "mlflow.experiment=a"), r"factor is mlflow\.experiment"),
        (
            key("optimizer.learning_rate", "optimizer.learning_rate=fast"),
            r"optimizer\.learning_rate=fast is a text, but .* a number",
        ),
        (key("epochs", "epochs=1.5"), r"epochs is a number \(1\.5\), expected a whole number"),
        (
            key("optimizer.learning_rate", "optimizer.learning_rate=-1"),
            r"optimizer\.learning_rate=-1 is out of range",
        ),
        (
            {"levels": {"one": ("epochs=3",), "two": ("epochs=2", "epochs=3")}},
            "the levels one and two come to the same configuration",
        ),
    ],
)
def test_a_run_that_cannot_be_configured_is_one_sentence(changes, said):
    assert re.search(said, refusal(runs, replace(STUDY, **changes)))


def test_a_digest_is_the_one_of_its_composed_configuration():
    study = study_file.load("notebook")
    given = (*grid.words(study, "swish_beta"), "seed=3")
    assert given == ("experiment=notebook", "epochs=6", "activation=swish_beta", "seed=3")
    composed, _ = compose.composition(*given)
    assert digests(study)["swish_beta", 3] == fingerprint.digest(
        fingerprint.settings(composed), DATA
    )


PLAN = replace(STUDY, seeds=tuple(range(1, 9)), looks=(2, 4, 8))


@pytest.mark.parametrize(
    ("seeds", "decided", "ending"),
    [
        (2, False, "Look 1 of 3, after 2 seeds: All is well · continuing to 4 seeds"),
        (4, True, "Look 2 of 3, after 4 seeds: All is well · the study ends here"),
        (8, True, "Look 3 of 3, after 8 seeds: All is well · the study ends"),
        (
            8,
            False,
            "Look 3 of 3, after 8 seeds: All is well · no more than 8 seeds are planned, so the "
            "study ends undecided",
        ),
    ],
)
def test_the_line_of_a_look_has_its_result_and_how_the_study_continues(seeds, decided, ending):
    plan = grid.study_plan("plan", PLAN, DATA)
    assert plan._look(seeds, Decision(decided, "All is well")) == ending


def test_a_study_with_looks_opens_with_them():
    plan = grid.study_plan("plan", PLAN, DATA)
    plan.done = {next(iter(plan.specs)): None, "one that is no longer listed": None}
    assert plan.opening() == (
        "Study plan: 2 activations × at most 8 seeds = 16 runs, with a look after 2, 4 and 8 "
        "seeds, and 1 that it no longer lists · 1 done · 15 left"
    )

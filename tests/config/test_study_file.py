import re
from functools import partial

import pytest
import yaml

from src.config import factor, named_file, study_file
from src.config.study_file import Study
from src.data.dataset import Dataset
from src.experiments import grid
from tests.support.recipes import TINY
from tests.support.refusal import refusal

DATA = Dataset("mnist-kaggle", "0f" * 32, {})
ON = {"experiment": "default", "dataset": "mnist-kaggle"}
SWISH = ON | {
    "question": "Does Swish beat ReLU?",
    "factor": "activation",
    "levels": ["swish", "relu"],
    "seeds": [1, 2],
    "overrides": list(TINY),
}
PLANNED = ON | {
    "question": "Does the rate matter?",
    "compare": "all",
    "seeds": {"until": "decided", "at_most": 8, "looks": [5, 8]},
    "smallest_effect": 0.001,
    "because": "One in a thousand.",
    "vary": ["seed", "split"],
    "overrides": ["epochs=1"],
    "workers": 2,
}
RATE = {"factor": "optimizer.learning_rate", "levels": [0.003, 6e-3, 1], "reference": 0.006}
RATES = PLANNED | RATE
VARIANTS = PLANNED | {"variants": {"Adam": ["optimizer=adam", "schedule=constant"], "as it is": []}}


@pytest.fixture
def written(tmp_path, monkeypatch):
    """Write a study named mine, and be where studies are looked for."""
    monkeypatch.setattr(study_file, "STUDIES", tmp_path)

    def write(content, **changes):
        kept = {key: value for key, value in (content | changes).items() if value != "-"}
        (tmp_path / "mine.yaml").write_text(yaml.safe_dump(kept))
        return study_file.load("mine")

    return write


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize("name", study_file.names())
def test_every_study_of_the_project_can_be_configured_and_says_how_to_run_it(name):
    study = study_file.load(name)
    runs = grid.compose_runs("default", study, DATA)
    assert len(runs) == len(study.levels) * len(study.seeds)
    assert min(len(study.levels), len(study.seeds)) > 1  # something to compare, and a spread
    command = "python -m src.study" + ("" if name == "default" else f" {name}")
    head = (study_file.STUDIES / f"{name}.yaml").read_text().split("question:")[0]
    assert re.search(rf"^#   {command}( |$)", head, re.MULTILINE)


def test_a_study_has_defaults(written):
    assert written(SWISH) == Study(
        **ON,
        question="Does Swish beat ReLU?",
        factor=factor.of("activation", ["swish", "relu"]),
        levels={"swish": ("activation=swish",), "relu": ("activation=relu",)},
        reference="relu",
        seeds=(1, 2),
        smallest_effect=0.0002,
        overrides=TINY,
    )
    assert written(SWISH, dataset="fashion_mnist-kaggle").smallest_effect == 0.002


def test_a_study_is_what_its_file_says(written):
    study = written(RATES, executor="ray", cpus=2, gpus=0.5)
    assert study == Study(
        **ON,
        question="Does the rate matter?",
        factor=factor.of("optimizer.learning_rate", [0.003, 0.006, 1]),
        levels={one: (f"optimizer.learning_rate={one}",) for one in ("0.003", "0.006", "1")},
        reference="0.006",
        compare="all",
        seeds=tuple(range(1, 9)),
        looks=(5, 8),
        smallest_effect=0.001,
        because="One in a thousand.",
        vary=("seed", "split"),
        overrides=("epochs=1",),
        workers=2,
        executor="ray",
        cpus=2,
        gpus=0.5,
    )
    assert study.factor.numeric
    assert written(RATES, fetch_seed=7).fetch_seed == 7


@pytest.mark.parametrize(
    ("more", "drawn"),
    [
        ([], {}),
        (["split"], {"split_seed": 3}),
        (["data"], {"data_seed": 3}),
        (["split", "data"], {"data_seed": 3}),  # data includes split
        (["search"], {}),
        (["split", "search"], {"split_seed": 3}),
        (["data", "search"], {"data_seed": 3}),
        (["split", "data", "search"], {"data_seed": 3}),
    ],
)
def test_any_sources_of_luck_may_vary_with_the_seed(written, more, drawn):
    study = written(SWISH, vary=["seed", *more], tune="rate" if "search" in more else "-")
    assert study_file.draws(study.vary, 3) == drawn


def test_variants_are_levels_of_several_keys(written):
    study = written(VARIANTS)
    assert study.factor == factor.Factor("variant", "variant", "variants", False)
    assert study.levels == {"Adam": ("optimizer=adam", "schedule=constant"), "as it is": ()}
    assert study.reference == "Adam"


def test_levels_may_have_labels_and_be_lists_texts_and_switches(written):
    named = written(RATES, levels={"low": 0.003, "high": 0.1}, reference="low")
    assert named.levels["high"] == ("optimizer.learning_rate=0.1",)
    assert named.factor.numeric
    lists = written(RATES, factor="model.units", levels=[[16], [32, 8]], reference="-")
    assert lists.levels == {"[16]": ("model.units=[16]",), "[32,8]": ("model.units=[32,8]",)}
    assert lists.reference == "[16]"
    switches = written(RATES, factor="optimizer.nesterov", levels=[True, False], reference=False)
    assert list(switches.levels) == ["true", "false"]
    assert switches.reference == "false"
    text = written(RATES, factor="precision", levels=["float32", "it's"], reference="float32")
    assert text.levels["it's"] == ("precision='it\\'s'",)


def test_the_recipe_is_a_factor_too(written):
    recipes = {"factor": "experiment", "levels": ["default", "notebook"], "reference": "default"}
    study = written(RATES, **recipes, experiment="-")
    assert study.experiment is None
    assert "experiment is the factor" in refusal(partial(written, RATES, **recipes))


MISTAKES = [
    (SWISH, {"levels": []}, "levels is empty"),
    (SWISH, {"seeds": []}, "seeds is empty"),
    (SWISH, {"seeds": "-"}, "seeds is missing: see conf/study/"),
    (SWISH, {"seeds": [1, 2, 1]}, "seeds has 1 twice"),
    (SWISH, {"seeds": [1, "two"]}, r"seeds\[1\] is a text \(two\), expected a whole number"),
    (SWISH, {"seeds": [True]}, r"seeds\[0\].*True"),
    (SWISH, {"seeds": 3}, r"seeds is a whole number \(3\), expected a list"),
    (SWISH, {"levels": ["relu", {"a": 1}]}, "levels has {'a': 1}"),
    (SWISH, {"levels": "-"}, "it has no levels"),
    (SWISH, {"variants": {"a": []}}, "it has levels and variants"),
    (SWISH, {"experiment": "-"}, "experiment is missing"),
    (SWISH, {"workers": 65}, "workers=65 is out of range: use a number from 1 to 64"),
    (SWISH, {"executor": "rya"}, "executor=rya is unknown. Did you mean 'ray'"),
    (SWISH, {"gpus": "one"}, r"gpus is a text \(one\), expected a number.*in that file"),
    (SWISH, {"dataset": "mnist"}, "dataset=mnist .*fashion_mnist"),
    (SWISH, {"datset": "mnist-kaggle"}, "datset is unknown.*'dataset'"),
    (SWISH, {"overrides": ["seed=3"]}, "overrides has seed=3: give it under seeds"),
    (SWISH, {"overrides": ["+activation=relu"]}, "activation=relu, but the level relu sets"),
    (SWISH, {"overrides": ["mlflow.experiment=b"]}, r"mlflow\.experiment=b: no study may"),
    (RATES, {"factor": "-"}, "factor is missing"),
    (RATES, {"factor": "seed"}, "factor is seed: give it under seeds"),
    (RATES, {"factor": "fetch.source"}, r"factor is fetch\.source: .* same data"),
    (RATES, {"factor": "optimizer"}, "levels has 0.003, a number, but .* conf/optimizer/"),
    (RATES, {"levels": [0.006, 6e-3]}, r"levels has 0\.006 twice"),
    (RATES, {"levels": {"": 1}}, "levels has the label ''"),
    (RATES, {"reference": 0.005}, r"reference=0\.005 is unknown.*'0\.00."),
    (RATES, {"overrides": ["preprocess.seed=1"]}, "give it under dataset"),
    (RATES, {"overrides": ["split_seed=1"]}, r"give it under vary: \[seed, split\]"),
    (RATES, {"overrides": ["data_seed=1"]}, r"give it under vary: \[seed, data\]"),
    (RATES, {"overrides": ["experiment=default"]}, r"give it under experiment"),
    (RATES, {"compare": "some"}, "compare=some is unknown. Choose one of reference, all"),
    (RATES, {"vary": ["split"]}, r"vary=\[split\] is unknown.*of \[seed\], \[seed,split\]"),
    (RATES, {"vary": ["seed", "data", "split"]}, r"vary=\[seed,data,split\] is unknown"),
    (SWISH, {"vary": ["seed", "search"]}, r"vary=\[seed,search\], but no search .* under tune"),
    (
        PLANNED | RATE,
        {"vary": ["seed", "search"], "tune": "a"},
        r"vary=\[seed,search\], but a study with planned looks .*list the seeds",
    ),
    (
        SWISH,
        {"vary": ["seed", "data"], "tune": "a"},
        r"vary=\[seed,data\], but one search per level would .*add search",
    ),
    (RATES, {"smallest_effect": 0}, r"smallest_effect=0 is out of range"),
    (RATES, {"because": "-"}, r"smallest_effect=0\.001 is given without a reason: .* key because"),
    (RATES, {"because": " "}, r"smallest_effect=0\.001 is given without a reason: .* key because"),
    (RATES, {"because": 3}, r"because is a whole number \(3\), expected a text"),
    (RATES, {"fetch_seed": 1.5}, r"fetch_seed is a number \(1\.5\), expected a whole number"),
    (RATES, {"fetch_seed": -1}, "fetch_seed=-1 is out of range"),
    (SWISH, {"fetch_seed": 1, "dataset": "mnist-mnist"}, "fetch_seed=1, .* nothing of mnist-mnist"),
    (RATES, {"levels": [0.003], "reference": "-"}, "need 2 levels"),
    (VARIANTS, {"variants": ["a"]}, r"variants\.a is a text \(a\), expected a list"),
    (VARIANTS, {"variants": {"a": [1]}}, r"variants\.a\[0\] is a whole number \(1\)"),
    (VARIANTS, {"variants": {"a": ["seed=1"]}}, r"variants\.a has seed=1: give it under seeds"),
    (VARIANTS, {"variants": {"a": ["mlflow.enabled=false"]}}, r"variants\.a .* no study may set"),
    (VARIANTS, {"overrides": ["optimizer=sgd"]}, "but the level Adam sets optimizer too"),
    (VARIANTS, {"factor": "optimizer"}, "factor is optimizer, but variants are given"),
]
PLANS = [
    ({"until": "decided"}, "seeds has no at_most"),
    ({"at_most": 30}, "seeds.until is missing: write {until: decided"),
    ({"until": "bored", "at_most": 30}, "seeds.until=bored is unknown. Choose one of decided"),
    ({"until": "decided", "at_mots": 30}, "seeds.at_mots is unknown. Did you mean 'at_most'"),
    ({"until": "decided", "at_most": 4}, "seeds.at_most=4 is too few: below 5 .* alarms at 5%"),
    ({"until": "decided", "at_most": 1001}, "seeds.at_most=1001 is out of range"),
    ({"until": "decided", "at_most": 9, "looks": []}, "seeds.looks is "),
    ({"until": "decided", "at_most": 9, "looks": [5, "x"]}, r"seeds\.looks\[1\] is a text"),
    ({"until": "decided", "at_most": 9, "looks": [6, 5, 9]}, "seeds.looks is .*more seeds"),
    ({"until": "decided", "at_most": 9, "looks": [4, 9]}, r"seeds\.looks\[0\]=4 is too few"),
    ({"until": "decided", "at_most": 9, "looks": [5, 8]}, "at_most=9, but .* after 8 seeds"),
]
MISTAKES += [(RATES, {"seeds": plan}, said) for plan, said in PLANS]


@pytest.mark.parametrize(
    ("plan", "looks"),
    [
        ({"at_most": 6, "looks": [5, 6]}, (5, 6)),
        ({"looks": [5, 6]}, (5, 6)),
        ({"at_most": 30}, (5, 10, 20, 30)),
        ({"at_most": 40}, (5, 10, 20, 40)),
        ({"at_most": 5}, (5,)),
    ],
)
def test_a_plan_has_the_seeds_up_to_its_last_look_and_doubles_them_where_it_names_none(
    written, plan, looks
):
    study = written(RATES, seeds={"until": "decided", **plan})
    assert study.looks == looks
    assert study.seeds == tuple(range(1, looks[-1] + 1))


@pytest.mark.parametrize(("content", "changes", "said"), MISTAKES)
def test_a_mistake_in_a_study_is_one_sentence_that_names_its_file(written, content, changes, said):
    text = refusal(partial(written, content, **changes))
    assert re.match(f"conf/study/mine.yaml: .*{said}", text)


@pytest.mark.usefixtures("project")
def test_a_level_of_the_wrong_kind_is_to_be_fixed_in_the_studys_own_file(written):
    study = written(RATES, factor="epochs", levels=["one", 2], reference=2, overrides=[])
    plan = named_file.errors_in("conf/study/a")(grid.study_plan)
    assert re.match("conf/study/a: .*one.* Fix it in that file", refusal(plan, "mine", study, DATA))


def test_an_unknown_study_gets_the_nearest_and_every_known_name():
    said = refusal(study_file.load, "defalt")
    assert re.search("'defalt'.*'default'.* fashion, learning_rate", said)

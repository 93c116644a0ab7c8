import re

import pytest
import yaml

from src.config import factor, study_file
from src.config.study_file import Study
from src.data.dataset import Dataset
from src.runtime.errors import InputError
from src.studies import design
from tests.support.recipes import TINY

DATA = Dataset("mnist-kaggle", "0f" * 32, {})
OLD = {
    "description": "Whether it matters.",
    "activations": ["swish", "relu"],
    "seeds": [1, 2],
    "experiment": "default",
    "dataset": "mnist-kaggle",
    "overrides": list(TINY),
}
RATES = {
    "question": "Does the rate matter?",
    "factor": "optimizer.learning_rate",
    "levels": [0.003, 6e-3, 1],
    "reference": 0.006,
    "compare": "all",
    "seeds": {"until": "decided", "at_most": 8, "looks": [3, 8]},
    "smallest_effect": 0.001,
    "vary": ["seed", "split"],
    "experiment": "default",
    "dataset": "mnist-kaggle",
    "overrides": ["epochs=1"],
    "workers": 2,
}
VARIANTS = {
    key: value for key, value in RATES.items() if key not in ("factor", "levels", "reference")
} | {"variants": {"Adam": ["optimizer=adam", "schedule=constant"], "as it is": []}}


@pytest.fixture
def written(tmp_path, monkeypatch):
    """Write a study named mine, and be where studies are looked for."""
    folder = tmp_path / "study"
    folder.mkdir()
    monkeypatch.setattr(study_file, "STUDIES", folder)

    def write(content=None, text=None, **changes):
        kept = {key: value for key, value in ((content or {}) | changes).items() if value != "-"}
        (folder / "mine.yaml").write_text(text or yaml.safe_dump(kept))
        return study_file.load("mine")

    return write


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize("name", study_file.names())
def test_every_study_of_the_project_can_be_configured_and_says_how_to_run_it(name):
    study = study_file.load(name)
    runs = design.digests(design.compositions(study), DATA)
    assert len(set(runs.values())) == len(study.levels) * len(study.seeds)
    assert min(len(study.levels), len(study.seeds)) > 1  # something to compare, and a spread
    command = "python -m src.study" + ("" if name == "default" else f" {name}")
    head = (study_file.STUDIES / f"{name}.yaml").read_text().split("question:")[0]
    assert re.search(rf"^#   {command}( |$)", head, re.MULTILINE)


def test_an_older_file_is_a_study_of_activations(written):
    assert written(OLD) == Study(
        question="Whether it matters.",
        factor=factor.of("activation", ["swish", "relu"]),
        levels={"swish": ("activation=swish",), "relu": ("activation=relu",)},
        reference="relu",
        seeds=(1, 2),
        experiment="default",
        dataset="mnist-kaggle",
        smallest_effect=0.0002,
        overrides=TINY,
    )


def test_a_study_is_what_its_file_says(written):
    assert written(RATES) == Study(
        question="Does the rate matter?",
        factor=factor.of("optimizer.learning_rate", [0.003, 0.006, 1]),
        levels={one: (f"optimizer.learning_rate={one}",) for one in ("0.003", "0.006", "1")},
        reference="0.006",
        compare="all",
        seeds=tuple(range(1, 9)),
        looks=(3, 8),
        smallest_effect=0.001,
        vary=("seed", "split"),
        experiment="default",
        dataset="mnist-kaggle",
        overrides=("epochs=1",),
        workers=2,
    )
    assert written(RATES).factor.numeric


def test_a_study_may_say_what_makes_its_runs_and_what_each_of_them_needs(written):
    study = written(RATES, executor="ray", cpus=2, gpus=0.5)
    assert (study.executor, study.cpus, study.gpus) == ("ray", 2, 0.5)
    assert (written(RATES).executor, written(RATES).cpus, written(RATES).gpus) == (None, 1, 0.0)


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
    with pytest.raises(InputError, match="experiment is the factor"):
        written(RATES, **recipes)


def test_fashion_mnist_has_a_smallest_effect_of_its_own(written):
    assert written(OLD, dataset="fashion_mnist-kaggle").smallest_effect == 0.002


MISTAKES = [
    (OLD, {"activations": []}, "activations is empty"),
    (OLD, {"seeds": []}, "seeds is empty"),
    (OLD, {"seeds": "-"}, "seeds is missing"),
    (OLD, {"seeds": None}, "seeds is empty"),
    (OLD, {"seeds": [1, 2, 1]}, "seeds has 1 twice"),
    (OLD, {"seeds": [1, "two"]}, r"seeds\[1\] is a text \(two\)"),
    (OLD, {"seeds": [1.5]}, r"seeds\[0\].*1\.5"),
    (OLD, {"seeds": [True]}, r"seeds\[0\].*True"),
    (OLD, {"seeds": 3}, r"seeds is a whole number \(3\)"),
    (OLD, {"activations": "relu"}, r"activations is a text \(relu\)"),
    (OLD, {"activations": ["relu", "relu"]}, "activations has relu twice"),
    (OLD, {"activations": ["relu", {"a": 1}]}, "activations has {'a': 1}"),
    (OLD, {"activations": "-"}, "it has no levels"),
    (OLD, {"levels": [1]}, "it has levels and activations"),
    (OLD, {"factor": "optimizer"}, "factor is optimizer, but activations are given"),
    (OLD, {"description": "-"}, "question is missing"),
    (OLD, {"experiment": "-"}, "experiment is missing"),
    (OLD, {"workers": 0}, "workers=0 .* 1 to "),
    (OLD, {"executor": "rya"}, "executor=rya is unknown. Did you mean 'ray'"),
    (OLD, {"cpus": 0}, "cpus=0 is out of range"),
    (OLD, {"gpus": "one"}, r"gpus is a text \(one\)"),
    (OLD, {"workers": "many"}, r"workers is a text \(many\)"),
    (OLD, {"dataset": "mnist"}, "dataset=mnist .*fashion_mnist"),
    (OLD, {"datset": "mnist-kaggle"}, "datset is unknown.*'dataset'"),
    (OLD, {"overrides": ["seed=3"]}, "overrides has seed=3: give it under seeds"),
    (OLD, {"overrides": ["+activation=relu"]}, "the factor: give it under activations"),
    (OLD, {"overrides": ["mlflow.experiment=b"]}, r"overrides has mlflow\.experiment=b"),
    (RATES, {"factor": "-"}, "factor is missing"),
    (RATES, {"factor": "seed"}, "factor is seed"),
    (RATES, {"factor": "submission"}, "factor is submission"),
    (RATES, {"factor": "fetch.source"}, r"factor is fetch\.source, .* same data"),
    (RATES, {"factor": "optimizer"}, "levels has 0.003, a number, but .* conf/optimizer/"),
    (RATES, {"levels": 3}, r"levels is a whole number \(3\)"),
    (RATES, {"levels": [0.006, 6e-3]}, r"levels has 0\.006 twice"),
    (RATES, {"levels": {"": 1}}, "levels has the label ''"),
    (RATES, {"levels": {"a\nb": 1}}, "levels has the label"),
    (RATES, {"reference": 0.005}, r"reference is 0\.005, which is no level.*'0\.00."),
    (RATES, {"overrides": ["optimizer.learning_rate=1"]}, "learning_rate=1, the factor"),
    (RATES, {"overrides": ["preprocess.seed=1"]}, "give the data under dataset"),
    (RATES, {"overrides": ["split_seed=1"]}, r"give it under vary"),
    (RATES, {"compare": "some"}, "compare=some"),
    (RATES, {"vary": ["split"]}, r"vary is \[split\]"),
    (RATES, {"vary": []}, r"vary is \[\]"),
    (RATES, {"smallest_effect": 0}, r"smallest_effect=0\.0 is out of range"),
    (RATES, {"smallest_effect": "tiny"}, r"smallest_effect is a text \(tiny\)"),
    (RATES, {"levels": [0.003], "reference": "-"}, "need 2 levels"),
    (VARIANTS, {"variants": ["a"]}, "variants is no group of keys"),
    (VARIANTS, {"variants": {"a": "optimizer=adam"}}, r"variants\.a is a text"),
    (VARIANTS, {"variants": {"a": [1]}}, r"variants\.a has 1"),
    (VARIANTS, {"variants": {"a": ["seed=1"]}}, r"variants\.a has seed=1: give it under seeds"),
    (VARIANTS, {"variants": {"a": ["fetch.source=kaggle"]}}, r"variants\.a .* on the same data"),
    (VARIANTS, {"variants": {"a": ["split_seed=3"]}}, r"variants\.a .* on the same data"),
    (VARIANTS, {"variants": {"a": ["mlflow.enabled=false"]}}, r"variants\.a .* no study may set"),
    (VARIANTS, {"overrides": ["optimizer=sgd"]}, "the variant Adam sets optimizer too"),
    (VARIANTS, {"factor": "optimizer"}, "factor is optimizer, but variants are given"),
]


@pytest.mark.parametrize(("content", "changes", "said"), MISTAKES)
def test_a_mistake_in_a_study_is_one_sentence_that_names_its_file(written, content, changes, said):
    with pytest.raises(InputError, match=said) as caught:
        written(content, **changes)
    text = str(caught.value)
    assert text.startswith("conf/study/mine.yaml: ")
    assert "\n" not in text
    assert text.endswith(".")


@pytest.mark.parametrize("text", ["seeds: [1,", "- a list"])
def test_a_file_that_is_no_mapping_is_one_sentence(written, text):
    with pytest.raises(InputError, match=r"^conf/study/mine\.yaml .*[^\n]*\.$"):
        written(text=text)


def test_an_unknown_study_gets_the_nearest_and_every_known_name():
    with pytest.raises(InputError, match=r"'defalt'.*'default'.* fashion, learning_rate"):
        study_file.load("defalt")

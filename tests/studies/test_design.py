import re
from collections import Counter
from dataclasses import replace

import pytest
import yaml

from src.config import compose
from src.data.dataset import Dataset
from src.runtime.errors import InputError
from src.studies import design
from src.studies.design import RunKey
from tests.support.recipes import TINY

DATA = Dataset("mnist-kaggle", "0f" * 32, {})
GOOD = {
    "description": "Whether it matters.",
    "activations": ["relu", "swish"],
    "seeds": [1, 2],
    "experiment": "default",
    "dataset": "mnist-kaggle",
    "overrides": list(TINY),
}


def digests(study, data, activations, seeds):
    return design.digests(design.compositions(study, activations, seeds), data)


@pytest.fixture
def written(tmp_path, monkeypatch):
    """Write a study named mine, and be where studies are looked for."""
    folder = tmp_path / "study"
    folder.mkdir()
    monkeypatch.setattr(design, "STUDIES", folder)

    def write(changes=None, text=None):
        content = {key: value for key, value in (GOOD | (changes or {})).items() if value != "-"}
        (folder / "mine.yaml").write_text(text or yaml.safe_dump(content))
        return design.load("mine")

    return write


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize("name", design.names())
def test_every_study_of_the_project_can_be_configured_and_says_how_to_run_it(name):
    study = design.load(name)
    runs = digests(study, DATA, study.activations, study.seeds)
    assert len(set(runs.values())) == len(study.activations) * len(study.seeds)
    assert min(len(study.activations), len(study.seeds)) > 1  # something to compare, and a spread
    command = "python -m src.study" + ("" if name == "default" else f" {name}")
    head = (design.STUDIES / f"{name}.yaml").read_text().split("description:")[0]
    assert re.search(rf"^#   {command}( |$)", head, re.MULTILINE)


def test_a_study_is_what_its_file_says(written):
    assert written() == design.Study(**GOOD, workers=1)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"activations": []}, "activations is empty"),
        ({"seeds": []}, "seeds is empty"),
        ({"seeds": "-"}, "seeds is missing"),
        ({"seeds": None}, "seeds"),
        ({"seeds": [1, 2, 1]}, "seeds has 1 twice"),
        ({"seeds": [1, "two"]}, r"seeds\[1\].*'two'.*[Ii]nteger"),
        ({"seeds": [1.5]}, r"seeds\[0\].*1\.5"),
        ({"seeds": [True]}, r"seeds\[0\].*True"),
        ({"seeds": 3}, "seeds"),
        ({"activations": "relu"}, "activations"),
        ({"activations": ["relu", "relu"]}, "activations has relu twice"),
        ({"workers": 0}, "workers=0 .* 1 to "),
        ({"workers": "many"}, r"workers is a text \(many\)"),
        ({"dataset": "mnist"}, "dataset=mnist .*fashion_mnist"),
        ({"datset": "mnist-kaggle"}, "datset is unknown.*'dataset'"),
        ({"overrides": ["seed=3"]}, "overrides has seed=3: give it under seeds"),
        ({"overrides": ["+activation=relu"]}, "give it under activations"),
        ({"overrides": ["mlflow.experiment=b"]}, r"overrides has mlflow\.experiment=b"),
    ],
)
def test_a_mistake_in_a_study_is_one_sentence_that_names_its_file(written, changes, said):
    with pytest.raises(InputError, match=said) as caught:
        written(changes)
    text = str(caught.value)
    assert text.startswith("conf/study/mine.yaml: ")
    assert "\n" not in text
    assert text.endswith(".")


@pytest.mark.parametrize("text", ["seeds: [1,", "- a list"])
def test_a_file_that_is_no_mapping_is_one_sentence(written, text):
    with pytest.raises(InputError, match=r"^conf/study/mine\.yaml .*[^\n]*\.$"):
        written(text=text)


def test_an_unknown_study_gets_the_nearest_and_every_known_name():
    with pytest.raises(InputError, match=r"'defalt'.*'default'.* fashion, notebook"):
        design.load("defalt")


def test_other_data_than_the_studys_is_refused_with_the_way_to_its_own():
    study = design.load("fashion")
    design.check_data(study, Dataset(study.dataset, "0f" * 32, {}))
    with pytest.raises(InputError) as caught:
        design.check_data(study, DATA)
    said = str(caught.value)
    assert "on fashion_mnist-kaggle, but data/processed holds mnist-kaggle" in said
    assert "fetch.source: fashion_mnist and fetch.layout: kaggle in params.yaml" in said


def test_runs_are_seed_by_seed_and_every_activation_is_as_often_at_each_place():
    activations, seeds = ("relu", "swish", "gelu"), (5, 3, 4, 8, 1, 2)
    runs = list(design.in_turn(activations, seeds))
    assert [run.seed for run in runs] == [seed for seed in seeds for _ in activations]
    assert set(runs) == {RunKey(activation, seed) for activation in activations for seed in seeds}
    assert Counter((place % 3, run.activation) for place, run in enumerate(runs)) == dict.fromkeys(
        [(place, activation) for place in range(3) for activation in activations], 2
    )


def test_a_run_is_named_as_in_mlflow():
    assert str(RunKey("swish", 3)) == "swish-seed3"


@pytest.mark.usefixtures("project")
def test_digests_tell_runs_and_recipes_apart_but_not_a_studys_lists(written):
    study = written()
    found = digests(study, DATA, study.activations, study.seeds)
    assert len(set(found.values())) == len(found) == 4
    longer = written({"seeds": [3, 2, 1], "activations": ["gelu", "relu"], "workers": 2})
    assert digests(longer, DATA, ["relu"], [1, 2]) == {
        run: digest for run, digest in found.items() if run.activation == "relu"
    }
    smoother = written({"overrides": [*TINY, "label_smoothing=0.2"]})
    for other, data in ((smoother, DATA), (study, replace(DATA, digest="10" * 32))):
        again = digests(other, data, study.activations, study.seeds)
        assert not set(again.values()) & set(found.values())


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"activations": ["relu", "swihs"]}, "activation=swihs .*'swish'"),
        ({"experiment": "notbook"}, "experiment=notbook .*'notebook'"),
        ({"seeds": [1, -1]}, "seed=-1 is out of range"),
        ({"overrides": ["epohcs=3"]}, "epohcs.*epochs"),
        ({"overrides": ["epochs=1,2"]}, "epochs=1,2 lists several"),
        ({"overrides": ["epochs"]}, "'epochs' is not readable"),
    ],
)
def test_a_run_that_cannot_be_configured_is_one_sentence(written, changes, said):
    study = written(changes)
    with pytest.raises(InputError, match=said) as caught:
        digests(study, DATA, study.activations, study.seeds)
    assert "\n" not in str(caught.value)


@pytest.mark.usefixtures("project")
def test_a_digest_is_the_one_that_its_composed_configuration_has():
    study = design.load("notebook")
    [digest] = digests(study, DATA, ["swish_beta"], [3]).values()
    given = (*design.overrides(study), "activation=swish_beta", "seed=3")
    assert "epochs=6" in given
    composed, _ = compose.composition(*given)
    assert digest == design.fingerprint.digest(design.fingerprint.settings(composed), DATA)

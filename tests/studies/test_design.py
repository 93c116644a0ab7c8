from collections import Counter
from dataclasses import replace

import pytest

from src.config import compose, factor, named_file, study_file
from src.config.study_file import Study
from src.data.dataset import Dataset
from src.runtime.errors import InputError
from src.studies import design
from src.studies.design import RunKey
from tests.support.recipes import TINY

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


def digests(study, data=DATA):
    return design.digests(design.compositions(study), data)


def test_other_data_than_the_studys_is_refused_with_the_way_to_its_own():
    study = study_file.load("fashion")
    named_file.check_data("study", study.dataset, Dataset(study.dataset, "0f" * 32, {}))
    with pytest.raises(InputError) as caught:
        named_file.check_data("study", study.dataset, DATA)
    said = str(caught.value)
    assert "on fashion_mnist-kaggle, but data/processed holds mnist-kaggle" in said
    assert "fetch.source: fashion_mnist and fetch.layout: kaggle in params.yaml" in said


def test_runs_are_seed_by_seed_and_every_level_is_as_often_at_each_place():
    labels, seeds = ("relu", "swish", "gelu"), (5, 3, 4, 8, 1, 2)
    runs = list(design.in_turn(labels, seeds))
    assert [run.seed for run in runs] == [seed for seed in seeds for _ in labels]
    assert set(runs) == {RunKey(label, seed) for label in labels for seed in seeds}
    assert Counter((place % 3, run.variant) for place, run in enumerate(runs)) == dict.fromkeys(
        [(place, label) for place in range(3) for label in labels], 2
    )


def test_a_run_is_named_as_in_mlflow():
    assert str(RunKey("swish", 3)) == "swish-seed3"
    assert str(RunKey("0.006", 3)) == "0.006-seed3"


@pytest.mark.usefixtures("project")
def test_digests_tell_runs_and_recipes_apart_but_not_a_studys_lists():
    found = digests(STUDY)
    assert len(set(found.values())) == len(found) == 4
    relu = {"relu": ("activation=relu",)}
    longer = replace(STUDY, levels={"gelu": ("activation=gelu",), **relu}, seeds=(3, 2, 1))
    again = digests(replace(longer, workers=2, smallest_effect=0.1))
    assert {key: again[key] for key in found if key.variant == "relu"} == {
        key: digest for key, digest in found.items() if key.variant == "relu"
    }
    smoother = replace(STUDY, overrides=(*TINY, "label_smoothing=0.2"))
    for other, data in ((smoother, DATA), (STUDY, replace(DATA, digest="10" * 32))):
        assert not set(digests(other, data).values()) & set(found.values())


@pytest.mark.usefixtures("project")
def test_a_level_named_otherwise_is_the_same_training():
    renamed = replace(STUDY, levels={"ReLU": STUDY.levels["relu"]})
    assert digests(renamed)[RunKey("ReLU", 1)] == digests(STUDY)[RunKey("relu", 1)]


@pytest.mark.usefixtures("project")
def test_a_split_that_varies_is_drawn_by_the_runs_seed_and_part_of_its_digest():
    varied = replace(STUDY, vary=("seed", "split"))
    found = design.compositions(varied)
    assert {key.seed: one.composed.split_seed for key, one in found.items()} == {1: 1, 2: 2}
    assert not set(digests(varied).values()) & set(digests(STUDY).values())


@pytest.mark.usefixtures("project")
def test_any_key_of_the_configuration_is_a_factor():
    rates = {key: one.composed.optimizer.learning_rate for key, one in _composed(RATES)}
    assert rates == {RunKey(label, seed): float(label) for label in RATES.levels for seed in (1, 2)}


def _composed(study):
    return design.compositions(study).items()


@pytest.mark.usefixtures("project")
def test_variants_set_several_keys_at_once_and_may_choose_their_recipe():
    variants = {
        "A": ("optimizer=sgd", "schedule=constant"),
        "B": ("experiment=notebook", "optimizer=adam"),
    }
    study = replace(STUDY, factor=factor.of("variant", []), levels=variants, reference="A")
    found = {key.variant: one.choices for key, one in _composed(study)}
    assert (found["A"]["optimizer"], found["A"]["schedule"]) == ("sgd", "constant")
    assert (found["A"]["experiment"], found["B"]["experiment"]) == ("default", "notebook")


def key(name, *levels):
    return {"factor": factor.of(name, levels), "levels": {str(one): (one,) for one in levels}}


@pytest.mark.usefixtures("project")
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
    with pytest.raises(InputError, match=said) as caught:
        design.compositions(replace(STUDY, **changes))
    assert "\n" not in str(caught.value)
    assert str(caught.value).endswith(".")


@pytest.mark.usefixtures("project")
def test_a_digest_is_the_one_that_its_composed_configuration_has():
    study = study_file.load("notebook")
    digest = digests(study)[RunKey("swish_beta", 3)]
    given = (*design.words(study, "swish_beta"), "seed=3")
    assert given == ("experiment=notebook", "epochs=6", "activation=swish_beta", "seed=3")
    composed, _ = compose.composition(*given)
    assert digest == design.fingerprint.of(composed, DATA)

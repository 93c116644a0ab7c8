import json
from types import SimpleNamespace

import pytest

from src.analysis import levels
from src.core.errors import InputError

RATE = "optimizer.learning_rate"


def run(variant):
    return SimpleNamespace(data=SimpleNamespace(tags={"variant": variant}))


def declared(factor, overrides, **more):
    return {"factor": factor, "levels": json.dumps(overrides), **more}


def of(factor, overrides, **more):
    """Return the levels that a parent run declares, of each of which one run is finished."""
    return levels.of(declared(factor, overrides, **more), list(map(run, reversed(overrides))))


def test_levels_are_in_the_declared_order_with_their_labels_and_values():
    overrides = {"low": [f"{RATE}=0.001"], "high": [f"{RATE}=0.1"]}
    found = of(RATE, overrides, reference="high")
    assert list(found.runs) == ["low", "high"]
    assert found.values == {"low": "0.001", "high": "0.1"}
    assert found.reference == "high"
    assert (found.factor.key, found.factor.noun) == (RATE, "learning rate")
    assert found.factor.numeric
    assert found.is_free(RATE)
    assert not found.is_free("optimizer.weight_decay")


def test_levels_may_differ_in_what_comes_with_a_groups_choice_or_any_variant_sets():
    found = of("optimizer", {word: [f"optimizer={word}"] for word in ("adamw", "adam")})
    assert (found.factor.noun, found.factor.numeric) == ("optimizer", False)
    assert found.is_free("optimizer.learning_rate")
    assert not found.is_free("epochs")
    found = of("variant", {"A": ["optimizer=adamw", "schedule=one_cycle"], "B": ["optimizer=adam"]})
    assert found.values["A"] == "optimizer=adamw schedule=one_cycle"
    assert found.is_free("schedule.warmup")
    assert found.is_free("optimizer.beta_1")
    assert not found.is_free("epochs")


def test_activations_are_shown_by_their_names():
    found = of("activation", {word: [f"activation={word}"] for word in ("swish", "relu")})
    assert found.values == {"Swish": "swish", "ReLU": "relu"}
    assert found.reference is None


@pytest.mark.parametrize(
    ("factor", "word", "more"),
    [("activation", "activation=relu", {"tune": "own"}), ("experiment", "experiment=mine", {})],
)
def test_levels_that_are_tuned_or_whole_recipes_may_differ_in_anything(factor, word, more):
    assert of(factor, {"a": [word]}, **more).is_free("schedule.warmup")


def test_a_level_that_is_no_longer_declared_comes_last():
    tags = declared("activation", {"relu": ["activation=relu"]})
    assert list(levels.of(tags, [run("gelu"), run("relu")]).runs) == ["ReLU", "GELU"]


@pytest.mark.parametrize(
    ("varied", "said"),
    [
        (["optimizer", "epochs"], "because they differ in optimizer and epochs: vary one key and"),
        (None, "because they differ in no declared factor: vary one key"),
    ],
)
def test_a_sweep_of_several_keys_is_refused_by_their_names(varied, said):
    tags = {"varied": json.dumps(varied)} if varied else {}
    with pytest.raises(InputError, match=said):
        levels.of(tags, [run("a")])
    with pytest.raises(InputError, match=said):
        levels.announced(tags)


def test_the_parent_run_names_the_factor_before_any_run_is_finished():
    assert levels.announced(declared(RATE, {"0.1": []})).plural == "learning rates"

import json
from types import SimpleNamespace

import pytest

from src.analysis import levels
from src.core.errors import InputError

RECIPE = {
    "epochs": "6",
    "activation._target_": "Swish",
    "model._target_": "compact",
    "optimizer._target_": "keras.optimizers.AdamW",
    "optimizer.learning_rate": "0.006",
    "schedule._target_": "one_cycle",
}
CHOICES = {
    "activation": "swish",
    "model": "compact",
    "optimizer": "adamw",
    "schedule": "one_cycle",
    "augmentation": "elastic",
    "experiment": "default",
}
ADAM = {"optimizer._target_": "keras.optimizers.Adam", "optimizer.learning_rate": "0.001"}


def run(seed=1, params=(), name=None, **tags):
    """Return what is asked of a run: its name, its params and its tags."""
    values = {**RECIPE, **dict(params), "seed": str(seed)}
    kept = {key: value for key, value in {**CHOICES, **tags}.items() if value is not None}
    name = name or f"run{seed}"
    data = SimpleNamespace(params=values, tags=kept)
    return SimpleNamespace(data=data, info=SimpleNamespace(run_name=name))


def both(**differs):
    """Return two seeds of the recipe, and two of another."""
    params, tags = differs.get("params", {}), differs.get("tags", {})
    return [
        one for seed in (1, 2) for one in (run(seed), run(seed, params, f"other{seed}", **tags))
    ]


def planned(factor, overrides, **more):
    return {"study": "s", "factor": factor, "levels": json.dumps(overrides), **more}


# Found from what differs


def test_one_groups_choice_is_the_factor_and_brings_its_params_along():
    found = levels.of({}, both(params=ADAM, tags={"optimizer": "adam"}))
    assert (found.factor.key, found.factor.noun, found.factor.numeric) == (
        "optimizer",
        "optimizer",
        False,
    )
    assert {name: len(runs) for name, runs in found.runs.items()} == {"adamw": 2, "adam": 2}
    assert found.is_free("optimizer.learning_rate")
    assert not found.is_free("epochs")


def test_one_param_is_the_factor_and_numbers_are_in_order():
    found = levels.of({}, both(params={"optimizer.learning_rate": "0.0005"}))
    assert (found.factor.key, found.factor.noun) == ("optimizer.learning_rate", "learning rate")
    assert found.factor.numeric
    assert list(found.runs) == ["0.0005", "0.006"]
    assert found.is_free("optimizer.learning_rate")
    assert not found.is_free("optimizer.weight_decay")


def test_activations_are_shown_by_their_names():
    found = levels.of({}, both(params={"activation._target_": "R"}, tags={"activation": "relu"}))
    assert list(found.runs) == ["Swish", "ReLU"]
    assert found.values == {"Swish": "swish", "ReLU": "relu"}


def test_a_recipe_explains_whatever_differs_with_it():
    found = levels.of(
        {},
        both(params={**ADAM, "epochs": "30"}, tags={"experiment": "notebook", "model": "lenet5"}),
    )
    assert found.factor.key == "experiment"
    assert found.is_free("epochs")


@pytest.mark.parametrize(
    ("params", "tags", "said"),
    [
        (
            {**ADAM, "epochs": "9"},
            {"optimizer": "adam"},
            "2 factors: optimizer is adamw in run1 and run2, adam in other1 and other2; epochs is "
            "6 in run1 and run2, 9 in other1 and other2. Start",
        ),
        (
            {"optimizer.learning_rate": "0.1", "optimizer.momentum": "0.9"},
            {},
            "2 factors: optimizer.learning_rate is 0.006 in run1 and run2, 0.1 in other1",
        ),
        (
            {},
            {"model": "mlp", "schedule": "constant"},
            "2 factors: model is compact in run1 and run2, mlp in other1 and other2; schedule is",
        ),
    ],
)
def test_several_differing_factors_are_refused_by_name(params, tags, said):
    with pytest.raises(InputError, match="cannot be compared because they differ in ") as caught:
        levels.of({}, both(params=params, tags=tags))
    assert said in str(caught.value)


def test_a_choice_crossed_with_one_of_its_params_is_two_factors():
    runs = [
        run(seed, {**params, "optimizer.learning_rate": rate}, optimizer=word)
        for seed in (1, 2)
        for word, params in (("adamw", {}), ("adam", ADAM))
        for rate in ("0.1", "0.2")
    ]
    with pytest.raises(
        InputError, match=r"2 factors: optimizer is .*; optimizer\.learning_rate is"
    ):
        levels.of({}, runs)


def test_settings_of_one_choice_alone_make_it_several_levels():
    runs = [
        *both(params=ADAM, tags={"optimizer": "adam"}),
        *(
            run(seed, {**ADAM, "optimizer.learning_rate": "1.0"}, optimizer="adam")
            for seed in (1, 2)
        ),
    ]
    assert list(levels.of({}, runs).runs) == [
        "adamw",
        "adam (learning_rate=0.001)",
        "adam (learning_rate=1.0)",
    ]


@pytest.mark.parametrize(
    ("tags", "noun"),
    [
        ({}, "activation"),
        ({"study": "old"}, "activation"),
        ({"sweep": "optimizer=adam,adamw seed=1,2,3"}, "optimizer"),
        ({"sweep": "seed=1,2 epochs=3,4"}, "number of epochs"),
        (planned("optimizer.learning_rate", {"0.1": []}), "learning rate"),
    ],
)
def test_where_nothing_differs_the_parent_tells_what_should(tags, noun):
    assert levels.announced(tags).noun == noun


# Told by a study


def test_a_studys_levels_are_in_its_order_with_its_labels_and_values():
    overrides = {"low": ["optimizer.learning_rate=0.001"], "high": ["optimizer.learning_rate=0.1"]}
    runs = [
        run(1, {"optimizer.learning_rate": "0.1"}, variant="high"),
        run(1, {"optimizer.learning_rate": "0.001"}, variant="low"),
    ]
    found = levels.of(planned("optimizer.learning_rate", overrides, reference="high"), runs)
    assert list(found.runs) == ["low", "high"]
    assert found.values == {"low": "0.001", "high": "0.1"}
    assert found.reference == "high"
    assert found.factor.numeric


def test_variants_may_differ_in_what_any_of_them_sets():
    overrides = {"A": ["optimizer=adamw", "schedule=one_cycle"], "B": ["optimizer=adam"]}
    runs = [run(1, variant="A"), run(1, ADAM, optimizer="adam", variant="B")]
    found = levels.of(planned("variant", overrides), runs)
    assert found.values["A"] == "optimizer=adamw schedule=one_cycle"
    assert found.is_free("schedule.warmup")
    assert found.is_free("optimizer.beta_1")
    assert not found.is_free("epochs")


def test_a_tuned_study_may_differ_in_whatever_was_tuned():
    tags = planned("activation", {"relu": ["activation=relu"]}, tune="own")
    found = levels.of(tags, [run(variant="relu")])
    assert found.is_free("optimizer.weight_decay")
    assert list(found.runs) == ["ReLU"]


def test_a_level_that_the_study_has_no_more_comes_last():
    overrides = {"relu": ["activation=relu"]}
    runs = [run(1, variant="gelu"), run(1, variant="relu")]
    assert list(levels.of(planned("activation", overrides), runs).runs) == ["ReLU", "GELU"]

from dataclasses import replace

import numpy as np
import pytest

from src.analysis.run_set import is_ignored
from src.core import metric_names
from src.core.errors import InputError
from tests.support.simulated_runs import LAYERS, PARAMS, comparable, levels_of


@pytest.fixture
def two():
    """Two activations with two seeds; those of Swish-β learn one in six layers."""
    return comparable(("relu", "swish_beta"), (3, 7), images=50, epochs=3)


def with_history(runs, name, place, change):
    """Return the runs with another history of one of them."""
    ones = list(runs.trainings[name])
    ones[place] = replace(ones[place], history=change(ones[place].history))
    return replace(runs, trainings={**runs.trainings, name: tuple(ones)})


def test_an_activations_settings_have_lost_their_prefix(two):
    assert two.settings("ReLU") == LAYERS["relu"]
    assert two.settings("Swish-β")["beta"] == "1.0"


def test_the_recipe_is_what_all_runs_share(two, rates):
    assert two.recipe == PARAMS | {"epochs": "3"}
    assert "optimizer.learning_rate" not in rates.recipe


def test_right_images_are_a_row_for_each_seed(two):
    correct = two.correct
    assert list(correct) == ["ReLU", "Swish-β"]
    for name, ones in two.trainings.items():
        for place, one in enumerate(ones):
            right = [a == b for a, b in zip(one.labels, one.predicted, strict=True)]
            assert correct[name][place].tolist() == right


def test_an_epoch_or_a_metric_that_a_run_lacks_is_nan_and_a_metric_that_all_lack_is_left_out(two):
    shorter = with_history(two, "ReLU", 1, lambda history: history[:2])
    found = shorter.by_epoch(metric_names.VAL_LOSS)["ReLU"]
    assert found[0].tolist() == two.first.history[metric_names.VAL_LOSS].tolist()
    assert np.isnan(found).tolist() == [[False] * 3, [False, False, True]]
    assert list(two.by_epoch(metric_names.BETA + "swish_beta")) == ["Swish-β"]
    lacking = with_history(two, "ReLU", 0, lambda history: history.drop(columns=metric_names.LOSS))
    found = lacking.by_epoch(metric_names.LOSS)["ReLU"]
    assert np.isnan(found).tolist() == [[True] * 3, [False] * 3]


def test_the_betas_come_in_the_order_of_the_layers(two):
    assert two.betas("ReLU") == {}
    found = two.betas("Swish-β")
    assert list(found) == ["swish_beta", *(f"swish_beta_{number}" for number in range(1, 6))]
    for row, one in zip(found["swish_beta_5"], two.trainings["Swish-β"], strict=True):
        assert row.tolist() == one.history["beta/swish_beta_5"].tolist()


@pytest.mark.parametrize(
    ("param", "ignored"),
    [
        ("seed", True),
        ("mlflow.experiment", True),
        ("submission", True),
        ("activation.beta", False),
        ("seeds", False),
        ("epochs", False),
    ],
)
def test_what_changes_no_weights_is_ignored(param, ignored):
    assert is_ignored(param) == ignored


@pytest.fixture(scope="module")
def rates():
    return levels_of("optimizer.learning_rate", {"0.01": 0, "0.1": 0}, (1, 2), images=30, epochs=2)


def test_a_level_is_found_by_its_label_or_meaning_or_else_the_reference_or_relu(five_runs, rates):
    assert five_runs.level_named("swish_beta") == five_runs.level_named("Swish-β") == "Swish-β"
    assert rates.level_named("0.010") == rates.level_named("1e-2") == "0.01"
    assert five_runs.level_named(None) == "ReLU"
    assert replace(five_runs, reference="GELU").level_named(None) == "GELU"
    assert replace(five_runs, reference="gone").level_named(None) == "ReLU"
    assert rates.level_named(None) == "0.01"


def test_a_level_that_is_not_there_is_refused_in_the_factors_noun(rates):
    with pytest.raises(InputError, match=r"no such learning rate\. .*They have 0\.01, 0\.1\."):
        rates.level_named("0.5")

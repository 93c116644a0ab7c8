import keras
import numpy as np
import pytest

from src.core.errors import InputError
from src.experiments import buildable
from src.training import fit
from tests.support.recipes import spec

SMALL = ("model=mlp", "model.units=[4]")


class Unregistered(keras.layers.Layer):
    def call(self, x):
        return x


def job(*words, **groups):
    """Return a run with whole groups replaced."""
    run = spec(*SMALL, *words)
    for group, values in groups.items():
        setattr(run.cfg, group, values)
    return run


def test_what_can_be_built_passes_and_is_built_once(monkeypatch):
    built = []
    build = fit.build_model
    monkeypatch.setattr(fit, "build_model", lambda cfg: built.append(cfg.seed) or build(cfg))
    jobs = [job("seed=1"), job("seed=2"), job("model.units=[8]", "seed=3")]
    buildable.refuse_unbuildable(jobs)
    assert built == [1, 3]


def test_the_model_that_is_built_for_a_run_is_the_one_that_its_training_would_start_from():
    run = job("activation=swish_beta", "seed=3")
    model = buildable.build(run)
    fit.prepare(run.cfg)
    fresh = fit.build_model(run.cfg)
    assert [layer.name for layer in model.layers] == [layer.name for layer in fresh.layers]
    for one, same in zip(model.variables, fresh.variables, strict=True):
        np.testing.assert_array_equal(one, same)


@pytest.mark.parametrize(
    ("group", "values", "file", "why"),
    [
        ("activation", {"_target_": "keras.layers.Reluu"}, "activation/swish", "Reluu"),
        ("activation", {"_target_": "keras.layers.Activation"}, "activation/swish", "'activation'"),
        ("activation", {"activation": "relu"}, "activation/swish", "expected a keras.layers.Layer"),
        ("model", {"_target_": "src.training.models.nothing"}, "model/mlp", "nothing"),
        (
            "model",
            {"_target_": "src.training.models.lenet5", "filters": [6], "units": [4]},
            "model/mlp",
            "zip",
        ),
        (
            "model",
            {"_target_": "src.training.models.mlp", "head": "sofmax"},
            "model/mlp",
            "model.head=sofmax is unknown: choose softmax or sigmoid",
        ),
        ("optimizer", {"_target_": "keras.optimizers.Adam"}, "optimizer/adamw", "no learning_rate"),
        (
            "optimizer",
            {"_target_": "keras.optimizers.Adam", "learning_rate": 0.1, "beta": 1},
            "optimizer/adamw",
            "beta",
        ),
        ("schedule", {"_target_": "src.training.schedules.cosine"}, "schedule/one_cycle", "cosine"),
        ("augmentation", {"_target_": "src.training.augmentation.x"}, "augmentation/elastic", "x"),
    ],
)
def test_what_cannot_be_built_is_one_sentence_that_names_its_file(group, values, file, why):
    with pytest.raises(InputError) as caught:
        buildable.refuse_unbuildable([job(**{group: values})])
    text = str(caught.value)
    assert text.startswith(f"conf/{file}.yaml")
    assert why in text
    assert "\n" not in text
    assert "\x1b" not in text


def test_an_activation_that_could_not_be_loaded_again_is_refused():
    target = {"_target_": f"{__name__}.Unregistered"}
    with pytest.raises(InputError, match="register_keras_serializable") as caught:
        buildable.refuse_unbuildable([job(activation=target)])
    assert "Unregistered" in str(caught.value)


def test_a_model_without_ten_outputs_is_refused(monkeypatch):
    inputs = keras.Input((28, 28), dtype="uint8")
    five = keras.Model(inputs, keras.layers.Dense(5)(keras.layers.Flatten()(inputs)))
    monkeypatch.setattr(fit, "build_model", lambda cfg: five)
    with pytest.raises(InputError, match=r"output \(None, 5\), expected \(None, 10\)"):
        buildable.refuse_unbuildable([job()])

import keras
import numpy as np
import pytest

from src.core.errors import InputError
from src.experiments import buildable
from src.training import fit
from tests.support.recipes import spec
from tests.support.refusal import refusal

SOFMAX = "model.head=sofmax is unknown: choose softmax or sigmoid"
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


def test_models_that_are_alike_are_built_once(monkeypatch):
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
    ("file", "target", "values", "why"),
    [
        ("activation/swish", "keras.layers.Reluu", {}, "Reluu"),
        ("activation/swish", "keras.layers.Activation", {}, "'activation'"),
        ("activation/swish", None, {"activation": "relu"}, "expected a keras.layers.Layer"),
        ("model/mlp", "src.training.models.nothing", {}, "nothing"),
        ("model/mlp", "src.training.models.lenet5", {"filters": [6], "units": [4]}, "zip"),
        ("model/mlp", "src.training.models.mlp", {"head": "sofmax"}, SOFMAX),
        ("optimizer/adamw", "keras.optimizers.Adam", {}, "no learning_rate"),
        ("optimizer/adamw", "keras.optimizers.Adam", {"learning_rate": 0.1, "beta": 1}, "beta"),
        ("schedule/one_cycle", "src.training.schedules.cosine", {}, "cosine"),
        ("augmentation/elastic", "src.training.augmentation.x", {}, "x"),
    ],
)
def test_a_configuration_that_cannot_be_built_is_a_sentence_with_its_file(
    file, target, values, why
):
    values = values if target is None else {"_target_": target, **values}
    text = refusal(buildable.refuse_unbuildable, [job(**{file.partition("/")[0]: values})])
    assert text.startswith(f"conf/{file}.yaml")
    assert why in text


def test_an_activation_that_could_not_be_loaded_again_is_refused():
    target = {"_target_": f"{__name__}.Unregistered"}
    with pytest.raises(InputError, match=r"Unregistered with .*register_keras_serializable"):
        buildable.refuse_unbuildable([job(activation=target)])


def test_a_model_without_ten_outputs_is_refused(monkeypatch):
    inputs = keras.Input((28, 28), dtype="uint8")
    five = keras.Model(inputs, keras.layers.Dense(5)(keras.layers.Flatten()(inputs)))
    monkeypatch.setattr(fit, "build_model", lambda cfg: five)
    with pytest.raises(InputError, match=r"output \(None, 5\), expected \(None, 10\)"):
        buildable.refuse_unbuildable([job()])

import subprocess
import sys
from contextlib import chdir
from dataclasses import replace
from pathlib import Path
from unittest.mock import Mock

import keras
import numpy as np
import pytest
import tensorflow as tf

from src.core import metric_names
from src.core.errors import InputError
from src.data import mirrors
from src.experiments.callbacks import EpochLog
from src.training import checkpoint, fit, history
from tests.support.recipes import TINY, configure, names

ROOT = Path(__file__).resolve().parents[2]

# Two recipes that have, between them, all state that a resumed training has to find again. The
# only validation image of the first is a blank one called 9, whose accuracy hardly changes, so
# that the rate is cut soon and in the midst of counting epochs when the training is killed.
RECIPES = {
    "plateau": "model=notebook model.filters=[2,3] model.units=4 activation=swish_beta "
    "optimizer=adam schedule=reduce_on_plateau schedule.patience=2",
    "one_cycle": "model=compact model.filters=[[2],[3]] model.dropout=0.25 activation=swish "
    "optimizer=adamw schedule=one_cycle",
}
COMMON = ("augmentation=affine", "epochs=4", "batch_size=64", "seed=3")
TIMES = (metric_names.EPOCH_SECONDS, metric_names.IMAGES_PER_SECOND)


def learned(history):
    """Return the history without its times."""
    return [{key: row[key] for key in row if key not in TIMES} for row in history]


def assert_same(some, others):
    for one, other in zip(some, others, strict=True):
        np.testing.assert_array_equal(one, other)


def assert_same_weights(one, other):
    assert_same(one.variables, other.variables)


def assert_same_states(one, other):
    assert learned(one.history) == learned(other.history)
    assert_same(one.current, other.current)
    assert one.plateaus == other.plateaus


@pytest.fixture(scope="module")
def parts(sample):
    """Training and validation part of the sample."""
    images, labels = sample[mirrors.TRAIN_IMAGES], sample[mirrors.TRAIN_LABELS]
    places = slice(0, 200), slice(200, 260)
    return [{"images": images[place], "labels": labels[place]} for place in places]


@pytest.fixture(scope="module")
def blank(parts):
    return parts[0], {"images": np.zeros((1, 28, 28), np.uint8), "labels": np.array([9], np.uint8)}


def train_on(cfg, parts, file, log=lambda values, step: None):
    """Train on from what `file` holds, and return the model and the state."""
    state = checkpoint.load(file)
    model = fit.fit(cfg, *parts, file, state, [EpochLog(log)])
    return model, state


@pytest.fixture(scope="module", params=RECIPES)
def recipe(request, parts, blank, tmp_path_factory):
    """A configuration, its data, and the model and state of its whole training."""
    with chdir(ROOT):
        cfg = configure(*RECIPES[request.param].split(), *COMMON)
    data = blank if request.param == "plateau" else parts
    file = tmp_path_factory.mktemp(request.param) / "state.npz"
    return cfg, data, *train_on(cfg, data, file)


@pytest.mark.parametrize("built", [False, True], ids=["", "built before"])
def test_two_trainings_with_one_seed_agree_to_the_last_bit(recipe, tmp_path, built):
    cfg, data, model, state = recipe
    again, its_state = None, checkpoint.State()
    if built:
        fit.prepare(cfg)
        again = fit.build_model(cfg)
        np.random.random(), tf.random.uniform(())  # such as other code may draw in between
    again = fit.fit(cfg, *data, tmp_path / "state.npz", its_state, model=again)
    assert_same_weights(model, again)
    assert learned(state.history) == learned(its_state.history)


def test_a_process_that_has_trained_the_network_does_not_trace_it_again(
    recipe, tmp_path, monkeypatch
):
    cfg, data, _, _ = recipe
    other = replace(cfg, seed=4)
    step = Mock(wraps=keras.Model.train_step)
    monkeypatch.setattr(keras.Model, "train_step", lambda model, data: step(model, data))
    monkeypatch.setattr(fit, "_traced", {})
    fresh, its_state = train_on(other, data, tmp_path / "fresh.npz")
    fit._traced.clear()
    train_on(cfg, data, tmp_path / "before.npz")
    assert step.called
    step.reset_mock()
    after, state = train_on(other, data, tmp_path / "after.npz")
    assert not step.called
    assert_same_weights(fresh, after)
    assert_same_states(its_state, state)


def test_a_model_whose_training_fails_is_not_used_again(project, parts, tmp_path, monkeypatch):
    monkeypatch.setattr(fit, "_traced", {})
    cfg = configure(*TINY, "epochs=1")
    train_on(cfg, parts, tmp_path / "first.npz")
    assert len(fit._traced) == 1

    def fails(values, step):
        raise InputError("as it must.")

    with pytest.raises(InputError, match="as it must"):
        train_on(cfg, parts, tmp_path / "second.npz", fails)
    assert fit._traced == {}


def test_a_process_keeps_few_models(monkeypatch):
    monkeypatch.setattr(fit, "TRACED", 2)
    monkeypatch.setattr(fit, "_traced", {})
    for name in "abc":
        fit._keep(name, name)
    assert [*fit._traced] == ["b", "c"]


def test_a_killed_and_resumed_training_ends_as_if_it_had_not_been(recipe, tmp_path):
    cfg, data, model, state = recipe
    file = tmp_path / "state.npz"

    def killed(values, step):
        if step == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_on(cfg, data, file, killed)
    kept = checkpoint.load(file)
    assert len(kept.history) == 2
    assert all(plateau["wait"] == 1 for plateau in kept.plateaus)  # it is counting epochs
    steps = []
    resumed, its_state = train_on(cfg, data, file, lambda values, step: steps.append(step))
    assert steps == [3, 4]
    assert_same_weights(model, resumed)
    assert_same_states(state, its_state)


def test_another_seed_gives_other_weights_and_another_order(project, parts, tmp_path):
    few = {name: values[:64] for name, values in parts[0].items()}
    seen = []
    for seed in (1, 2):
        cfg = configure(*TINY, "epochs=1", "batch_size=32", "augmentation=none", f"seed={seed}")
        fit.prepare(cfg)
        first, _ = fit.compile_model(cfg, total_steps=1)
        _, state = train_on(cfg, (few, parts[1]), tmp_path / f"{seed}.npz")
        seen.append((first.get_weights()[0], state.history[0][metric_names.LOSS]))
    (weights, loss), (other_weights, other_loss) = seen
    assert (weights != other_weights).any()
    assert loss != other_loss


@pytest.mark.parametrize(("best", "epoch"), [("true", 2), ("false", 3)])
def test_the_model_has_the_weights_of_the_best_epoch_or_of_the_last(
    best, epoch, project, parts, tmp_path, monkeypatch
):
    monkeypatch.setattr(history, "best_epoch", lambda rows: rows[min(1, len(rows) - 1)])
    after = {}
    file = tmp_path / "state.npz"
    cfg = configure(*TINY, "epochs=3", "schedule=constant", f"restore_best_weights={best}")

    def keep(values, step):
        after[step] = checkpoint.load(file).current

    model, _ = train_on(cfg, parts, file, keep)
    for variable, kept, other in zip(model.variables, after[epoch], after[5 - epoch], strict=False):
        np.testing.assert_array_equal(variable, kept)
        if variable.trainable:
            assert (kept != other).any()


GROUPS = ("optimizer", "schedule", "augmentation")
# Every file of each group once, in as few trainings as the largest group has files.
TOGETHER = [
    [f"{group}={names(group)[number % len(names(group))]}" for group in GROUPS]
    for number in range(max(len(names(group)) for group in GROUPS))
]


@pytest.mark.parametrize(
    "choices", [*TOGETHER, *([f"experiment={name}"] for name in names("experiment"))], ids=" ".join
)
def test_a_network_learns_with_every_choice(choices, project, parts, tmp_path):
    cfg = configure(*choices, *TINY, "model.units=[32]", "batch_size=20")
    _, state = train_on(cfg, parts, tmp_path / "state.npz")
    first, last = state.history
    assert last[metric_names.VAL_LOSS] < first[metric_names.VAL_LOSS]
    assert last[metric_names.VAL_ACCURACY] > 0.2  # a guess is right one time in ten


@pytest.mark.parametrize(("steps", "at_once"), [(295, 5), (300, 10), (7, 7), (293, 1), (1, 1)])
def test_a_call_runs_a_divisor_of_an_epochs_steps(steps, at_once):
    assert fit.steps_per_execution(steps) == at_once


def test_an_epoch_has_its_steps_however_many_a_call_runs(project, parts, tmp_path):
    cfg = configure(*TINY, "epochs=2", "batch_size=20", "schedule=constant")
    images = len(parts[0]["labels"]) // 20 * 20
    assert fit.steps_per_execution(images // 20) > 1
    seen = []

    class Steps(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            seen.append(batch)

        def on_epoch_end(self, epoch, logs=None):
            seen.append(int(self.model.optimizer.iterations))

    file = tmp_path / "state.npz"
    fit.fit(cfg, *parts, file, checkpoint.State(), [Steps()])
    assert seen[-1] == 2 * images // 20
    assert images // 20 - 1 in seen


def test_mixed_precision_computes_in_bfloat16_and_keeps_float32_weights(project, parts):
    cfg = configure(*TINY, "precision=mixed_bfloat16", "activation=swish")
    fit.prepare(cfg)
    model, _ = fit.compile_model(cfg, total_steps=1)
    assert {layer.compute_dtype for layer in model.layers[4:-1]} == {"bfloat16"}
    assert model.output.dtype == "float32"
    assert {weight.dtype for weight in model.trainable_variables} == {"float32"}
    labels = keras.utils.to_categorical(parts[0]["labels"], 10)
    assert np.isfinite(model.train_on_batch(parts[0]["images"], labels)).all()


@pytest.mark.parametrize("choice", ["adamw", "sgd"])
def test_weight_decay_is_for_kernels_and_spares_biases_normalization_and_beta(choice, project):
    words = "model=compact model.filters=[[2],[3]] activation=swish_beta schedule=constant"
    decay = (f"optimizer={choice}", "optimizer.learning_rate=0.1", "optimizer.weight_decay=0.5")
    model, _ = fit.compile_model(configure(*words.split(), *decay), total_steps=1)
    for weight in model.trainable_variables:
        weight.assign(tf.ones_like(weight))
    zeros = [tf.zeros_like(weight) for weight in model.trainable_variables]
    model.optimizer.apply_gradients(zip(zeros, model.trainable_variables, strict=True))
    decayed = {weight.path.split("/")[-1] for weight in model.trainable_variables}
    assert decayed == {"kernel", "gamma", "beta", "bias"}  # a normalization has a beta, too
    for weight in model.trainable_variables:
        expected = 0.95 if weight.path.endswith("kernel") else 1.0
        np.testing.assert_allclose(weight, tf.fill(weight.shape, expected), rtol=1e-6)


@pytest.mark.parametrize(
    ("smoothing", "right", "wrong", "expected"),
    [
        (0.2, 0.55, 0.05, -0.82 * np.log(0.55) - 9 * 0.02 * np.log(0.05)),
        (0.0, 0.75, 0.25, np.log(4)),  # a sigmoid's scores are divided by their sum
    ],
)
def test_the_loss_is_the_cross_entropy_with_smoothed_labels(
    project, smoothing, right, wrong, expected
):
    cfg = configure(*TINY, f"label_smoothing={smoothing}", "schedule=constant")
    model, _ = fit.compile_model(cfg, total_steps=1)
    label = np.eye(10)[[3]]
    scores = np.where(label, right, wrong)
    assert float(model.loss(label, scores)) == pytest.approx(expected, rel=1e-5)


def test_a_process_that_only_predicts_can_load_every_custom_layer(project, tmp_path):
    cfg = configure("model=compact", "model.filters=[[2],[3]]", "activation=swish_beta")
    model = fit.build_model(cfg)
    file = tmp_path / "model.keras"
    model.save(file)
    words = "from pathlib import Path; from src.training import fit; "
    words += f"print(fit.load(Path({str(file)!r})).count_params())"
    said = subprocess.check_output([sys.executable, "-c", words], cwd=ROOT, text=True)
    assert int(said.splitlines()[-1]) == model.count_params()


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x05\x06" + bytes(18), None])
def test_a_model_that_is_damaged_or_not_of_digits_is_one_sentence(tmp_path, content):
    file, says = tmp_path / "model.keras", " cannot be loaded as a Keras model ("
    if content is not None:
        file.write_bytes(content)
    else:
        inputs = keras.Input((28, 28), dtype="uint8")
        keras.Model(inputs, keras.layers.Dense(5)(keras.layers.Flatten()(inputs))).save(file)
        says = " maps (None, 28, 28) to (None, 5), but a model of digits maps (None, 28, 28) to"
    with pytest.raises(InputError, match=r"run `dvc repro --force train` to train .*\.$") as caught:
        fit.load(file)
    assert str(caught.value).startswith(f"{file}{says}")
    assert "\n" not in str(caught.value)

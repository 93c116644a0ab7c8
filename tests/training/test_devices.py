import json
import subprocess
import sys

import numpy as np
import pytest

from src.data import mirrors
from src.runtime import metric_names
from src.runtime.errors import InputError
from src.training import devices
from tests.support.commands import ROOT, environment

# Two logical devices have to be made before TensorFlow is used, so in a process of their own.
SCRIPT = """
import json, sys
from pathlib import Path
import numpy as np
import tensorflow as tf

number, folder, project, words = int(sys.argv[1]), *map(Path, sys.argv[2:4]), sys.argv[4:]
[cpu] = tf.config.list_physical_devices("CPU")
one = tf.config.LogicalDeviceConfiguration()
tf.config.set_logical_device_configuration(cpu, [one] * number)
from src.training import checkpoint, devices, fit
from src.runtime.errors import InputError
from tests.support.recipes import configure
import os
os.chdir(project)
held = np.load(folder / "images.npz")
parts = [{name: held[f"{part}_{name}"] for name in ("images", "labels")} for part in "ab"]
answers = {}
for name, overrides in json.loads(words[0]).items():
    if (number, name) == (1, "resumed"):
        continue
    cfg = configure(*overrides)
    file = folder / f"{number}-{name}" / "state"
    file.parent.mkdir()
    spread = devices.mirrored(cfg.strategy, cfg.batch_size) is not None
    state = checkpoint.State()
    if name == "resumed":  # a process of three epochs of which the last is lost
        fit.fit(cfg, *parts, file, state)
        state = checkpoint.load(file)
        state = checkpoint.load(file.with_name("state-before"))
    model = fit.fit(cfg, *parts, file, state)
    weights = [variable.numpy().ravel()[:50].tolist() for variable in model.variables]
    synchronized = any(layer.get_config().get("synchronized", False) for layer in model.layers)
    answers[name] = [spread, state.history, weights, synchronized]
try:
    devices.mirrored("mirrored", 63)
    answers["odd"] = ""
except InputError as error:
    answers["odd"] = str(error)
print("ANSWERS" + json.dumps(answers))
"""
COMPACT = (
    "model=compact",
    "model.filters=[[4],[6]]",
    "activation=swish",
    "epochs=3",
    "batch_size=40",
    "augmentation=none",
    "restore_best_weights=false",
)
TRAININGS = {
    "compact": (*COMPACT, "strategy=mirrored"),
    "resumed": (*COMPACT, "strategy=mirrored"),
    "dropout": (
        "model=mlp",
        "model.units=[16]",
        "activation=swish_beta",
        "schedule=reduce_on_plateau",
        "optimizer=adam",
        "epochs=3",
        "batch_size=40",
        "strategy=mirrored",
    ),
}


@pytest.fixture(scope="module")
def trained(sample, tmp_path_factory):
    """What the trainings come to on one device, and on two."""
    folder = tmp_path_factory.mktemp("devices")
    images, labels = sample[mirrors.TRAIN_IMAGES], sample[mirrors.TRAIN_LABELS]
    np.savez(
        folder / "images.npz",
        a_images=images[:200],
        a_labels=labels[:200],
        b_images=images[200:261],
        b_labels=labels[200:261],
    )
    found = {}
    for number in (1, 2):
        words = [str(number), str(folder), str(ROOT), json.dumps(TRAININGS)]
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT, *words],
            cwd=ROOT,
            env=environment(),
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        found[number] = json.loads(done.stdout.rpartition("ANSWERS")[2])
    return found


def losses(training):
    return [row[metric_names.LOSS] for row in training[1]]


@pytest.mark.slow
def test_two_devices_train_as_one_does(trained):
    (alone, one, weights, _), (spread, two, same, _) = (trained[n]["compact"] for n in (1, 2))
    assert (alone, spread) == (False, True)
    for name in (metric_names.LOSS, metric_names.VAL_LOSS):
        assert [row[name] for row in two] == pytest.approx([row[name] for row in one], rel=2e-3)
    for value, other in zip(weights, same, strict=True):
        np.testing.assert_allclose(other, value, atol=0.02)


@pytest.mark.slow
def test_on_two_devices_an_interrupted_training_ends_in_the_same_weights(trained):
    whole, resumed = trained[2]["compact"], trained[2]["resumed"]
    assert losses(resumed) == losses(whole)
    assert resumed[2] == whole[2]


@pytest.mark.slow
def test_on_two_devices_dropout_a_learned_beta_and_a_plateau_work(trained):
    one, two = (losses(trained[number]["dropout"]) for number in (1, 2))
    assert two[-1] < two[0]
    assert two == pytest.approx(one, rel=0.2)  # other units are dropped


@pytest.mark.slow
def test_the_model_that_is_returned_knows_of_one_device(trained):
    assert trained[2]["compact"][3] is False


@pytest.mark.slow
def test_a_batch_that_two_devices_cannot_share_equally_is_refused(trained):
    assert trained[1]["odd"] == ""
    assert trained[2]["odd"] == (
        "batch_size=63 cannot be shared equally by the 2 devices of strategy=mirrored: use a "
        "multiple of 2."
    )


class Devices:
    def __init__(self, number):
        self.num_replicas_in_sync = number


@pytest.mark.parametrize(
    ("number", "images", "size"),
    [(2, 4200, 1000), (2, 61, 58), (3, 4200, 999), (3, 4000, 999), (8, 4201, 1000), (2, 3, None)],
)
def test_an_evaluation_gives_every_device_an_image_and_equal_shares_at_first(number, images, size):
    if size is None:
        with pytest.raises(InputError, match="3 validation images are too few for the 2 devices"):
            devices.evaluation_batch(Devices(number), images)
        return
    assert devices.evaluation_batch(Devices(number), images) == size
    assert size % number == 0
    assert images % size == 0 or images % size >= number


def test_one_device_evaluates_in_the_usual_batches():
    assert devices.evaluation_batch(None, 61) == devices.EVALUATION_BATCH


def test_on_a_machine_with_one_device_mirrored_is_as_none():
    assert devices.mirrored("none", 64) is None
    assert devices.mirrored("mirrored", 63) is None

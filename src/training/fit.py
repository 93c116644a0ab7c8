"""Builds and fits a model, and loads a saved one."""

import contextlib
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from hydra.utils import instantiate

from src.config.schema import NON_TRAINING_KEYS, Config
from src.core import metric_names
from src.core.errors import InputError, one_line
from src.data.digits import CLASSES, SIDE
from src.training import (
    activations,  # noqa: F401  registers the layers of a saved model, to load it
    batches,
    callbacks,
    checkpoint,
    normalization,  # noqa: F401  likewise
    precision,
)
from src.training.checkpoint import variables
from src.training.schedules import Schedule

TRACED = 8  # models that are kept at most
_traced: dict[str, keras.Model] = {}  # models trained in this process, by `_network`


def prepare(cfg: Config) -> None:
    """Set TensorFlow's process-wide state: seeds, determinism, precision, GPU memory."""
    reset_keras(precision.choose(cfg.precision))
    keras.utils.set_random_seed(cfg.seed)
    if cfg.deterministic:
        tf.config.experimental.enable_op_determinism()
    for gpu in tf.config.list_physical_devices("GPU"):
        with contextlib.suppress(RuntimeError):  # in use, and so set before
            tf.config.experimental.set_memory_growth(gpu, True)


def reset_keras(policy: str) -> None:
    """Clear Keras's state of earlier networks, and set the dtype policy of the next one."""
    keras.backend.clear_session()  # restarts the numbers in layer names
    keras.config.disable_interactive_logging()  # or MLflow's example shows a progress bar
    keras.config.set_dtype_policy(policy)


def build_model(cfg: Config) -> keras.Model:
    """Return the model of a configuration, with its initial weights."""
    return instantiate(cfg.model, activation=partial(instantiate, cfg.activation))


def compile_model(cfg: Config, total_steps: int) -> tuple[keras.Model, Schedule]:
    """Return the compiled model of a configuration, and its learning-rate schedule."""
    model = build_model(cfg)
    learning_rate = cfg.optimizer["learning_rate"]
    schedule = instantiate(cfg.schedule, learning_rate=learning_rate, total_steps=total_steps)
    optimizer = instantiate(cfg.optimizer, learning_rate=schedule.learning_rate)
    if optimizer.weight_decay:
        # Only kernels decay: biases, normalization and a learned β would be pulled towards zero.
        vectors = [weight for weight in model.trainable_variables if len(weight.shape) < 2]
        optimizer.exclude_from_weight_decay(var_list=vectors)
    model.compile(
        optimizer=optimizer,
        loss=keras.losses.CategoricalCrossentropy(label_smoothing=cfg.label_smoothing),
        metrics=[keras.metrics.CategoricalAccuracy(name=metric_names.ACCURACY)],
        jit_compile=False,  # XLA is several times slower for a whole network on a CPU
    )
    return model, schedule


def _network(cfg: Config, total_steps: int) -> str:
    """Return everything that TensorFlow's graph of a training depends on: all but the seed."""
    not_in_graph = {"seed", *NON_TRAINING_KEYS}
    values = {name: value for name, value in vars(cfg).items() if name not in not_in_graph}
    return repr((values, total_steps))


def _reuse(network: str, model: keras.Model) -> keras.Model:
    """Return an earlier model of the same network, with the initial state of `model`, or `model`
    itself if there is none. Tracing and compiling another takes seconds.
    """
    model.optimizer.build(model.trainable_variables)
    traced = _traced.pop(network, None)  # it does not come back if its training fails
    if traced is None:
        return model
    for variable, start in zip(variables(traced), variables(model), strict=True):
        variable.assign(start)
    return traced


def _keep(network: str, model: keras.Model) -> None:
    _traced[network] = model
    if len(_traced) > TRACED:
        del _traced[next(iter(_traced))]  # the oldest


def fit(
    cfg: Config,
    training_set: Mapping[str, np.ndarray],
    validation_set: Mapping[str, np.ndarray],
    file: Path,
    state: checkpoint.State,
    watchers: Sequence[keras.callbacks.Callback] = (),
) -> keras.Model:
    """Train from `state` to the end; return the model with the weights that are kept.

    The model computes in float32, whatever it was trained in: a processor without bfloat16 runs it
    just as well.

    Args:
        cfg: the configuration.
        training_set: `images`, uint8 (N, 28, 28), and `labels`, uint8 (N,).
        validation_set: the same, to monitor the training and choose the best epoch.
        file: keeps the state after each epoch.
        state: the progress of the training, which is updated.
        watchers: callbacks that see each epoch after it is kept, and change nothing.
    """
    prepare(cfg)
    done = len(state.history)
    drawn = batches.training_batches(
        training_set["images"],
        training_set["labels"],
        batch_size=cfg.batch_size,
        epochs=cfg.epochs,
        seed=cfg.seed,
        augment=instantiate(cfg.augmentation),
        first_epoch=done,
    )
    steps = drawn.steps_per_epoch
    validation = batches.evaluation_batches(validation_set["images"], validation_set["labels"])
    model, schedule = compile_model(cfg, total_steps=cfg.epochs * steps)
    model.steps_per_execution = steps_per_execution(steps)
    network = _network(cfg, cfg.epochs * steps)
    model = _reuse(network, model)
    keeper = checkpoint.CheckpointCallback(
        file, state, schedule.callbacks, cfg.restore_best_weights
    )
    model.fit(
        drawn.dataset,
        epochs=cfg.epochs,
        initial_epoch=done,
        steps_per_epoch=steps,
        validation_data=validation,
        shuffle=False,  # the batches are in random order
        verbose=0,
        callbacks=[
            callbacks.EpochMetrics(steps * drawn.batch_size),
            *schedule.callbacks,
            keeper,
            *watchers,
        ],
    )
    _keep(network, model)
    reset_keras("float32")
    trained = build_model(cfg)
    keeper.restore_kept(trained)
    return trained


def steps_per_execution(steps: int) -> int:
    """Return how many of an epoch's steps one call from Python runs: a divisor, because Keras does
    not shorten the last call. A call costs one or two milliseconds of one core.
    """
    return max(count for count in range(1, 11) if steps % count == 0)


def load(path: Path) -> keras.Model:
    """Return a saved model.

    Raises:
        InputError: the file is damaged, or not a model of digits.
    """
    try:
        model = keras.saving.load_model(path)
    except Exception as error:  # Keras, zipfile and h5py each have errors of their own
        raise InputError(
            f"{path} cannot be loaded as a Keras model ({one_line(error, 200)}): run `dvc repro "
            "--force train` to train it again."
        ) from error
    shapes = model.input_shape, model.output_shape
    if shapes != ((None, SIDE, SIDE), (None, CLASSES)):
        raise InputError(
            f"{path} maps {shapes[0]} to {shapes[1]}, but a model of digits maps (None, {SIDE}, "
            f"{SIDE}) to (None, {CLASSES}): run `dvc repro --force train` to train one."
        )
    return model

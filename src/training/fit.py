"""Building and fitting a model: the part of train that is about learning."""

import contextlib
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from hydra.utils import instantiate

from src.config.schema import NOT_LEARNING, Config
from src.data.digits import CLASSES, SIDE
from src.runtime import metric_names
from src.runtime.errors import InputError
from src.training import (
    activations,  # noqa: F401  Keras must know the layers of a saved model, to load it
    batches,
    callbacks,
    checkpoint,
    devices,
    normalization,  # noqa: F401  likewise
    precision,
)
from src.training.schedules import Schedule

TRACED = 8  # models that are kept, at the most
_traced: dict[str, keras.Model] = {}  # that this process has trained, by their network


def prepare(cfg: Config) -> None:
    """Set what TensorFlow keeps for the whole process: seeds, determinism, precision, GPUs."""
    reset_keras(precision.choose(cfg.precision))
    keras.utils.set_random_seed(cfg.seed)
    if cfg.deterministic:
        tf.config.experimental.enable_op_determinism()
    for gpu in tf.config.list_physical_devices("GPU"):
        with contextlib.suppress(RuntimeError):  # already in use, and so already set
            tf.config.experimental.set_memory_growth(gpu, True)


def reset_keras(policy: str) -> None:
    """Let Keras forget the networks before, and build the next one in a dtype policy."""
    keras.backend.clear_session()  # layer names count from one again
    keras.config.disable_interactive_logging()  # MLflow predicts an example, with a bar
    keras.config.set_dtype_policy(policy)


def build_model(cfg: Config) -> keras.Model:
    """Return the model of the chosen groups, as it starts."""
    return instantiate(cfg.model, activation=partial(instantiate, cfg.activation))


def compile_model(cfg: Config, total_steps: int) -> tuple[keras.Model, Schedule]:
    """Return the compiled model of the chosen groups, and its learning-rate schedule."""
    model = build_model(cfg)
    learning_rate = cfg.optimizer["learning_rate"]
    schedule = instantiate(cfg.schedule, learning_rate=learning_rate, total_steps=total_steps)
    optimizer = instantiate(cfg.optimizer, learning_rate=schedule.learning_rate)
    if optimizer.weight_decay:
        # Decay is for kernels: it would pull biases, normalization and a learned β towards zero.
        vectors = [weight for weight in model.trainable_variables if len(weight.shape) < 2]
        optimizer.exclude_from_weight_decay(var_list=vectors)
    model.compile(
        optimizer=optimizer,
        loss=keras.losses.CategoricalCrossentropy(label_smoothing=cfg.label_smoothing),
        metrics=[keras.metrics.CategoricalAccuracy(name=metric_names.ACCURACY)],
        jit_compile=False,  # XLA for a whole network is several times slower on a CPU
    )
    return model, schedule


def _network(cfg: Config, total_steps: int) -> str:
    """Return all that TensorFlow's graph of a training depends on: everything but the seed."""
    of_no_graph = {"seed", *NOT_LEARNING}
    alike = {name: value for name, value in vars(cfg).items() if name not in of_no_graph}
    return repr((alike, total_steps))


def _reuse(network: str, model: keras.Model) -> keras.Model:
    """Return the model that this process has trained of a network, as `model` would start; where
    there is none, `model` itself. To trace and compile another takes seconds.
    """
    model.optimizer.build(model.trainable_variables)
    known = _traced.pop(network, None)  # one whose training fails does not come back
    if known is None:
        return model
    for variable, start in zip(_variables(known), _variables(model), strict=True):
        variable.assign(start)
    return known


def _keep(network: str, model: keras.Model) -> None:
    _traced[network] = model
    if len(_traced) > TRACED:
        del _traced[next(iter(_traced))]  # the oldest


def _variables(model: keras.Model) -> list:
    """Return all that training changes: weights, dropout's random state, the optimizer's."""
    return [*model.variables, *model.optimizer.variables]


def fit(
    cfg: Config,
    training_set: Mapping[str, np.ndarray],
    validation_set: Mapping[str, np.ndarray],
    file: checkpoint.File,
    state: checkpoint.State,
    watchers: Sequence[keras.callbacks.Callback] = (),
) -> keras.Model:
    """Train to the end, or on from where `state` stands; return the model with the weights kept.

    Whatever it was trained in, the model that is returned computes in float32: a processor without
    bfloat16 runs it just as well.

    Args:
        cfg: the configuration.
        training_set: `images`, uint8 (N, 28, 28), and `labels`, uint8 (N,).
        validation_set: the same, to follow the training by, and to choose the best epoch.
        file: where to keep the state after each epoch.
        state: how far the training has come; it is brought up to date.
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
    strategy = devices.mirrored(cfg.strategy, drawn.batch_size)
    most = devices.evaluation_batch(strategy, len(validation_set["images"]))
    validation = batches.evaluation_batches(**validation_set, batch_size=most)
    with strategy.scope() if strategy else contextlib.nullcontext():
        model, schedule = compile_model(cfg, total_steps=cfg.epochs * steps)
        # Keras's loop of several steps cannot be traced for several devices.
        model.steps_per_execution = 1 if strategy else steps_per_execution(steps)
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
        shuffle=False,  # the batches are drawn in random order already
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
    """Return how many steps one call from Python makes, of an epoch's `steps`: a divisor, because
    Keras makes no smaller last call. A call costs one or two milliseconds of one core.
    """
    return max(count for count in range(1, 11) if steps % count == 0)


def load(path: Path) -> keras.Model:
    """Return the model that train saved.

    Raises:
        InputError: the file is damaged, or not a model of digits.
    """
    try:
        model = keras.saving.load_model(path)
    except Exception as error:  # Keras, zipfile and h5py each have errors of their own
        raise InputError(
            f"{path} cannot be loaded as a Keras model ({' '.join(str(error).split())[:200]}): "
            "run `dvc repro --force train` to train it anew."
        ) from error
    shapes = model.input_shape, model.output_shape
    if shapes != ((None, SIDE, SIDE), (None, CLASSES)):
        raise InputError(
            f"{path} maps {shapes[0]} to {shapes[1]}, but a model of digits maps (None, {SIDE}, "
            f"{SIDE}) to (None, {CLASSES}): run `dvc repro --force train` to train one."
        )
    return model

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
from src.core.stopwatch import Stopwatch
from src.data.digits import CLASSES, SIDE
from src.training import activations, batches, checkpoint, normalization, precision
from src.training.checkpoint import variables
from src.training.schedules import Schedule

LAYERS = (activations, normalization)  # imported, so that a saved model's layers are registered
TRAIN = "run `dvc repro --force train`"
TRACED = 8  # models that are kept at most
_traced: dict[str, keras.Model] = {}  # models trained in this process, by their networks


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


def compile_model(
    cfg: Config, total_steps: int, model: keras.Model | None = None
) -> tuple[keras.Model, Schedule]:
    """Compile the model of a configuration, a new one if left out; return it with its schedule."""
    model = build_model(cfg) if model is None else model
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


def _reuse(network: str, model: keras.Model) -> keras.Model:
    """Return an earlier, traced model of the network in the state of `model`; or else `model`."""
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


class EpochMetrics(keras.callbacks.Callback):
    """Adds seconds of training, rate and learned β to the logs of an epoch; precedes readers."""

    def __init__(self, images_per_epoch: int):
        super().__init__()
        self.images_per_epoch, self.clock = images_per_epoch, Stopwatch()

    def on_train_end(self, logs: dict | None = None) -> None:
        """Stop the clock."""
        self.clock.close()

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """Record the start of the epoch."""
        self.start = self.clock.seconds()
        self.seconds: float | None = None

    def on_test_begin(self, logs: dict | None = None) -> None:
        """Record the end of its training, before the validation."""
        self.seconds = self.clock.seconds() - self.start

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Add the metrics to the logs."""
        assert logs is not None
        seconds = self.clock.seconds() - self.start if self.seconds is None else self.seconds
        logs[metric_names.EPOCH_SECONDS] = seconds
        logs[metric_names.IMAGES_PER_SECOND] = self.images_per_epoch / seconds
        rate = keras.ops.convert_to_numpy(self.model.optimizer.learning_rate)
        logs[metric_names.LEARNING_RATE] = float(rate)
        for layer, beta in activations.learned_betas(self.model).items():
            logs[metric_names.BETA + layer] = beta


def fit(
    cfg: Config,
    training_set: Mapping[str, np.ndarray],
    validation_set: Mapping[str, np.ndarray],
    file: Path,
    state: checkpoint.State,
    watchers: Sequence[keras.callbacks.Callback] = (),
    model: keras.Model | None = None,
) -> keras.Model:
    """Train from `state`, which is updated, and after each epoch kept in `file`, to the end; return
    the model with the weights that are kept, in float32, for processors without bfloat16.

    The sets are `images`, uint8 (N, 28, 28), and `labels`, uint8 (N,); the second chooses the best
    epoch. Watchers see each epoch after it is kept, and change nothing. `model` is the initial one,
    if it was built after `prepare(cfg)`.
    """
    if model is None:
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
    total_steps = cfg.epochs * steps
    model, schedule = compile_model(cfg, total_steps, model)
    model.steps_per_execution = steps_per_execution(steps)
    # Everything that TensorFlow's graph depends on: all but the seed.
    network = [one for one in vars(cfg).items() if one[0] not in ("seed", *NON_TRAINING_KEYS)]
    key = repr((network, total_steps))
    model = _reuse(key, model)
    others, metrics = schedule.callbacks, EpochMetrics(steps * drawn.batch_size)
    keeper = checkpoint.CheckpointCallback(file, state, others, cfg.restore_best_weights)
    model.fit(
        drawn.dataset,
        epochs=cfg.epochs,
        initial_epoch=done,
        steps_per_epoch=steps,
        validation_data=batches.evaluation_batches(**validation_set),
        shuffle=False,  # the batches are in random order
        verbose=0,
        callbacks=[metrics, *others, keeper, *watchers],
    )
    _keep(key, model)
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
    """Return a saved model; raise InputError if it is damaged, or not a model of digits."""
    try:
        model = keras.saving.load_model(path)
    except Exception as error:  # Keras, zipfile and h5py each have errors of their own
        refusal = f"{path} cannot be loaded as a Keras model ({one_line(error, 200)})"
        raise InputError(f"{refusal}: {TRAIN} to train it again.") from error
    found, wanted = (model.input_shape, model.output_shape), ((None, SIDE, SIDE), (None, CLASSES))
    if found != wanted:
        digits = f"but a model of digits maps {wanted[0]} to {wanted[1]}"
        raise InputError(f"{path} maps {found[0]} to {found[1]}, {digits}: {TRAIN} to train one.")
    return model

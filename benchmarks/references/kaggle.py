"""How the two Kaggle notebooks train: `fit`, fed by Keras's ImageDataGenerator."""

import argparse
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from src.data import dataset, read_csv
from src.data.digits import CLASSES
from src.runtime import metric_names, paths
from src.training import callbacks

EPOCHS = 30  # of both notebooks

ImageDataGenerator = tf.keras.preprocessing.image.ImageDataGenerator


def arguments(description: str) -> argparse.ArgumentParser:
    """Return the parser of what both notebooks take: `--seed` and `--epochs`."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    return parser


def train(
    model: keras.Model,
    generator: ImageDataGenerator,
    *,
    batch_size: int,
    epochs: int,
    schedule: keras.callbacks.Callback,
    keep_best: bool,
) -> None:
    """Train on data/processed; print, as the last line, seconds and accuracies as JSON.

    It has `epoch_seconds` (a list, validation excluded), and the `val_accuracy` and `test_accuracy`
    of the weights that are kept. The held-out labels are read after the training.

    Args:
        model: compiled, with the metric `accuracy`; takes float32 (batch, 28, 28, 1) from 0 to 1.
        generator: draws the augmented training images.
        batch_size: images per step.
        epochs: of the training.
        schedule: the notebook's learning-rate callback.
        keep_best: keep the weights of the best validation epoch, instead of the last one's.
    """
    x, y = _arrays(paths.TRAIN)
    x_valid, y_valid = _arrays(paths.VALID)
    # Without steps_per_epoch: the notebooks' `len(x) // batch` leaves a batch over, and Keras 3
    # makes the next epoch of that one batch alone.
    batches = generator.flow(x, y, batch_size=batch_size)
    clock = callbacks.EpochMetrics(len(x))
    with tempfile.TemporaryDirectory() as folder:
        best = Path(folder) / "best.weights.h5"
        keeper = keras.callbacks.ModelCheckpoint(
            best, monitor=metric_names.VAL_ACCURACY, save_best_only=True, save_weights_only=True
        )
        history = model.fit(
            batches,
            epochs=epochs,
            validation_data=(x_valid, y_valid),
            callbacks=[clock, schedule, keeper],
            verbose=2,
        ).history
        if keep_best:
            model.load_weights(best)
    x_test = _scaled(dataset.load(paths.TEST)["images"])
    labels = read_csv.solution(paths.SOLUTION_CSV, len(x_test))
    predicted = model.predict(x_test, batch_size=1000, verbose=0).argmax(axis=1)
    choose = max if keep_best else (lambda values: values[-1])
    result = {
        metric_names.EPOCH_SECONDS: history[metric_names.EPOCH_SECONDS],
        metric_names.VAL_ACCURACY: choose(history[metric_names.VAL_ACCURACY]),
        metric_names.TEST_ACCURACY: None if labels is None else float(np.mean(predicted == labels)),
    }
    print(json.dumps(result))


def compile_model(layers: Sequence[keras.Layer], optimizer: keras.Optimizer) -> keras.Model:
    """Return the layers as a compiled model.

    Without XLA, which Keras would choose by itself and which is several times slower on a CPU.
    """
    model = keras.Sequential([keras.Input((28, 28, 1)), *layers])
    model.compile(
        optimizer,
        loss="categorical_crossentropy",
        metrics=[metric_names.ACCURACY],
        jit_compile=False,
    )
    return model


def _arrays(path: Path) -> tuple[np.ndarray, np.ndarray]:
    part = dataset.load(path)
    return _scaled(part["images"]), keras.utils.to_categorical(part["labels"], CLASSES)


def _scaled(images: np.ndarray) -> np.ndarray:
    """Return uint8 (N, 28, 28) as float32 (N, 28, 28, 1) from 0 to 1."""
    return images[..., np.newaxis].astype(np.float32) / 255

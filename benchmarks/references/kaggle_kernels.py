"""Two public Kaggle kernels in plain Keras: `fit`, fed by Keras's ImageDataGenerator.

python -m benchmarks.references.kaggle_kernels notebook_2017 --activation swish --seed 1
    The notebook of October 2017 that swapped ReLU for Swish. Its author read 0.99671 (Swish) and
    0.99457 (ReLU) off Kaggle's leaderboard, from one run each.
python -m benchmarks.references.kaggle_kernels fifteen_cnns --seed 1
    One net of the kernel that lets fifteen of them vote.
"""

import argparse
import json
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from src.core import errors, heavy_imports, metric_names, paths
from src.data import dataset
from src.data.digits import CLASSES
from src.evaluation import held_out_labels

if TYPE_CHECKING:  # TensorFlow is imported once the arguments are read
    import keras

EPOCHS = 30  # of both kernels
ACTIVATIONS = ("relu", "swish")


@dataclass(frozen=True)
class Recipe:
    """How a kernel trains.

    Args:
        model: compiled; takes float32 (batch, 28, 28, 1) from 0 to 1.
        augmentation: arguments of ImageDataGenerator.
        batch_size: images per step.
        schedule: the kernel's learning-rate callback.
        keep_best: keep the weights of the best validation epoch, instead of the last one's.
    """

    model: "keras.Model"
    augmentation: dict[str, float]
    batch_size: int
    schedule: "keras.callbacks.Callback"
    keep_best: bool


def swish(x: "keras.KerasTensor") -> "keras.KerasTensor":
    """Return x · sigmoid(x), written out as in 2017, when Keras had none."""
    import keras

    return x * keras.ops.sigmoid(x)


def notebook_2017(activation: str = "swish") -> Recipe:
    """Return the notebook's recipe, with the sigmoid head that the loss normalizes."""
    import keras
    from keras.layers import Activation, Conv2D, Dense, Dropout, Flatten, MaxPooling2D

    function: Callable | str = swish if activation == "swish" else activation
    model = compile_model(
        [
            Conv2D(32, 5, padding="same"),
            Activation(function),
            Conv2D(32, 5, padding="same"),
            Activation(function),
            MaxPooling2D(2),
            Dropout(0.25),
            Conv2D(64, 3, padding="same"),
            Activation(function),
            Conv2D(64, 3, padding="same"),
            Activation(function),
            MaxPooling2D(2, strides=2),
            Dropout(0.25),
            Flatten(),
            Dense(256),
            Activation(function),
            Dropout(0.5),
            Dense(10, activation="sigmoid"),
        ],
        keras.optimizers.Adam(1e-3, epsilon=1e-8),
    )
    return Recipe(
        model,
        augmentation={
            "rotation_range": 10,
            "zoom_range": 0.1,
            "width_shift_range": 0.1,
            "height_shift_range": 0.1,
        },
        batch_size=86,
        schedule=keras.callbacks.ReduceLROnPlateau(
            monitor="val_accuracy", patience=3, factor=0.5, min_lr=1e-5
        ),
        keep_best=True,
    )


def fifteen_cnns() -> Recipe:
    """Return the recipe of one of the fifteen nets: strided convolutions instead of pooling."""
    import keras
    from keras.layers import BatchNormalization, Conv2D, Dense, Dropout, Flatten

    model = compile_model(
        [
            Conv2D(32, 3, activation="relu"),
            BatchNormalization(),
            Conv2D(32, 3, activation="relu"),
            BatchNormalization(),
            Conv2D(32, 5, strides=2, padding="same", activation="relu"),
            BatchNormalization(),
            Dropout(0.4),
            Conv2D(64, 3, activation="relu"),
            BatchNormalization(),
            Conv2D(64, 3, activation="relu"),
            BatchNormalization(),
            Conv2D(64, 5, strides=2, padding="same", activation="relu"),
            BatchNormalization(),
            Dropout(0.4),
            Conv2D(128, 4, activation="relu"),
            BatchNormalization(),
            Flatten(),
            Dropout(0.4),
            Dense(10, activation="softmax"),
        ],
        keras.optimizers.Adam(),
    )
    return Recipe(
        model,
        augmentation={
            "rotation_range": 15,
            "zoom_range": 0.15,
            "width_shift_range": 0.1,
            "height_shift_range": 0.1,
        },
        batch_size=64,
        schedule=keras.callbacks.LearningRateScheduler(lambda epoch: 1e-3 * 0.95**epoch),
        keep_best=False,
    )


def compile_model(layers: Sequence["keras.Layer"], optimizer: "keras.Optimizer") -> "keras.Model":
    """Return the layers as a compiled model.

    Without XLA, which Keras would choose by itself and which is several times slower on a CPU.
    """
    import keras

    model = keras.Sequential([keras.Input((28, 28, 1)), *layers])
    model.compile(
        optimizer,
        loss="categorical_crossentropy",
        metrics=[metric_names.ACCURACY],
        jit_compile=False,
    )
    return model


def train(recipe: Recipe, epochs: int) -> dict[str, Any]:
    """Train on data/processed; return seconds and accuracies.

    These are `epoch_seconds` (a list, validation excluded), and the `val_accuracy` and
    `test_accuracy` of the weights that are kept; the latter is None without held-out labels, which
    are read after the training.
    """
    import keras
    import tensorflow as tf

    from src.training import fit

    x, y = arrays(paths.TRAIN)
    x_valid, y_valid = arrays(paths.VALID)
    # Without steps_per_epoch: the kernels' `len(x) // batch` leaves a batch over, and Keras 3 makes
    # the next epoch of that one batch alone.
    generator = tf.keras.preprocessing.image.ImageDataGenerator(**recipe.augmentation)
    batches = generator.flow(x, y, batch_size=recipe.batch_size)
    clock = fit.EpochMetrics(len(x))
    with tempfile.TemporaryDirectory() as folder:
        best = Path(folder) / "best.weights.h5"
        keeper = keras.callbacks.ModelCheckpoint(
            best, monitor=metric_names.VAL_ACCURACY, save_best_only=True, save_weights_only=True
        )
        history = recipe.model.fit(
            batches,
            epochs=epochs,
            validation_data=(x_valid, y_valid),
            callbacks=[clock, recipe.schedule, keeper],
            verbose=2,
        ).history
        if recipe.keep_best:
            recipe.model.load_weights(best)
    x_test = scaled(dataset.load(paths.TEST)["images"])
    labels = held_out_labels.read(len(x_test))
    predicted = recipe.model.predict(x_test, batch_size=1000, verbose=0).argmax(axis=1)
    accuracies = history[metric_names.VAL_ACCURACY]
    return {
        metric_names.EPOCH_SECONDS: history[metric_names.EPOCH_SECONDS],
        metric_names.VAL_ACCURACY: max(accuracies) if recipe.keep_best else accuracies[-1],
        metric_names.TEST_ACCURACY: None if labels is None else float(np.mean(predicted == labels)),
    }


def arrays(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return a part's images, `scaled`, and its labels, one-hot (N, 10)."""
    import keras

    part = dataset.load(path)
    return scaled(part["images"]), keras.utils.to_categorical(part["labels"], CLASSES)


def scaled(images: np.ndarray) -> np.ndarray:
    """Return uint8 (N, 28, 28) as float32 (N, 28, 28, 1) from 0 to 1."""
    return images[..., np.newaxis].astype(np.float32) / 255


def main() -> None:
    """Train one of the kernels; print seconds and accuracies as JSON, in the last line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.references.kaggle_kernels",
        description="Train a public Kaggle kernel in plain Keras.",
    )
    kernels = parser.add_subparsers(dest="kernel", required=True)
    notebook = kernels.add_parser("notebook_2017", help="the notebook of October 2017")
    notebook.add_argument(
        "--activation", choices=ACTIVATIONS, default="swish", help="default: %(default)s"
    )
    cnns = kernels.add_parser("fifteen_cnns", help="one net of the 15-CNN kernel")
    for kernel in (notebook, cnns):
        kernel.add_argument("--seed", type=int, default=1, help="default: %(default)s")
        kernel.add_argument("--epochs", type=int, default=EPOCHS, help="default: %(default)s")
    given = parser.parse_args()
    heavy_imports.load(mlflow=False)
    import keras

    keras.utils.set_random_seed(given.seed)
    recipe = notebook_2017(given.activation) if given.kernel == "notebook_2017" else fifteen_cnns()
    print(json.dumps(train(recipe, given.epochs)))


if __name__ == "__main__":
    errors.run(main)

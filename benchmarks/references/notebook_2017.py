"""The public Kaggle notebook of October 2017 that swapped ReLU for Swish, in plain Keras.

python -m benchmarks.references.notebook_2017 --activation swish --seed 1

Its author read 0.99671 (Swish) and 0.99457 (ReLU) off Kaggle's leaderboard, from one run each.
"""

from collections.abc import Callable

import keras
from keras.layers import Activation, Conv2D, Dense, Dropout, Flatten, MaxPooling2D

from benchmarks.references import kaggle

BATCH_SIZE = 86


def swish(x: keras.KerasTensor) -> keras.KerasTensor:
    """Return x · sigmoid(x), written out as in 2017, when Keras had none."""
    return x * keras.ops.sigmoid(x)


ACTIVATIONS: dict[str, Callable | str] = {"relu": "relu", "swish": swish}


def build(activation: str) -> keras.Model:
    """Return the compiled CNN, with the sigmoid head that the loss normalizes."""
    function = ACTIVATIONS[activation]
    return kaggle.compile_model(
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


def main() -> None:
    """Train; see `kaggle.train` for what is printed."""
    parser = kaggle.arguments("Train the Kaggle notebook of October 2017.")
    parser.add_argument("--activation", choices=ACTIVATIONS, default="swish")
    given = parser.parse_args()
    keras.utils.set_random_seed(given.seed)
    kaggle.train(
        build(given.activation),
        kaggle.ImageDataGenerator(
            rotation_range=10, zoom_range=0.1, width_shift_range=0.1, height_shift_range=0.1
        ),
        batch_size=BATCH_SIZE,
        epochs=given.epochs,
        schedule=keras.callbacks.ReduceLROnPlateau(
            monitor="val_accuracy", patience=3, factor=0.5, min_lr=1e-5
        ),
        keep_best=True,
    )


if __name__ == "__main__":
    main()

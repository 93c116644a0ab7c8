"""One net of the Kaggle kernel that lets fifteen of them vote, in plain Keras.

python -m benchmarks.references.fifteen_cnns --seed 1
"""

import keras
from keras.layers import BatchNormalization, Conv2D, Dense, Dropout, Flatten

from benchmarks.references import kaggle

BATCH_SIZE = 64


def build() -> keras.Model:
    """Return the compiled CNN: strided convolutions instead of pooling."""
    return kaggle.compile_model(
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


def learning_rate(epoch: int) -> float:
    """Return the rate of an epoch, counted from 0."""
    return 1e-3 * 0.95**epoch


def main() -> None:
    """Train; see `kaggle.train` for what is printed. The last epoch's weights count."""
    given = kaggle.arguments("Train one net of the 15-CNN Kaggle kernel.").parse_args()
    keras.utils.set_random_seed(given.seed)
    kaggle.train(
        build(),
        kaggle.ImageDataGenerator(
            rotation_range=15, zoom_range=0.15, width_shift_range=0.1, height_shift_range=0.1
        ),
        batch_size=BATCH_SIZE,
        epochs=given.epochs,
        schedule=keras.callbacks.LearningRateScheduler(learning_rate),
        keep_best=False,
    )


if __name__ == "__main__":
    main()

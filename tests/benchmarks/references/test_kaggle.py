import json

import keras
import numpy as np
import pytest
from keras import layers

from benchmarks.references import kaggle
from src.data import dataset
from src.runtime import metric_names, paths

EPOCHS = 3


class Watch(keras.callbacks.Callback):
    """Counts the steps of each epoch, and keeps the weights after it."""

    def __init__(self):
        super().__init__()
        self.steps, self.weights = [], []

    def on_epoch_begin(self, epoch, logs=None):
        self.steps.append(0)

    def on_train_batch_end(self, batch, logs=None):
        self.steps[-1] += 1

    def on_epoch_end(self, epoch, logs=None):
        self.weights.append(self.model.get_weights())


def train(capsys, *, keep_best, rate=0.5):
    """Train a linear model; return it, what watched it, and the JSON that was printed."""
    keras.utils.set_random_seed(1)
    model = kaggle.compile_model(
        [layers.Flatten(), layers.Dense(10, activation="softmax")], keras.optimizers.SGD(rate)
    )
    watch = Watch()
    generator = kaggle.ImageDataGenerator(rotation_range=10)
    kaggle.train(
        model, generator, batch_size=100, epochs=EPOCHS, schedule=watch, keep_best=keep_best
    )
    return model, watch, json.loads(capsys.readouterr().out.splitlines()[-1])


def test_every_epoch_sees_every_image(processed, capsys):
    _, watch, result = train(capsys, keep_best=False)

    assert len(dataset.load(paths.TRAIN)["images"]) == 540
    assert watch.steps == [6] * EPOCHS  # the last batch has 40
    assert len(result[metric_names.EPOCH_SECONDS]) == EPOCHS
    assert all(seconds > 0 for seconds in result[metric_names.EPOCH_SECONDS])


@pytest.mark.parametrize("keep_best", [False, True])
def test_the_accuracies_are_those_of_the_weights_that_are_kept(processed, capsys, keep_best):
    model, watch, result = train(capsys, keep_best=keep_best, rate=3.0)  # too high: up and down

    x, y = kaggle._arrays(paths.VALID)
    accuracies = []
    for weights in watch.weights:
        model.set_weights(weights)
        accuracies.append(np.mean(model.predict(x, verbose=0).argmax(1) == y.argmax(1)))
    expected = max(accuracies) if keep_best else accuracies[-1]
    assert result[metric_names.VAL_ACCURACY] == pytest.approx(expected, abs=1e-6)
    assert 0 < result[metric_names.TEST_ACCURACY] < 1
    assert result[metric_names.TEST_ACCURACY] * 200 == pytest.approx(
        round(result[metric_names.TEST_ACCURACY] * 200)
    )

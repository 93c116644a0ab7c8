import json

import keras
import numpy as np
import pytest
from keras import layers

from benchmarks.references import kaggle_kernels
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


def linear_recipe(*, keep_best=False, rate=0.5):
    """Return the recipe of a linear model, with a `Watch` in place of its schedule."""
    keras.utils.set_random_seed(1)
    model = kaggle_kernels.compile_model(
        [layers.Flatten(), layers.Dense(10, activation="softmax")], keras.optimizers.SGD(rate)
    )
    return kaggle_kernels.Recipe(model, {"rotation_range": 10}, 100, Watch(), keep_best)


def shapes(model):
    """Return the output shapes of a model's layers that have a kernel."""
    return [layer.output.shape[1:] for layer in model.layers if hasattr(layer, "kernel")]


def dropout_rates(model):
    return [layer.rate for layer in model.layers if isinstance(layer, layers.Dropout)]


def test_the_notebooks_layers_are_its_own():
    model = kaggle_kernels.notebook_2017().model

    counts = [layer.count_params() for layer in model.layers if hasattr(layer, "kernel")]
    assert counts == [832, 25632, 18496, 36928, 803072, 2570]
    assert shapes(model) == [(28, 28, 32)] * 2 + [(14, 14, 64)] * 2 + [(256,), (10,)]
    assert dropout_rates(model) == [0.25, 0.25, 0.5]


def test_the_notebooks_head_is_a_sigmoid_and_adam_has_its_epsilon():
    model = kaggle_kernels.notebook_2017("relu").model

    scores = model.predict(np.ones((1, 28, 28, 1), np.float32), verbose=0)
    assert scores.sum() != pytest.approx(1.0)
    assert model.optimizer.epsilon == 1e-8
    assert not model.jit_compile


@pytest.mark.parametrize(("activation", "expected"), [("relu", 0.0), ("swish", -0.268941)])
def test_the_activation_stands_after_every_convolution_and_the_dense_layer(activation, expected):
    model = kaggle_kernels.notebook_2017(activation).model

    activations = [layer for layer in model.layers if isinstance(layer, layers.Activation)]
    assert len(activations) == 5
    for layer in activations:
        assert float(layer(np.float32([-1.0]))[0]) == pytest.approx(expected, abs=1e-6)


def test_the_layers_of_one_of_fifteen_cnns_are_the_kernels():
    model = kaggle_kernels.fifteen_cnns().model

    assert shapes(model) == [
        (26, 26, 32),
        (24, 24, 32),
        (12, 12, 32),
        (10, 10, 64),
        (8, 8, 64),
        (4, 4, 64),
        (1, 1, 128),
        (10,),
    ]
    sizes = [layer.kernel.shape[0] for layer in model.layers if isinstance(layer, layers.Conv2D)]
    assert sizes == [3, 3, 5, 3, 3, 5, 4]
    assert sum(isinstance(layer, layers.BatchNormalization) for layer in model.layers) == 7
    assert dropout_rates(model) == [0.4] * 3
    assert model.count_params() == 327_242
    assert not model.jit_compile


def test_its_learning_rate_falls_by_a_twentieth_an_epoch():
    learning_rate = kaggle_kernels.fifteen_cnns().schedule.schedule

    assert learning_rate(0) == 1e-3
    assert learning_rate(2) == pytest.approx(0.9025e-3)


def test_every_epoch_sees_every_image(processed):
    recipe = linear_recipe()

    result = kaggle_kernels.train(recipe, EPOCHS)

    assert len(dataset.load(paths.TRAIN)["images"]) == 540
    assert recipe.schedule.steps == [6] * EPOCHS  # the last batch has 40
    assert len(result[metric_names.EPOCH_SECONDS]) == EPOCHS
    assert all(seconds > 0 for seconds in result[metric_names.EPOCH_SECONDS])


@pytest.mark.parametrize("keep_best", [False, True])
def test_the_accuracies_are_those_of_the_weights_that_are_kept(processed, keep_best):
    recipe = linear_recipe(keep_best=keep_best, rate=3.0)  # too high: up and down

    result = kaggle_kernels.train(recipe, EPOCHS)

    x, y = kaggle_kernels.arrays(paths.VALID)
    accuracies = []
    for weights in recipe.schedule.weights:
        recipe.model.set_weights(weights)
        accuracies.append(np.mean(recipe.model.predict(x, verbose=0).argmax(1) == y.argmax(1)))
    expected = max(accuracies) if keep_best else accuracies[-1]
    assert result[metric_names.VAL_ACCURACY] == pytest.approx(expected, abs=1e-6)
    correct = result[metric_names.TEST_ACCURACY] * len(dataset.load(paths.TEST)["images"])
    assert correct == pytest.approx(round(correct))


@pytest.mark.slow
@pytest.mark.parametrize("line", ["notebook_2017 --activation relu", "fifteen_cnns --seed 2"])
def test_a_kernel_trains_an_epoch_and_reports_seconds_and_accuracies(
    processed, words, capsys, line
):
    words(*line.split(), "--epochs", "1")

    kaggle_kernels.main()

    result = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert len(result[metric_names.EPOCH_SECONDS]) == 1
    assert 0 < result[metric_names.TEST_ACCURACY] <= 1

import keras
import numpy as np
import pytest
from keras import layers

from benchmarks.references import kaggle_kernels
from src.core import metric_names, paths
from src.data import dataset

EPOCHS = 3


def of(model, kind):
    """Return the layers of a kind."""
    return [layer for layer in model.layers if isinstance(layer, kind)]


def shapes(model):
    """Return the output shapes of a model's layers that have a kernel."""
    return [layer.output.shape[1:] for layer in model.layers if hasattr(layer, "kernel")]


@pytest.mark.parametrize(("activation", "expected"), [("relu", 0.0), ("swish", -0.268941)])
def test_the_notebooks_network_and_optimizer_are_its_own(activation, expected):
    model = kaggle_kernels.notebook_2017(activation).model
    assert shapes(model) == [(28, 28, 32)] * 2 + [(14, 14, 64)] * 2 + [(256,), (10,)]
    assert model.count_params() == 887_530
    assert [layer.rate for layer in of(model, layers.Dropout)] == [0.25, 0.25, 0.5]
    minus_one = np.float32([-1.0])
    values = [float(layer(minus_one)[0]) for layer in of(model, layers.Activation)]
    assert values == pytest.approx([expected] * 5, abs=1e-6)
    scores = model.predict(np.ones((1, 28, 28, 1), np.float32), verbose=0)
    assert scores.sum() != pytest.approx(1.0)  # its head is a sigmoid
    assert model.optimizer.epsilon == 1e-8
    assert not model.jit_compile


def test_one_of_fifteen_cnns_is_the_kernels():
    recipe = kaggle_kernels.fifteen_cnns()
    first = [(26, 26, 32), (24, 24, 32), (12, 12, 32)]
    second = [(10, 10, 64), (8, 8, 64), (4, 4, 64)]
    assert shapes(recipe.model) == [*first, *second, (1, 1, 128), (10,)]
    assert recipe.model.count_params() == 327_242
    assert [layer.rate for layer in of(recipe.model, layers.Dropout)] == [0.4] * 3
    assert not recipe.model.jit_compile
    rates = [recipe.schedule.schedule(epoch) for epoch in (0, 2)]
    assert rates == pytest.approx([1e-3, 0.9025e-3])  # a twentieth less each epoch


@pytest.mark.parametrize("keep_best", [False, True])
def test_every_epoch_sees_every_image_and_the_accuracies_are_those_of_the_kept_weights(
    processed, keep_best
):
    keras.utils.set_random_seed(1)
    model = kaggle_kernels.compile_model(
        [layers.Flatten(), layers.Dense(10, activation="softmax")],
        keras.optimizers.SGD(3.0),  # too high: up and down
    )
    batches, weights = [], []
    watch = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: batches.append(batch),
        on_epoch_end=lambda epoch, logs: weights.append(model.get_weights()),
    )
    recipe = kaggle_kernels.Recipe(model, {"rotation_range": 10}, 100, watch, keep_best)
    result = kaggle_kernels.train(recipe, EPOCHS)
    assert batches == [*range(6)] * EPOCHS  # of 540 images: the last batch has 40
    assert len(result[metric_names.EPOCH_SECONDS]) == EPOCHS
    x, y = kaggle_kernels.arrays(paths.VALID)
    accuracies = []
    for kept in weights:
        model.set_weights(kept)
        accuracies.append(np.mean(model.predict(x, verbose=0).argmax(1) == y.argmax(1)))
    expected = max(accuracies) if keep_best else accuracies[-1]
    assert result[metric_names.VAL_ACCURACY] == pytest.approx(expected, abs=1e-6)
    correct = result[metric_names.TEST_ACCURACY] * len(dataset.load(paths.TEST)["images"])
    assert correct == pytest.approx(round(correct))

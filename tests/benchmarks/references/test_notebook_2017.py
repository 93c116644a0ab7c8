import json

import numpy as np
import pytest
from keras import layers

from benchmarks.references import notebook_2017
from src.runtime import metric_names


def test_its_layers_are_the_notebooks():
    model = notebook_2017.build("swish")

    kernels = [layer for layer in model.layers if hasattr(layer, "kernel")]
    assert [layer.count_params() for layer in kernels] == [832, 25632, 18496, 36928, 803072, 2570]
    shapes = [layer.output.shape[1:] for layer in kernels]
    assert shapes == [(28, 28, 32)] * 2 + [(14, 14, 64)] * 2 + [(256,), (10,)]
    dropped = [layer.rate for layer in model.layers if isinstance(layer, layers.Dropout)]
    assert dropped == [0.25, 0.25, 0.5]


def test_the_head_is_a_sigmoid_and_adam_has_the_notebooks_epsilon():
    model = notebook_2017.build("relu")

    scores = model.predict(np.ones((1, 28, 28, 1), np.float32), verbose=0)
    assert scores.sum() != pytest.approx(1.0)
    assert model.optimizer.epsilon == 1e-8
    assert not model.jit_compile


@pytest.mark.parametrize(("activation", "expected"), [("relu", 0.0), ("swish", -0.268941)])
def test_the_activation_stands_after_every_convolution_and_the_dense_layer(activation, expected):
    model = notebook_2017.build(activation)

    activations = [layer for layer in model.layers if isinstance(layer, layers.Activation)]
    assert len(activations) == 5
    for layer in activations:
        assert float(layer(np.float32([-1.0]))[0]) == pytest.approx(expected, abs=1e-6)


def test_it_trains_an_epoch_and_reports_seconds_and_accuracies(processed, words, capsys):
    words("--activation", "relu", "--epochs", "1")

    notebook_2017.main()

    result = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert len(result[metric_names.EPOCH_SECONDS]) == 1
    assert 0 < result[metric_names.TEST_ACCURACY] <= 1

import json

import pytest
from keras import layers

from benchmarks.references import fifteen_cnns
from src.runtime import metric_names


def test_its_layers_are_the_kernels():
    model = fifteen_cnns.build()

    kernels = [layer for layer in model.layers if hasattr(layer, "kernel")]
    shapes = [layer.output.shape[1:] for layer in kernels]
    assert shapes == [
        (26, 26, 32),
        (24, 24, 32),
        (12, 12, 32),
        (10, 10, 64),
        (8, 8, 64),
        (4, 4, 64),
        (1, 1, 128),
        (10,),
    ]
    assert [layer.kernel.shape[0] for layer in kernels[:-1]] == [3, 3, 5, 3, 3, 5, 4]
    assert sum(isinstance(layer, layers.BatchNormalization) for layer in model.layers) == 7
    assert [layer.rate for layer in model.layers if isinstance(layer, layers.Dropout)] == [0.4] * 3
    assert model.count_params() == 327_242
    assert not model.jit_compile


def test_the_rate_falls_by_a_twentieth_an_epoch():
    assert fifteen_cnns.learning_rate(0) == 1e-3
    assert fifteen_cnns.learning_rate(2) == pytest.approx(0.9025e-3)


def test_it_trains_an_epoch_and_reports_seconds_and_accuracies(processed, words, capsys):
    words("--epochs", "1")

    fifteen_cnns.main()

    result = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert len(result[metric_names.EPOCH_SECONDS]) == 1
    assert 0 < result[metric_names.TEST_ACCURACY] <= 1

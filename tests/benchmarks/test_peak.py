import keras
import numpy as np
import pytest
from keras import layers

from benchmarks import peak
from src.training import fit
from tests.support.recipes import configure


@pytest.fixture
def notebook(project):
    return fit.compile_model(configure("experiment=notebook", "activation=relu"), total_steps=1)[0]


@pytest.fixture
def small():
    """A network of one convolution, an activation and a dense layer."""
    inputs = keras.Input((8, 8, 1))
    x = layers.Activation("relu")(layers.Conv2D(2, 3)(inputs))
    model = keras.Model(inputs, layers.Dense(10)(layers.Flatten()(x)))
    model.compile("adam", "mse")
    return model


def test_a_step_takes_three_times_the_multiply_adds_and_the_first_layer_two(small, notebook):
    # 6×6 places of a 3×3 kernel with 1 input and 2 outputs; 72 inputs and 10 outputs.
    assert [peak.multiply_adds(layer) for layer in small.layers] == [0, 648, 0, 0, 720]
    assert peak.operations(small.layers) == [0, 4 * 648, 0, 0, 6 * 720]
    assert sum(map(peak.multiply_adds, notebook.layers)) == 32_340_992


def test_a_layers_passes_are_its_output_and_its_gradients(small):
    # Nothing before the first weights learns, so its input needs no gradient.
    expected = {-1: [(3, 10), (3, 72), (72, 10), (10,)], 1: [(3, 6, 6, 2), (3, 3, 1, 2), (2,)]}
    for layer, shapes in expected.items():
        output, gradients = peak.passes([small.layers[layer]], small, batch_size=3)()
        assert [found.shape for found in (output, *gradients)] == shapes


def test_the_parts_are_the_kernels_the_other_layers_by_kind_and_the_optimizer(notebook):
    parts = peak.parts_of(notebook, batch_size=2)
    assert {"Conv2D 5×5 1→32", "Activation", "MaxPooling2D", "Dense 3136→256"} < parts.keys()
    assert len(parts) == 13
    assert len(parts["Activation"]()) == 2 * 5  # outputs and gradients
    before = notebook.layers[-1].kernel.numpy()
    parts["Adam"]()
    assert np.all(notebook.layers[-1].kernel.numpy() != before)


@pytest.mark.slow
def test_the_command_prints_the_share_of_the_peak_and_the_parts(
    processed, words, monkeypatch, capsys
):
    monkeypatch.setattr(peak, "SIZES", (64,))
    monkeypatch.setattr(peak, "BUDGET", 0)
    words("--rounds", "1", "--steps", "2", "--batch-size", "4")
    peak.main()
    text = capsys.readouterr().out
    assert text.startswith("GFLOP/s in float32 at batch 4")
    assert all(one in text for one in ("≥ 0.75", "Conv2D 5×5 32→32", "the rest"))

import keras
import numpy as np
import pytest
from keras import layers

from benchmarks import step_parts
from src.training import fit
from tests.support.recipes import configure


@pytest.fixture
def notebook(project):
    cfg = configure("experiment=notebook", "activation=relu")
    model, _ = fit.compile_model(cfg, total_steps=1)
    return model


@pytest.fixture
def small():
    """A network of one convolution, an activation and a dense layer."""
    inputs = keras.Input((8, 8, 1))
    x = layers.Activation("relu")(layers.Conv2D(2, 3)(inputs))
    model = keras.Model(inputs, layers.Dense(10)(layers.Flatten()(x)))
    model.compile("adam", "mse")
    return model


def test_the_multiply_adds_are_those_of_every_kernel_at_every_place(small):
    # 6×6 places of a 3×3 kernel with 1 input and 2 outputs; 72 inputs and 10 outputs.
    assert [step_parts.multiply_adds(layer) for layer in small.layers] == [0, 648, 0, 0, 720]


def test_the_notebook_cnn_has_its_32_million_multiply_adds(notebook):
    assert sum(map(step_parts.multiply_adds, notebook.layers)) == 32_340_992


def test_a_step_takes_three_times_the_multiply_adds_and_the_first_layer_two(small):
    assert step_parts.operations(small.layers) == [0, 4 * 648, 0, 0, 6 * 720]


def test_a_layers_passes_are_its_output_and_its_gradients(small):
    convolution, dense = small.layers[1], small.layers[-1]

    output, gradients = step_parts.passes([dense], small, batch_size=3)()
    assert output.shape == (3, 10)
    assert [gradient.shape for gradient in gradients] == [(3, 72), (72, 10), (10,)]

    output, gradients = step_parts.passes([convolution], small, batch_size=3)()
    assert output.shape == (3, 6, 6, 2)
    # Nothing before the first weights learns, so its input needs no gradient.
    assert [gradient.shape for gradient in gradients] == [(3, 3, 1, 2), (2,)]


def test_an_update_changes_the_weights(small):
    before = small.layers[1].kernel.numpy()

    step_parts.update(small)()

    assert np.all(small.layers[1].kernel.numpy() != before)


def test_the_parts_are_the_kernels_the_other_layers_by_kind_and_the_optimizer(notebook):
    parts = step_parts.parts(notebook, batch_size=2)

    assert list(parts) == [
        "Reshape",
        "Rescaling",
        "Conv2D 5×5 1→32",
        "Activation",
        "Conv2D 5×5 32→32",
        "MaxPooling2D",
        "Dropout",
        "Conv2D 3×3 32→64",
        "Conv2D 3×3 64→64",
        "Flatten",
        "Dense 3136→256",
        "Dense 256→10",
        "Adam",
    ]
    assert len(parts["Activation"]()) == 2 * 5  # outputs and gradients
    parts["Adam"]()

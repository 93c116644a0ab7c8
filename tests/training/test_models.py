from contextlib import chdir
from pathlib import Path

import keras
import numpy as np
import pytest
from hydra.utils import instantiate

from src.core.errors import InputError
from src.data import mirrors
from src.training import activations, fit, models
from tests.support.recipes import configure, names

ROOT = Path(__file__).resolve().parents[2]

# Every model, made small where its size is not what is tested.
SMALL = {
    "notebook": ["model.filters=[2,3]", "model.units=4"],
    "compact": ["model.filters=[[2],[2,3]]"],
    "mini": ["model.filters=[[2],[3],[2,3]]"],
    "lenet5": ["model.units=[8,4]"],
    "mlp": ["model.units=[8,4]"],
}


def relu():
    return keras.layers.Activation("relu")


def of(model, kind):
    return [layer for layer in model.layers if isinstance(layer, kind)]


def convolutions(model):
    layers = of(model, keras.layers.Conv2D)
    return [(layer.filters, layer.kernel_size[0], layer.padding) for layer in layers]


def build(choice, *overrides):
    overrides = [f"model={choice}", *SMALL.get(choice, []), *overrides]
    cfg = configure("schedule=constant", *overrides)
    fit.prepare(cfg)
    model, _ = fit.compile_model(cfg, total_steps=1)
    model.run_eagerly = True  # for a step or two, compiling costs more than it saves
    return model


@pytest.fixture
def images(sample):
    return sample[mirrors.TRAIN_IMAGES][:16]


@pytest.fixture
def one_hot(sample):
    return keras.utils.to_categorical(sample[mirrors.TRAIN_LABELS][:16], 10)


@pytest.fixture(scope="module", params=names("model"))
def model(request):
    """Every model, with an activation that has a weight of its own."""
    with chdir(ROOT):
        return build(request.param, "activation=swish_beta")


def test_every_model_takes_raw_pixels_scales_them_and_gives_ten_scores(model, images):
    assert (model.input_shape, model.input.dtype) == ((None, 28, 28), "uint8")
    scores = model(images)
    assert (scores.shape, scores.dtype) == ((16, 10), "float32")
    scaled = keras.Model(model.input, model.get_layer("scale").output)(images)
    np.testing.assert_allclose(scaled[..., 0], images / 255, rtol=1e-6)


def test_every_model_has_an_activation_layer_of_its_own_in_each_place(model):
    layers = of(model, activations.SwishBeta)
    places = len(of(model, (keras.layers.Conv2D, keras.layers.Dense))) - 1  # all but the head
    assert len({layer.name for layer in layers}) == places
    assert len({id(layer.beta) for layer in layers}) == places


def test_every_weight_of_every_model_learns(model, images, one_hot):
    before = model.get_weights()
    assert np.isfinite(model.train_on_batch(images, one_hot)).all()
    after = model.get_weights()
    assert all((old != new).any() for old, new in zip(before, after, strict=True))


@pytest.mark.parametrize("choice", names("model"))
def test_every_model_can_end_in_a_softmax_or_in_a_sigmoid(choice, project, images):
    sums = {}
    for head in ("softmax", "sigmoid"):
        cfg = configure(f"model={choice}", *SMALL.get(choice, []), f"model.head={head}")
        sums[head] = np.sum(instantiate(cfg.model, activation=relu)(images), axis=1)
    np.testing.assert_allclose(sums["softmax"], 1, rtol=1e-5)
    assert (np.abs(sums["sigmoid"] - 1) > 0.1).all()


def test_another_head_is_refused_with_what_may_stand_there():
    with pytest.raises(InputError, match=r"^model.head=relu is unknown: choose softmax or sigm"):
        models.mlp(relu, head="relu")


def test_the_notebooks_cnn_is_the_one_of_the_notebook(project):
    cfg = configure("model=notebook", "activation=relu")
    model, _ = fit.compile_model(cfg, total_steps=1)
    assert model.count_params() == 887_530
    assert convolutions(model) == 2 * [(32, 5, "same")] + 2 * [(64, 3, "same")]
    assert [layer.units for layer in of(model, keras.layers.Dense)] == [256, 10]
    assert [layer.rate for layer in of(model, keras.layers.Dropout)] == [0.25, 0.25, 0.5]
    assert model.layers[-1].activation is keras.activations.sigmoid
    block = ["Conv2D", "Activation", "Conv2D", "Activation", "MaxPooling2D", "Dropout"]
    end = ["Flatten", "Dense", "Activation", "Dropout", "Dense"]
    assert [type(layer).__name__ for layer in model.layers[3:]] == [*block, *block, *end]


def test_the_compact_cnn_normalizes_every_convolution_and_pools_after_each_block_but_the_last():
    # Blocks that are equal are not the same: the last one is the last in place.
    filters = ((4,), (5, 6), (5, 6))
    model = models.compact(relu, border=1, filters=filters, first_kernel=7, dropout=0.125)
    assert convolutions(model) == [(4, 7, "valid"), *2 * [(5, 3, "same"), (6, 3, "valid")]]
    layers = of(model, keras.layers.Conv2D)
    assert [layer.input.shape[1] for layer in layers] == [26, 10, 10, 4, 4]
    assert not any(layer.use_bias for layer in layers)
    assert len(of(model, keras.layers.BatchNormalization)) == 5
    assert len(of(model, keras.layers.MaxPooling2D)) == 2
    assert of(model, keras.layers.Flatten)[0].output.shape == (None, 2 * 2 * 6)
    assert [layer.rate for layer in of(model, keras.layers.Dropout)] == [0.125]


@pytest.mark.parametrize(("border", "count"), [(2, 5), (4, 4)])  # of six places
def test_a_map_as_small_as_the_kernel_is_covered_by_a_dense_layer(border, count, images):
    model = models.compact(relu, border=border, filters=((2,), (3, 4), (4, 5, 6)))
    assert len(convolutions(model)) == count
    *covering, head = of(model, keras.layers.Dense)
    assert len(covering) == 6 - count
    assert head.units == 10
    assert not any(layer.use_bias for layer in covering)
    assert model(images).shape == (16, 10)


def test_lenet5_has_the_papers_sizes_and_the_perceptron_a_layer_for_each_of_its_units():
    model = models.lenet5(relu)
    assert [layer.filters for layer in of(model, keras.layers.Conv2D)] == [6, 16]
    assert [layer.units for layer in of(model, keras.layers.Dense)] == [120, 84, 10]
    assert of(model, keras.layers.Flatten)[0].output.shape == (None, 400)
    model = models.mlp(relu, units=[9, 8, 7], dropout=0.25)
    assert [layer.units for layer in of(model, keras.layers.Dense)] == [9, 8, 7, 10]
    assert [layer.rate for layer in of(model, keras.layers.Dropout)] == [0.25] * 3

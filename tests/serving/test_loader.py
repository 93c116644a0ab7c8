import json

import mlflow
import numpy as np
import pytest

from src.serving import loader
from src.serving.pixels import RefusedInputError
from src.training import activations
from tests.support.commands import run

# An image that MLflow builds for a model lacks the project's other dependencies.
ELSEWHERE = """
import sys
for name in ("hydra", "omegaconf", "optuna", "dvc", "kaggle"):
    sys.modules[name] = None
import mlflow, numpy as np
print(mlflow.pyfunc.load_model(sys.argv[1]).predict(np.load(sys.argv[2])).round(6).tolist())
"""


@pytest.fixture(scope="module")
def model():
    import keras

    image = keras.Input((28, 28), dtype="uint8")
    x = keras.layers.Flatten()(keras.layers.Rescaling(1 / 255)(image))
    x = activations.SwishBeta()(keras.layers.Dense(4)(x))
    return keras.Model(image, keras.layers.Dense(10, activation="softmax")(x))


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(1).integers(0, 256, (300, 28, 28)).astype(np.uint8)


@pytest.fixture(scope="module")
def saved(model, images, tmp_path_factory):
    """A model saved as a training logs it."""
    path = tmp_path_factory.mktemp("saved") / "model"
    loader.save_model(
        path=str(path),
        mlflow_model=mlflow.models.Model(),
        model=model,
        signature=mlflow.models.infer_signature(images[:1]),
        pip_requirements=["tensorflow"],
        code_paths=["src"],
    )
    return str(path)


def test_more_images_than_fit_into_one_call_are_answered_in_their_order(model, images):
    found = loader.ServedModel(model).predict(images)
    assert len(images) > loader.AT_ONCE
    np.testing.assert_allclose(found, model(images), atol=1e-6)


def test_a_saved_model_describes_and_answers_raw_pixels_and_no_others(model, images, saved):
    served = mlflow.pyfunc.load_model(saved)
    expected = np.asarray(model(images[:2]))
    for given in (images[:2], images[:2].astype(float), images[:2].reshape(2, 784).tolist()):
        np.testing.assert_allclose(served.predict(given), expected, atol=1e-6)
    with pytest.raises(RefusedInputError, match="multiply normalized pixels by 255"):
        served.predict(images[:2] / 255)
    described = mlflow.models.get_model_info(saved)
    [scores] = described.signature.outputs
    assert (scores.name, scores.shape, scores.type) == ("scores", (-1, 10), np.float32)
    assert described.metadata["input"].startswith("28×28, 1×28×28 or 784 whole numbers")
    loaded = mlflow.tensorflow.load_model(saved)
    np.testing.assert_array_equal(loaded(images[:2]), model(images[:2]))


@pytest.mark.slow
def test_it_loads_where_neither_the_project_nor_its_other_packages_are(
    model, images, saved, tmp_path
):
    np.save(tmp_path / "images.npy", images[:1])
    (tmp_path / "elsewhere.py").write_text(ELSEWHERE)
    done = run(tmp_path, "elsewhere", saved, "images.npy")
    assert done.returncode == 0, done.stderr
    np.testing.assert_allclose(json.loads(done.stdout), model(images[:1]), atol=1e-5)

"""The MLflow flavor of this project's models, for `mlflow models serve` and
`mlflow.pyfunc.load_model`; `mlflow.tensorflow` still loads the Keras model inside.
"""

from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import tensorflow as tf
from mlflow.models import Model, ModelSignature
from mlflow.models.model import MLMODEL_FILE_NAME
from mlflow.pyfunc import FLAVOR_NAME, MAIN
from mlflow.types import Schema, TensorSpec

from src.data.digits import CLASSES, SIDE
from src.serving import pixels

AT_ONCE = 256  # images in one call of the network, whose maps need 100 kB each


class ServedModel:
    """A Keras model of uint8 (batch, 28, 28) that checks its input."""

    def __init__(self, model: Any):
        self.network = tf.function(
            lambda images: model(images, training=False),
            input_signature=[tf.TensorSpec((None, SIDE, SIDE), tf.uint8)],
        )
        self.network(np.zeros((1, SIDE, SIDE), np.uint8))  # trace it before the first request

    def predict(self, data: Any, params: dict[str, Any] | None = None) -> np.ndarray:
        """Return the class scores, float32 (N, 10), of input for `pixels.images`."""
        images = pixels.images(data)
        parts = range(0, len(images), AT_ONCE)
        return np.concatenate([self.network(images[at : at + AT_ONCE]).numpy() for at in parts])


def save_model(*, path: str, mlflow_model: Model, **given: Any) -> None:
    """Save a Keras model as `mlflow.tensorflow.save_model` does, but to be served by `ServedModel`.

    The signature lacks the input, or MLflow would cast pixels (0.5 to 0) and allow a single shape.
    """
    mlflow.tensorflow.save_model(path=path, mlflow_model=mlflow_model, **given)
    mlflow_model.flavors[FLAVOR_NAME][MAIN] = __name__
    scores = TensorSpec(np.dtype(np.float32), (-1, CLASSES), "scores")
    mlflow_model.signature = ModelSignature(outputs=Schema([scores]))
    mlflow_model.metadata = {**(mlflow_model.metadata or {}), "input": pixels.ACCEPTED}
    mlflow_model.save(str(Path(path, MLMODEL_FILE_NAME)))


def _load_pyfunc(path: str) -> ServedModel:
    """Return the model saved in `path`; MLflow calls this."""
    import keras

    from src.training import activations, normalization  # noqa: F401  register their layers

    return ServedModel(keras.saving.load_model(Path(path, "model.keras"), compile=False))

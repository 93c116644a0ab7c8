import keras
import numpy as np
import pytest
import tensorflow as tf

from benchmarks import ablation
from src.config import compose
from src.training import activations, models


@pytest.mark.parametrize("name", ablation.VARIANTS)
def test_every_variant_is_the_default_recipe_but_for_one_thing(name, project):
    variant = ablation.VARIANTS[name]
    differs = compose.compose(*variant.overrides) != compose.compose()
    assert differs + bool(variant.environment) + bool(variant.replace) == (name != ablation.DEFAULT)


def test_the_fused_kernels_can_be_replaced(monkeypatch):
    monkeypatch.setattr(models, "BatchNormalization", models.BatchNormalization)
    monkeypatch.setattr(activations.Swish, "_fused", staticmethod(activations.swish))
    for variant in ablation.VARIANTS.values():
        if variant.replace:
            variant.replace()
    assert models.BatchNormalization is keras.layers.BatchNormalization
    x = tf.constant([-1.0, 2.0])
    np.testing.assert_allclose(activations.Swish()(x, training=True), x * tf.sigmoid(x), rtol=1e-6)

"""An activation that can be built, saved and loaded, but fails in the first training step."""

from pathlib import Path

TARGET = "src.training.broken.Broken"
REASON = "this activation is broken on purpose."
LAYER = f'''"""An activation that fails when it is called."""

import keras

from src.core.errors import InputError


@keras.saving.register_keras_serializable()
class Broken(keras.layers.Layer):
    """Fails when it is called."""

    def compute_output_spec(self, x):
        return keras.KerasTensor(x.shape, x.dtype)

    def call(self, x):
        raise InputError("{REASON}")
'''


def add(project: Path) -> None:
    """Let a project choose it, as `activation=broken`."""
    (project / "src" / "training" / "broken.py").write_text(LAYER)
    choice = project / "conf" / "activation" / "broken.yaml"
    choice.write_text(f"_target_: {TARGET}\n")

"""What each step towards the default recipe's speed is worth: its training without that step.

python -m benchmarks.steps

Every variant trains in a process of its own, in turn, on real batches. The ratio is the default's
images per second divided by those without the step.
"""

import argparse
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from benchmarks import training_step, turns
from src.runtime import errors, metric_names, quiet

DEFAULT = "the default recipe"


def _keras_normalization() -> None:
    import keras

    from src.training import models

    models.BatchNormalization = keras.layers.BatchNormalization


def _keras_swish() -> None:
    import tensorflow as tf

    from src.training import activations

    activations.swish = tf.nn.silu


@dataclass(frozen=True)
class Variant:
    """How the default recipe is robbed of a step."""

    overrides: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)
    replace: Callable[[], None] | None = None


VARIANTS = {
    DEFAULT: Variant(),
    "the notebook's CNN instead of the compact one": Variant(
        ("model=notebook", "model.head=softmax")
    ),
    "the whole image instead of its middle": Variant(("model.border=0",)),
    "float32 instead of bfloat16": Variant(("precision=float32",)),
    "Keras's batch normalization, not fused": Variant(replace=_keras_normalization),
    "TensorFlow's Swish, not fused": Variant(replace=_keras_swish),
    "Eigen's convolutions instead of oneDNN's": Variant(environment={"TF_ENABLE_ONEDNN_OPTS": "0"}),
    "batches of 86, as in the notebook": Variant(("batch_size=86",)),
    "affine warps instead of elastic ones": Variant(("augmentation=affine",)),
    "no warps at all": Variant(("augmentation=none",)),
    "no determinism": Variant(("deterministic=false",)),
}


def rate(name: str, steps: int) -> float:
    """Return a variant's images per second, measured in a process of its own."""
    words = ("-m", "benchmarks.steps", "--only", name, "--steps", str(steps))
    return turns.answer(*words, **VARIANTS[name].environment)[metric_names.IMAGES_PER_SECOND]


def only(name: str, steps: int) -> float:
    """Return a variant's images per second, measured in this process."""
    variant = VARIANTS[name]
    if variant.replace:
        with quiet.stderr():
            variant.replace()
    return training_step.images_per_second(steps, *variant.overrides)


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description="What each step of the default recipe is worth.")
    parser.add_argument("--steps", type=int, default=200, help="timed in a row")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", choices=VARIANTS, help="measure one here, and print JSON")
    given = parser.parse_args()
    if given.only:
        print(json.dumps({metric_names.IMAGES_PER_SECOND: only(given.only, given.steps)}))
        return
    conditions = turns.conditions("tensorflow", "keras")
    rates = turns.take({name: partial(rate, name, given.steps) for name in VARIANTS}, given.rounds)
    # A ratio above 1 says how many times as fast the default is as without the step.
    slowness = {name: [1 / value for value in values] for name, values in rates.items()}
    turns.show(
        "Milliseconds per 1,000 images, and how many times those of the default",
        conditions,
        [
            turns.Row(name, [1e6 * value for value in values], [1e6 * v for v in slowness[DEFAULT]])
            for name, values in slowness.items()
        ],
    )


if __name__ == "__main__":
    errors.run(main)

"""The speed that each part of the default recipe adds: its training without that part.

python -m benchmarks.ablation

Every variant trains in its own process, interleaved, on real images. The ratio is the default
recipe's images/s divided by the variant's: how many times as fast the default recipe is.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from benchmarks import harness, probes, processes
from src.core import errors, heavy_imports, metric_names

DEFAULT = "the default recipe"


def _keras_normalization() -> None:
    import keras

    from src.training import models

    models.BatchNormalization = keras.layers.BatchNormalization  # type: ignore[misc]


def _tensorflow_swish() -> None:
    import tensorflow as tf

    from src.training import activations

    activations.Swish._fused = staticmethod(tf.nn.silu)


@dataclass(frozen=True)
class Variant:
    """How one part is taken out of the default recipe."""

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
    "Keras's batch normalization instead of the fused one": Variant(replace=_keras_normalization),
    "TensorFlow's Swish instead of the fused one": Variant(replace=_tensorflow_swish),
    "Eigen's convolutions instead of oneDNN's": Variant(environment={"TF_ENABLE_ONEDNN_OPTS": "0"}),
    "batches of 86 instead of 256": Variant(("batch_size=86",)),
    "affine warps instead of elastic ones": Variant(("augmentation=affine",)),
    "no warps": Variant(("augmentation=none",)),
    "no determinism": Variant(("deterministic=false",)),
}


def rate(name: str, steps: int) -> float:
    """Return a variant's images/s, measured in its own process."""
    words = ("-m", "benchmarks.ablation", "--only", name, "--steps", str(steps))
    result = processes.answer(*words, environment=VARIANTS[name].environment)
    return result[metric_names.IMAGES_PER_SECOND]


def only(name: str, steps: int) -> dict[str, float]:
    """Return the figures of `probes.step` for a variant, measured in this process."""
    variant = VARIANTS[name]
    if variant.replace:
        heavy_imports.load(mlflow=False)
        variant.replace()
    return probes.step(steps, *variant.overrides)


def main() -> None:
    """Measure, and print the table."""
    parser = harness.parser("ablation", __doc__, rounds=3)
    parser.add_argument("--steps", type=int, default=200, help="timed in a row")
    parser.add_argument(
        "--only",
        choices=VARIANTS,
        metavar="VARIANT",
        help="measure this one, in this process, and print JSON",
    )
    given = parser.parse_args()
    if given.only:
        print(json.dumps(only(given.only, given.steps)))
        return
    conditions = harness.conditions("tensorflow", "keras")
    rates = harness.interleave(
        {name: partial(rate, name, given.steps) for name in VARIANTS}, given.rounds
    )
    milliseconds = {name: [1e6 / value for value in values] for name, values in rates.items()}
    harness.show(
        "Milliseconds per 1,000 images, and how many times as fast the default recipe is",
        conditions,
        [harness.Row(name, values, milliseconds[DEFAULT]) for name, values in milliseconds.items()],
    )


if __name__ == "__main__":
    errors.run(main)

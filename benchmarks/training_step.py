"""Our training step: images per second of `fit` as the pipeline runs it.

python -m benchmarks.training_step experiment=notebook precision=mixed_bfloat16 batch_size=86
"""

import argparse
import json
import tempfile
from pathlib import Path

import numpy as np

from src.config import compose
from src.data import dataset
from src.data.digits import SIDE
from src.runtime import errors, metric_names, paths, quiet

NOTEBOOK = ("experiment=notebook", "augmentation=none")  # the CNN that the speed is told for


def images_per_second(steps: int, *overrides: str) -> float:
    """Return the rate of a training's second epoch; the first one compiles.

    Args:
        steps: in an epoch, on real images.
        overrides: of the configuration, as `python -m src.train` takes them.
    """
    cfg = compose.compose(*overrides, "epochs=2")
    with quiet.stderr():
        from src.training import checkpoint, fit
    count = steps * cfg.batch_size
    images, labels = dataset.load(paths.TRAIN).values()
    epoch = {
        "images": np.resize(images, (count, SIDE, SIDE)),  # from the start again, if too few
        "labels": np.resize(labels, count),
    }
    validation = {"images": images[:10], "labels": labels[:10]}
    state = checkpoint.State()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "state.npz"
        fit.fit(cfg, epoch, validation, file, state, "step", lambda values, number: None)
    return state.history[-1][metric_names.IMAGES_PER_SECOND]


def main() -> None:
    """Measure; print the rate as JSON."""
    parser = argparse.ArgumentParser(description="Time the pipeline's training step.")
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("overrides", nargs="*")
    given = parser.parse_args()
    print(
        json.dumps(
            {metric_names.IMAGES_PER_SECOND: images_per_second(given.steps, *given.overrides)}
        )
    )


if __name__ == "__main__":
    errors.run(main)

"""Errors of recipes on labelled images, by cross-validation: how the recipes were chosen.

python -m benchmarks.cross_validation "" augmentation=affine "epochs=12 label_smoothing=0"

Each argument is a recipe: overrides as `python -m src.train` takes them. Every fold holds back a
part of the labelled images; the rest is split and trained as in the pipeline, and the weights that
the recipe keeps are scored on the fold. The held-out images of test.csv play no part.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks import harness
from src.config import compose, schema
from src.core import errors, heavy_imports, metric_names, paths
from src.data import dataset, split

SEED = 7  # of the folds


def labelled() -> tuple[np.ndarray, np.ndarray]:
    """Return every labelled image, uint8 (N, 28, 28), and label, uint8 (N,), in random order."""
    parts = [dataset.load(path) for path in (paths.TRAIN, paths.VALID)]
    images, labels = (np.concatenate([part[key] for part in parts]) for key in ("images", "labels"))
    order = np.random.RandomState(SEED).permutation(len(labels))
    return images[order], labels[order]


def score(recipe: str, fold: int, folds: int) -> dict[str, float]:
    """Train a recipe without one fold; return its errors on the fold, and its seconds of training.

    Args:
        recipe: overrides, separated by spaces.
        fold: from 0; the recipe's seed is the next number.
        folds: how many there are.
    """
    heavy_imports.load(mlflow=False)

    from src.training import batches, checkpoint, fit

    cfg = compose.compose(*recipe.split(), f"seed={fold + 1}")
    images, labels = labelled()
    held = np.arange(len(labels)) % folds == fold
    images_left, labels_left = images[~held], labels[~held]
    fraction = compose.stage(schema.Preprocess).valid_fraction
    train, valid = (
        {"images": images_left[part], "labels": labels_left[part]}
        for part in split.by_fraction(labels_left, fraction, SEED)
    )
    state = checkpoint.State()
    with TemporaryDirectory() as folder:
        model = fit.fit(cfg, train, valid, Path(folder) / checkpoint.STATE, state)
    scores = model.predict(batches.evaluation_batches(images[held]), verbose=0)
    return {
        metric_names.TEST_ERRORS: int((scores.argmax(axis=1) != labels[held]).sum()),
        metric_names.TRAIN_SECONDS: sum(row[metric_names.EPOCH_SECONDS] for row in state.history),
    }


def table(results: Mapping[str, Sequence[Mapping[str, float]]], images: int) -> Table:
    """Return a table with a row for each recipe.

    Args:
        results: those of `score` for each fold, by recipe.
        images: how many there are in all folds.
    """
    result = Table(box=box.HORIZONTALS, pad_edge=False)
    result.add_column("recipe", overflow="fold")
    for heading in ("errors", "per fold", "error rate", "s of training"):
        result.add_column(heading, justify="right", no_wrap=True)
    for recipe, scores in results.items():
        wrong = [one[metric_names.TEST_ERRORS] for one in scores]
        seconds = [one[metric_names.TRAIN_SECONDS] for one in scores]
        result.add_row(
            recipe or "as in params.yaml",
            f"{sum(wrong):,}",
            " ".join(map(str, wrong)),
            f"{sum(wrong) / images:.3%}",
            f"{np.median(seconds):.1f}",
        )
    return result


def main() -> None:
    """Score the recipes fold by fold, interleaved, and print the table."""
    parser = harness.parser("cross_validation", __doc__)
    parser.add_argument("recipes", nargs="+", help="overrides in quotes; '' for params.yaml's")
    parser.add_argument("--folds", type=int, default=5, help="at least 2")
    given = parser.parse_args()
    if given.folds < 2:
        raise errors.InputError("--folds must be 2 or more: each is scored by training on others.")
    for recipe in given.recipes:
        compose.compose(*recipe.split())  # mistakes, before anything is trained
    images = len(labelled()[1])
    numbers = {recipe: iter(range(given.folds)) for recipe in given.recipes}
    results = harness.interleave(
        {
            recipe: partial(lambda name: score(name, next(numbers[name]), given.folds), recipe)
            for recipe in given.recipes
        },
        given.folds,
        describe=lambda found: f"{found[metric_names.TEST_ERRORS]} errors",
    )
    print(f"Errors over {given.folds} folds of {images:,} labelled images")
    print(harness.conditions("tensorflow", "keras"))
    Console(highlight=False, width=harness.WIDTH).print(table(results, images))


if __name__ == "__main__":
    errors.run(main)

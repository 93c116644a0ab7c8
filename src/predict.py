"""Predict the test images: the fourth stage. Writes the submission, and its score if known."""

import json
from pathlib import Path
from typing import Any

from src.data import dataset
from src.runtime import errors, heavy_imports, paths
from src.runtime.errors import InputError


def main() -> None:
    """Load the trained model, write its predictions, and add them to the training's run."""
    model_file = paths.MODELS / paths.MODEL
    _require(model_file)
    origin = _read(paths.MODELS / paths.ORIGIN)
    dataset.describe()

    heavy_imports.load()
    from src import summary
    from src.evaluation import predictions
    from src.tracking import run_logger
    from src.training import fit

    model = fit.load(model_file)
    made = predictions.write(model, paths.PREDICTIONS)
    run_id, own = run_logger.log_to_training_run(origin, files=made.artifacts, metrics=made.scores)
    if not own:
        print(f"The run that trained this model is not in this store: run {run_id} stands in.")
    known = f"held-out accuracy {summary.accuracy(made.scores)}" if made.scores else "not scored"
    print(f"{made.submission}: {known}")


def _require(path: Path) -> None:
    if not path.is_file():
        raise InputError(f"{path} does not exist: run `dvc repro train` first.")


def _read(path: Path) -> dict[str, Any]:
    _require(path)
    try:
        return json.loads(path.read_text())
    except ValueError as error:
        raise InputError(
            f"{path} cannot be read ({error}); expected what train wrote: run "
            "`dvc repro --force train` to write it anew."
        ) from error


if __name__ == "__main__":
    errors.run(main)

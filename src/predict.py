"""Predict the test images: the fourth stage. Writes the submission, and its score if known."""

import json

from src import dataset, errors, paths, quiet
from src.errors import InputError


def main() -> None:
    """Load the trained model, write its predictions, and add them to the training's run."""
    for path in (paths.MODELS / paths.MODEL, paths.MODELS / paths.ORIGIN):
        if not path.is_file():
            raise InputError(f"{path} does not exist: run `dvc repro train` first.")
    origin = json.loads((paths.MODELS / paths.ORIGIN).read_text())
    final = json.loads((paths.MODELS / paths.METRICS).read_text())
    dataset.describe()

    with quiet.stderr():
        from src import predictions, summary, tracking, training
    model = training.load(paths.MODELS / paths.MODEL)
    made = predictions.write(model, paths.PREDICTIONS)
    run_id, own = tracking.log_to_training_run(origin, files=made.artifacts, metrics=made.scores)
    if not own:
        print(f"The run that trained this model is not in this store: run {run_id} stands in.")
    summary.show(final, made, {**origin, "run_id": run_id})


if __name__ == "__main__":
    errors.run(main)

"""Stage 4: predict the test images, and score them where their labels are known."""

import sys
from collections.abc import Sequence

from src.data import dataset
from src.evaluation import closing_table
from src.runtime import errors, heavy_imports, paths
from src.runtime.checksum import sha256
from src.runtime.command_line import no_arguments
from src.runtime.errors import InputError
from src.runtime.read_json import read_json


def main(argv: Sequence[str] = ()) -> None:
    """Load the trained model, write its predictions, and add them to the training's run."""
    no_arguments(
        "predict",
        "Stage 4: predict the test images with the trained model, and score them where their "
        "labels are known.",
        argv,
        reads="models/ (model.keras, run.json), data/processed and data/raw/solution.csv",
        writes="predictions/: submission.csv, the class probabilities, scores and figures; the "
        "MLflow run that trained the model gets all of it, too",
        example="(`dvc repro predict`: if changed)",
    )
    model_file = paths.MODELS / paths.MODEL
    if not model_file.is_file():
        raise InputError(f"{model_file} does not exist: run `dvc repro train` first.")
    keys = {"run_id": str | None, "run_name": str, "experiment": str}
    remedy = "run `dvc repro --force train`."
    origin = read_json(paths.MODELS / paths.ORIGIN, keys, remedy)
    checksum = sha256(model_file)
    if origin.get("model_sha256", checksum) != checksum:
        raise InputError(
            f"{model_file} is not the model that {paths.ORIGIN} beside it tells of (its SHA-256 "
            "differs): run `dvc repro --force train`."
        )
    dataset.describe()
    tracked = origin["run_id"] is not None

    heavy_imports.load(mlflow=tracked)
    from src.evaluation import predictions  # TensorFlow and MLflow: after the checks
    from src.training import fit

    run_id = None
    if tracked:
        from src.tracking import run_logger

        # First, because a store that cannot be used shall cost no predictions.
        run_id = run_logger.find_or_restore(
            origin["run_id"], origin["run_name"], origin["experiment"]
        )
    made = predictions.write(fit.load(model_file), paths.PREDICTIONS)
    known = f"held-out accuracy {closing_table.accuracy(made.scores)}" if made.scores else ""
    print(f"{made.submission}: {known or 'not scored'}")
    if run_id is not None:
        run_logger.add_results(run_id, files=made.artifacts, scores=made.scores)
    if run_id != origin["run_id"]:
        print(f"The run that trained this model is not in this store: run {run_id} stands in.")


if __name__ == "__main__":
    errors.run(lambda: main(sys.argv[1:]))

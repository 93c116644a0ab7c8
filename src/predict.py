"""Predict the test images: the fourth stage. Writes the submission, and its score if known."""

from src.data import dataset
from src.evaluation import closing_table
from src.runtime import errors, heavy_imports, paths
from src.runtime.errors import InputError
from src.runtime.read_json import read_json


def main() -> None:
    """Load the trained model, write its predictions, and add them to the training's run."""
    model_file = paths.MODELS / paths.MODEL
    if not model_file.is_file():
        raise InputError(f"{model_file} does not exist: run `dvc repro train` first.")
    keys = {"run_id": str | None, "run_name": str, "experiment": str}
    remedy = "run `dvc repro --force train`."
    origin = read_json(paths.MODELS / paths.ORIGIN, keys, remedy)
    dataset.describe()
    tracked = origin["run_id"] is not None

    heavy_imports.load(mlflow=tracked)
    from src.evaluation import predictions  # TensorFlow: after the checks
    from src.training import fit

    made = predictions.write(fit.load(model_file), paths.PREDICTIONS)
    known = f"held-out accuracy {closing_table.accuracy(made.scores)}" if made.scores else ""
    print(f"{made.submission}: {known or 'not scored'}")
    if tracked:
        from src.tracking import run_logger  # MLflow: for a training that was tracked

        run_id = run_logger.find_or_restore(
            origin["run_id"], origin["run_name"], origin["experiment"]
        )
        run_logger.add_results(run_id, files=made.artifacts, scores=made.scores)
        if run_id != origin["run_id"]:
            print(f"The run that trained this model is not in this store: run {run_id} stands in.")


if __name__ == "__main__":
    errors.run(main)

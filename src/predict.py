"""Stage 4: predict the test images, and score them if their labels are known.

Reads:   models/ (model.keras, run.json), data/processed and
         data/raw/solution.csv
Writes:  predictions/: submission.csv, the class probabilities, scores and
         figures; the MLflow run that trained the model gets all of them, too

Examples:
  python -m src.predict  always predicts; `dvc repro predict` only if needed
"""

from src.core import command_line, errors, heavy_imports, paths
from src.core.checksum import sha256
from src.core.errors import InputError
from src.core.read_json import read_json
from src.data import dataset
from src.evaluation import closing_table, held_out_labels


def main() -> None:
    """Load the trained model, write its predictions, and add them to the training's run."""
    model_file = paths.MODELS / paths.MODEL
    if not model_file.is_file():
        raise InputError(f"{model_file} does not exist: run `dvc repro train` first.")
    remedy = "run `dvc repro --force train`."
    keys = {"run_id": str | None, "run_name": str, "experiment": str}
    origin = read_json(paths.MODELS / paths.ORIGIN, keys, remedy)
    checksum = sha256(model_file)
    if origin.get("model_sha256", checksum) != checksum:
        raise InputError(f"{model_file} does not match its SHA-256 in {paths.ORIGIN}: {remedy}")
    if (seed := origin.get("data_seed")) is not None:
        raise InputError(
            f"{model_file} was trained with data_seed={seed}, perhaps on images of {paths.TEST}, "
            f"which then measure nothing: `python -m src.train data_seed={seed}` trains and scores "
            "on its own draw; for the pipeline, delete data_seed and run `dvc repro`."
        )
    images = dataset.load(paths.TEST)["images"]
    run_id = origin["run_id"]

    heavy_imports.load(mlflow=run_id is not None)
    from src.evaluation import predictions  # TensorFlow and MLflow: after the checks
    from src.training import fit

    labels = held_out_labels.read(len(images))
    if run_id is not None:
        from src.tracking import run_logger

        # Before the predictions, which an unusable store would waste.
        run_id = run_logger.find_or_restore(run_id, origin["run_name"], origin["experiment"])
    written = predictions.write(fit.load(model_file), images, labels, paths.PREDICTIONS)
    score = f"held-out accuracy {closing_table.accuracy(written.scores)}" if written.scores else ""
    print(f"{written.submission}: {score or 'not scored'}")
    if run_id is not None:
        run_logger.add_results(run_id, files=written.artifacts, scores=written.scores)
    if run_id != origin["run_id"]:
        print(f"The run that trained this model is not in this store: run {run_id} stands in.")


if __name__ == "__main__":
    command_line.parser("predict", __doc__).parse_args()
    errors.run(main)

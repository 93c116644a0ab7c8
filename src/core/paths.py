"""Paths of files, relative to the project's root. `dvc.yaml` repeats them; a test compares."""

import os
from pathlib import Path

PARAMS = Path("params.yaml")
CONF = Path(__file__).resolve().parents[2] / "conf"  # beside the code, wherever a command runs

SOURCE = Path("data/source.json")  # check

RAW = Path("data/raw")  # fetch
TRAIN_CSV = RAW / "train.csv"
TEST_CSV = RAW / "test.csv"
SAMPLE_SUBMISSION_CSV = RAW / "sample_submission.csv"
SOLUTION_CSV = RAW / "solution.csv"
PROVENANCE = RAW / "provenance.json"

PROCESSED = Path("data/processed")  # preprocess
TRAIN = PROCESSED / "train.npz"
VALID = PROCESSED / "valid.npz"
TEST = PROCESSED / "test.npz"
DATASET = PROCESSED / "dataset.json"
DATA_FIGURES = PROCESSED / "figures"

MODELS = Path("models")  # train, when DVC runs it; otherwise Hydra creates a folder
MODEL = "model.keras"  # from here on: in that folder
HISTORY = "history.csv"
METRICS = "metrics.json"  # what DVC compares
TIMINGS = "timings.json"
ORIGIN = "run.json"  # which MLflow run
CURVES = "figures/learning_curves.png"

PREDICTIONS = Path("predictions")  # predict, when DVC runs it; otherwise inside train's folder
SUBMISSION = "submission.csv"  # from here on: in that folder
PROBABILITIES = "probabilities.npy"
PREDICTED = "predictions.csv"

REPORTS = Path("reports")  # a folder for each study
READABLE_REPORT = "report.md"  # in that folder: for readers of the repository
RESULTS = "results.json"  # likewise: every number

GAP = Path("outputs/gap.png")  # gap

CHECKPOINTS = Path("checkpoints")  # of unfinished trainings; and lock files


def fresh_folder(wanted: Path) -> Path:
    """Create a folder that no other process has; if the name is taken, it ends in -2, -3, ..."""
    wanted.parent.mkdir(parents=True, exist_ok=True)
    folder, number = wanted, 1
    while True:
        try:
            folder.mkdir()
            return folder
        except FileExistsError:
            number += 1
            folder = wanted.with_name(f"{wanted.name}-{number}")


def project_root() -> Path:
    """Return the real repository: `dvc exp run --temp` works in a clone that DVC deletes."""
    return Path(os.environ.get("DVC_ROOT") or Path.cwd())

"""Submit the predicted labels to Kaggle's Digit Recognizer and record the score.

Reads:   RUN_FOLDER, and Kaggle's credentials (docs/kaggle.md)
Writes:  a submission at Kaggle, and the metric kaggle_public_score of the
         MLflow run that trained the model

Examples:
  python -m src.submit                   the result of `make` or `dvc repro`
  python -m src.submit outputs/DATE/RUN  the result of another run
  python -m src.submit --ref 12345678    the score of an earlier submission
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from src.core import command_line, errors
from src.core.errors import InputError
from src.core.metric_names import KAGGLE_PUBLIC_SCORE
from src.core.paths import MODELS, ORIGIN, PREDICTIONS, SUBMISSION
from src.core.read_json import read_json
from src.data import kaggle_api, read_csv
from src.data.sources import KAGGLE_ROWS

ORIGIN_KEYS = {"run_id": str | None, "run_name": str, "experiment": str, "dataset": str}
ORIGIN_REMEDY = (
    "it names the run to record the score in, so run `dvc repro`, or give the output folder of a "
    "training."
)
SUBMISSION_TAG = "kaggle_submission"


def main(argv: Sequence[str] | None = None) -> None:
    """Check the files, submit them or ask for an earlier score, print it, and log it."""
    parser = command_line.parser("submit", __doc__)
    add, patience = parser.add_argument, kaggle_api.TIMEOUT_SECONDS
    of_run = f"a training's output folder, with {ORIGIN} and predictions/{SUBMISSION} "
    of_run += "(default: the result of `dvc repro`)"
    of_timeout = "how long to wait for the score (default: %(default)s)"
    of_ref = "send nothing: wait for the score of this earlier submission, and record it"
    add("run_folder", nargs="?", type=Path, metavar="RUN_FOLDER", help=of_run)
    add("--message", metavar="TEXT", help="description at Kaggle (default: the run's name)")
    add("--timeout", type=float, default=patience, metavar="SECONDS", help=of_timeout)
    add("--ref", type=int, metavar="NUMBER", help=of_ref)
    args = parser.parse_args(argv)
    if not 0 <= args.timeout < float("inf"):  # also refuses NaN
        raise InputError(f"--timeout={args.timeout:g} is not a time: give seconds, 0 or more.")
    folder = args.run_folder
    if folder is not None and not folder.is_dir():
        raise InputError(
            f"{folder} is not a folder: give the output folder of a training (for example one in "
            "outputs/ or multirun/), or nothing for the result of `dvc repro`."
        )
    origin = read_json((folder or MODELS) / ORIGIN, ORIGIN_KEYS, ORIGIN_REMEDY)
    csv = (folder or Path()) / PREDICTIONS / SUBMISSION
    try:
        if args.ref is None:
            _check_dataset(origin["dataset"])
            _check_submission(csv)
            print(f"Submitting {csv} to {kaggle_api.COMPETITION} ...", file=sys.stderr)
            message = args.message or origin["run_name"]
            score = kaggle_api.submit(csv, message, args.timeout, _show_waiting)
        else:
            score = kaggle_api.score(args.ref, args.timeout, _show_waiting)
    finally:
        if sys.stderr.isatty():
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
    print(f"Public score  {score.public_score:.5f}")
    print(f"Kaggle        {kaggle_api.SUBMISSIONS} (submission {score.ref})", flush=True)
    print(f"MLflow run    {_log(origin, score)}")


def _check_dataset(name: str) -> None:
    """Refuse labels of images other than Kaggle's, which would score no better than guesses."""
    if name.split("-")[0] not in ("kaggle", "files"):
        raise InputError(
            f"This submission is for {name}, whose test images are not Kaggle's in Kaggle's order, "
            "so a score would mean nothing: set fetch.source to kaggle in params.yaml, run "
            "`dvc repro`, and submit that."
        )


def _check_submission(path: Path) -> None:
    """Refuse a file that Kaggle would refuse, because a try may count against the daily limit."""
    if not path.is_file():
        remedy = "run `dvc repro`, or give the output folder of a training that predicted."
        raise InputError(f"{path} is missing: {remedy}")
    rows = len(read_csv.submission(path, fix="Run `dvc repro --force predict`, then submit again."))
    if rows != KAGGLE_ROWS[1]:
        raise InputError(
            f"{path} has {rows:,} data rows, {KAGGLE_ROWS[1]:,} expected, as in Kaggle's test.csv: "
            "set fetch.source to kaggle in params.yaml, run `dvc repro`, and submit that."
        )


def _log(origin: dict[str, Any], score: kaggle_api.Score) -> str:
    """Log the score to the training's run; return a description of that run."""
    logged, name = origin["run_id"], origin["run_name"]
    if logged is None:
        return "none: the training was not tracked (mlflow.enabled=false)"
    scores, tags = {KAGGLE_PUBLIC_SCORE: score.public_score}, {SUBMISSION_TAG: str(score.ref)}
    try:
        from src.tracking import run_logger  # MLflow: once there is a score

        run_id = run_logger.find_or_restore(logged, name, origin["experiment"])
        run_logger.add_results(run_id, scores=scores, tags=tags)
    except Exception as error:  # whatever the store's driver raises; its text may hold a password
        reason = str(error) if isinstance(error, InputError) else type(error).__name__
        raise InputError(
            f"The score above is not in MLflow ({reason}): check MLFLOW_TRACKING_URI, then record "
            f"it with `python -m src.submit [RUN_FOLDER] --ref {score.ref}`."
        ) from error
    restored = ", which stands in for a run missing from this store" if run_id != logged else ""
    return f"{name} ({run_id}){restored}"


def _show_waiting(ref: int, seconds: float) -> None:
    if seconds == 0:
        waiting = f"Submission {ref} is in; waiting for its score (after Ctrl-C: --ref {ref}) ..."
        print(waiting, file=sys.stderr)
    elif sys.stderr.isatty():  # elsewhere, a line cannot be overwritten
        print(f"\r{seconds:.0f} s", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    errors.run(main)

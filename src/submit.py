"""Submit the test set's labels to Kaggle, and record the public score in the training's run.

Usage: python -m src.submit [RUN_FOLDER] [--message TEXT] [--timeout SECONDS] [--ref NUMBER]
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from src.data import kaggle_api, read_csv
from src.data.digits import KAGGLE_ROWS
from src.runtime import command_line, errors
from src.runtime.errors import InputError
from src.runtime.metric_names import KAGGLE_PUBLIC_SCORE
from src.runtime.paths import MODELS, ORIGIN, PREDICTIONS, SUBMISSION
from src.runtime.read_json import read_json

ORIGIN_KEYS = {"run_id": str | None, "run_name": str, "experiment": str, "dataset": str}
SUBMISSION_TAG = "kaggle_submission"


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command with the arguments `argv` (default: the process's own).

    Raises:
        InputError: a file is missing or malformed, Kaggle gives no score, or the score could not be
            recorded (it is printed before).
    """
    args = _arguments(argv)
    if not 0 <= args.timeout < float("inf"):  # a NaN, too, fails here
        raise InputError(f"--timeout={args.timeout:g} is not a time: give seconds, 0 or more.")
    run_json, csv = _places(args.run_folder)
    origin = _origin(run_json)
    options = {"timeout_seconds": args.timeout, "waiting": _show_waiting}
    try:
        if args.ref is None:
            _check_source(origin)
            _check(csv)
            print(f"Submitting {csv} to {kaggle_api.COMPETITION} ...", file=sys.stderr)
            score = kaggle_api.submit(csv, args.message or origin["run_name"], **options)
        else:
            score = kaggle_api.score(args.ref, **options)
    finally:
        _clear_waiting()
    print(f"Public score  {score.public_score:.5f}")
    print(f"Kaggle        {score.url} (submission {score.ref})", flush=True)
    print(f"MLflow run    {_record(origin, score)}")


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = command_line.parser(
        "submit",
        "Submit the test set's labels to Kaggle's Digit Recognizer, wait for the public score, and "
        "record it in the MLflow run that trained the model.",
        reads="RUN_FOLDER, and Kaggle's credentials (docs/kaggle.md)",
        writes="a submission at Kaggle, and the metric kaggle_public_score of the run in MLflow",
        examples={
            "": "what `make` or `dvc repro` made",
            "outputs/DATE/RUN": "another run's",
            "--ref 12345678": "the score of an earlier submission",
        },
    )
    parser.add_argument(
        "run_folder",
        nargs="?",
        type=Path,
        metavar="RUN_FOLDER",
        help=f"a training's output folder, with {ORIGIN} and predictions/{SUBMISSION} "
        "(default: what `dvc repro` made)",
    )
    parser.add_argument(
        "--message", metavar="TEXT", help="what Kaggle shows beside it (default: the run's name)"
    )
    parser.add_argument(
        "--timeout",
        type=float,
        default=kaggle_api.TIMEOUT_SECONDS,
        metavar="SECONDS",
        help="how long to wait for the score (default: %(default)s)",
    )
    parser.add_argument(
        "--ref",
        type=int,
        metavar="NUMBER",
        help="send nothing: wait for the score of this earlier submission, and record it",
    )
    return parser.parse_args(argv)


def _places(run_folder: Path | None) -> tuple[Path, Path]:
    """Return the paths of run.json and submission.csv."""
    if run_folder is None:
        return MODELS / ORIGIN, PREDICTIONS / SUBMISSION
    if not run_folder.is_dir():
        raise InputError(
            f"{run_folder} is not a folder: give the output folder of a training (for example "
            "one in outputs/ or multirun/), or nothing for what `dvc repro` made."
        )
    return run_folder / ORIGIN, run_folder / PREDICTIONS / SUBMISSION


def _origin(path: Path) -> dict[str, Any]:
    """Return which run trained the model: what `ORIGIN_KEYS` names; no `run_id` if not tracked."""
    remedy = (
        "it names the run to record the score in, so run `dvc repro`, or give the output folder of "
        "a training."
    )
    return read_json(path, ORIGIN_KEYS, remedy)


def _check_source(origin: dict[str, Any]) -> None:
    """Refuse labels of other images than Kaggle's: the score would be that of guessing."""
    source = origin["dataset"].split("-")[0]
    if source not in ("kaggle", "files"):
        raise InputError(
            f"This submission is for {origin['dataset']}, whose test images are not Kaggle's in "
            "Kaggle's order, so a score would mean nothing: set fetch.source to kaggle in "
            "params.yaml, run `dvc repro`, and submit that."
        )


def _check(path: Path) -> None:
    """Refuse what Kaggle would refuse, because a try there may count for the day's limit."""
    if not path.is_file():
        raise InputError(
            f"{path} is missing: run `dvc repro`, or give the output folder of a training that "
            "predicted."
        )
    rows = len(read_csv.submission(path, fix="Run `dvc repro --force predict`, then submit again."))
    if rows != KAGGLE_ROWS[1]:
        raise InputError(
            f"{path} has {rows:,} data rows, {KAGGLE_ROWS[1]:,} expected, as in Kaggle's test.csv: "
            "set fetch.source to kaggle in params.yaml, run `dvc repro`, and submit that."
        )


def _record(origin: dict[str, Any], score: kaggle_api.Score) -> str:
    """Log the score to the training's run; return that run in words."""
    if origin["run_id"] is None:
        return "none: the training was not tracked (mlflow.enabled=false)"
    try:
        from src.tracking import run_logger  # MLflow: once there is a score

        run_id = run_logger.find_or_restore(
            origin["run_id"], origin["run_name"], origin["experiment"]
        )
        run_logger.add_results(
            run_id,
            scores={KAGGLE_PUBLIC_SCORE: score.public_score},
            tags={SUBMISSION_TAG: str(score.ref)},
        )
    except Exception as error:  # whatever the store's driver raises; its text may hold a password
        reason = str(error) if isinstance(error, InputError) else type(error).__name__
        raise InputError(
            f"The score above is not in MLflow ({reason}): check "
            "MLFLOW_TRACKING_URI, then record it with "
            f"`python -m src.submit [RUN_FOLDER] --ref {score.ref}`."
        ) from error
    restored = (
        "" if run_id == origin["run_id"] else ", which stands in for a run that this store lacks"
    )
    return f"{origin['run_name']} ({run_id}){restored}"


def _show_waiting(ref: int, seconds: float) -> None:
    if seconds == 0:
        print(
            f"Submission {ref} is in; waiting for its score (after Ctrl-C: --ref {ref}) ...",
            file=sys.stderr,
        )
    elif sys.stderr.isatty():  # elsewhere, a line cannot be written over
        print(f"\r{seconds:.0f} s", end="", file=sys.stderr, flush=True)


def _clear_waiting() -> None:
    if sys.stderr.isatty():
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    errors.run(main)

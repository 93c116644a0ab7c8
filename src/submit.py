"""Submit the test set's labels to Kaggle, and record the public score in the training's run.

Usage: python -m src.submit [RUN_FOLDER] [--message TEXT] [--timeout SECONDS] [--ref NUMBER]
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from src import errors, kaggle_api
from src.errors import InputError
from src.metrics import KAGGLE_PUBLIC_SCORE
from src.paths import MODELS, PREDICTIONS, PROVENANCE

RUN_JSON = "run.json"
SUBMISSION_CSV = "submission.csv"
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
            _check_source()
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
    parser = argparse.ArgumentParser(
        prog="python -m src.submit",
        description="Submit the test set's labels to Kaggle's Digit Recognizer, wait for the "
        "public score, and record it in the MLflow run that trained the model.",
    )
    parser.add_argument(
        "run_folder",
        nargs="?",
        type=Path,
        metavar="RUN_FOLDER",
        help=f"a training's output folder, with {RUN_JSON} and predictions/{SUBMISSION_CSV} "
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
        return MODELS / RUN_JSON, PREDICTIONS / SUBMISSION_CSV
    if not run_folder.is_dir():
        raise InputError(
            f"{run_folder} is not a folder: give the output folder of a training (for example "
            "one in outputs/ or multirun/), or nothing for what `dvc repro` made."
        )
    return run_folder / RUN_JSON, run_folder / PREDICTIONS / SUBMISSION_CSV


def _origin(path: Path) -> dict[str, str]:
    """Return which run trained the model: its `run_id`, `run_name` and `experiment`."""
    if not path.is_file():
        raise InputError(
            f"{path} is missing, so no training is known to record the score in: run `dvc repro`, "
            "or give the output folder of a training."
        )
    try:
        origin = json.loads(path.read_text(encoding="utf-8"))
        return {key: origin[key] for key in ("run_id", "run_name", "experiment")}
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{path} does not hold run_id, run_name and experiment in JSON: train again, which "
            "writes it anew."
        ) from error


def _check_source() -> None:
    """Refuse labels of other images than Kaggle's: the score would be that of guessing."""
    try:
        source = json.loads(PROVENANCE.read_text(encoding="utf-8"))["source"]
    except (OSError, ValueError, KeyError, TypeError):
        return  # without data/raw, nothing speaks against the submission
    if source not in ("kaggle", "files"):
        raise InputError(
            f"{PROVENANCE.parent} was fetched from {source}, whose test images are not Kaggle's in "
            "Kaggle's order, so a score would mean nothing: set fetch.source=kaggle in "
            "params.yaml, train again, and submit that."
        )


def _check(path: Path) -> None:
    """Refuse what Kaggle would refuse, because a try there may count for the day's limit."""
    if not path.is_file():
        raise InputError(
            f"{path} is missing: run `dvc repro`, or give the output folder of a training that "
            "predicted."
        )
    import pandas as pd

    from src.config import LAYOUTS
    from src.submission import COLUMNS

    _, rows = LAYOUTS["kaggle"]
    try:
        table = pd.read_csv(path)
    except ValueError as error:  # pandas' parser errors, and bytes that are no text
        raise InputError(f"{path} is not a readable CSV: predict again.") from error
    if tuple(table.columns) != COLUMNS:
        raise InputError(
            f"{path} begins with {','.join(map(str, table.columns))[:80]}, not with "
            f"{','.join(COLUMNS)}: predict again."
        )
    if len(table) != rows:
        raise InputError(
            f"{path} has {len(table):,} rows, but Kaggle's test set has {rows:,}: set "
            "fetch.source=kaggle in params.yaml and run `dvc repro`."
        )
    ids, labels = (table[column] for column in COLUMNS)
    if list(ids) != list(range(1, rows + 1)):
        raise InputError(f"{path}: {ids.name} does not count from 1 to {rows:,}: predict again.")
    wrong = labels[~labels.isin(range(10))]
    if len(wrong):
        raise InputError(
            f"{path}: {labels.name} is {wrong.iloc[0]} in row {wrong.index[0] + 1}, not a digit "
            "0-9: predict again."
        )


def _record(origin: dict[str, str], score: kaggle_api.Score) -> str:
    """Log the score to the training's run; return that run in words."""
    try:
        from src import tracking

        run_id, original = tracking.log_to_training_run(
            origin,
            metrics={KAGGLE_PUBLIC_SCORE: score.public_score},
            tags={SUBMISSION_TAG: str(score.ref)},
        )
    except Exception as error:  # whatever the store's driver raises; its text may hold a password
        reason = str(error) if isinstance(error, InputError) else type(error).__name__
        raise InputError(
            f"The score above is not in MLflow ({reason}): check "
            "MLFLOW_TRACKING_URI, then record it with "
            f"`python -m src.submit [RUN_FOLDER] --ref {score.ref}`."
        ) from error
    restored = "" if original else ", which stands in for a run that this store lacks"
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

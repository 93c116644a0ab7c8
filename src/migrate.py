"""Copy the runs of a laptop's MLflow store to a team's, and verify each.

Copies params, metrics, tags, files and models. SOURCE is only read. Running the
same command again copies only missing or new runs.

Reads:   SOURCE and its artifacts
Writes:  TARGET and its artifacts

Examples:
  python -m src.migrate mlflow.db http://mlflow:5000            copy
  python -m src.migrate mlflow.db http://mlflow:5000 --dry-run  only list
"""

import hashlib
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from src.core import command_line, errors
from src.core.alone import alone
from src.core.errors import InputError, without_password
from src.core.formatting import count, duration, listed

if TYPE_CHECKING:  # MLflow
    from mlflow import MlflowClient

SQLITE = "sqlite:///"
SCHEMES = ("http://", "https://", "sqlite://", "postgresql", "mysql", "mssql")


def main(argv: Sequence[str] | None = None) -> None:
    """Check both stores, copy, and verify every run."""
    parser = command_line.parser("migrate", __doc__)
    parser.add_argument("source", metavar="SOURCE", help="a file mlflow.db, or a store's URI")
    parser.add_argument("target", metavar="TARGET", help="the URI of a store")
    parser.add_argument("--dry-run", action="store_true", help="report what would be copied")
    given = parser.parse_args(argv)
    source, target = uri("SOURCE", given.source), uri("TARGET", given.target)
    if source == target:
        raise InputError("SOURCE and TARGET are the same store: name another target.")
    database = Path(source.removeprefix(SQLITE))
    if source.startswith(SQLITE) and not database.is_file():
        raise InputError(f"SOURCE {database} does not exist: name the file mlflow.db to copy.")

    from src.tracking import migration  # MLflow, once the arguments are checked

    # A second process would copy its runs again.
    digest = hashlib.sha256(source.encode()).hexdigest()[:16]
    with alone(f"migrate-{digest}", "SOURCE is being copied by another process: wait for it."):
        here = client("SOURCE", source)
        new = target.startswith(SQLITE) and not Path(target.removeprefix(SQLITE)).exists()
        there = None if new and given.dry_run else client("TARGET", target)
        with _usable():
            moving = migration.Migration(here, there)
            moving.refuse_same()
            moving.refuse_lost_artifacts()
            missing, partial = moving.left()
        size = f"{count(len(moving.runs), 'run')} in SOURCE"
        print(f"{size} · {len(missing)} to copy · {len(partial)} to complete", flush=True)
        if not given.dry_run:
            with _usable():
                _copy(moving, {*missing, *partial})


def _copy(moving: Any, left: set[str]) -> None:
    """Copy, with a line for each run that was not complete; report problems at the end."""
    began, done, total, wrong, running = time.monotonic(), 0, len(left), [], 0
    for contents, differs in moving.copy():
        info, models = contents.run.info, contents.models
        running += info.status == "RUNNING"
        if differs:
            wrong.append(f"{info.run_name} ({listed(differs)})")
        if info.run_id in left:
            done += 1
            seconds = (time.monotonic() - began) / done * (total - done)
            rest = f" · about {duration(seconds)} left" if done < total else ""
            files = len(contents.files) + sum(len(own) for _, own in models)
            facts = f"{files} files, {len(contents.points):,} values of metrics{rest}"
            print(f"{done:>{len(str(total))}}/{total} {info.run_name} · {facts}", flush=True)
    moving.rewrite()
    if running:
        print(f"Note: {count(running, 'run')} had not ended: run this again later.")
    if wrong:
        text = f"{count(len(wrong), 'run')} differ in TARGET: {listed(wrong)}"
        raise InputError(f"{text}. Run the same command again.")
    print(f"All {count(len(moving.runs), 'run')} are in TARGET, each verified.")


@contextmanager
def _usable() -> Iterator[None]:
    """Turn the errors of a store that went away into a sentence."""
    from src.tracking import store

    try:
        yield
    except store.AWAY as error:
        if errors.sentence(error) is not None:  # of a full disk, which says where
            raise
        remedy = "nothing is lost; run the same command again to resume."
        raise InputError(f"A store is gone ({store.reason(error)}): {remedy}") from error


def uri(name: str, given: str) -> str:
    """Return the URI of a store, given as such or as a database's path, or raise InputError."""
    if "://" not in given or given.startswith(SQLITE):
        return SQLITE + str(Path(given.removeprefix(SQLITE)).resolve())
    if not given.startswith(SCHEMES):
        raise InputError(
            f"{name} {without_password(given)} is not a store that MLflow supports: give the path "
            "of a file mlflow.db, or a URI that starts with http, sqlite or postgresql."
        )
    return given.rstrip("/")


def client(name: str, store_uri: str) -> "MlflowClient":
    """Return a client of a store; raise InputError if it does not answer."""
    from src.tracking import store  # sets MLflow's time-outs

    try:
        found = store.MlflowClient(store_uri)
        found.search_experiments(max_results=1)
        return found
    except (*store.AWAY, ImportError) as error:
        refusal = f"{name} {without_password(store_uri)} cannot be used ({store.reason(error)})"
        raise InputError(f"{refusal}: start it, or name another.") from error


if __name__ == "__main__":
    errors.run(main)

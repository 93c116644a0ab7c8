"""Make a run's model the champion, which `make serve` and `make demo` show.

The model is registered as digit-recognizer in MLflow's registry and gets the
alias champion, so its address is models:/digit-recognizer@champion. The
held-out labels play no part in the choice of the best run.

Reads:   the runs and models in MLflow, and data/processed/dataset.json
Writes:  a version of digit-recognizer in MLflow's registry, and its alias

Examples:
  python -m src.promote best                              by validation accuracy
  python -m src.promote 0a1b2c3d4e5f60718293a4b5c6d7e8f9  this run
"""

from collections.abc import Sequence

from src.core import command_line, errors, metric_names, paths
from src.data import dataset


def main(argv: Sequence[str] | None = None) -> None:
    """Choose the run, and register its model."""
    parser = command_line.parser("promote", __doc__)
    of_run = "a finished run; best is the one with the highest validation accuracy on the data in "
    of_run += "data/processed (without that, on the newest run's data)"
    parser.add_argument("run", metavar="RUN_ID|best", help=of_run)
    wanted = parser.parse_args(argv).run

    from src.tracking import champion, store  # MLflow, once the arguments are known

    client = store.reader()
    if wanted == "best":
        digest = dataset.load_description().digest if paths.DATASET.exists() else None
        choice = champion.best(client, digest)
    else:
        choice = champion.named(client, wanted)
    version, before = champion.promote(client, choice)

    run = choice.run
    is_new = before is None or before.version != version.version
    title = f"{champion.MODEL} version {version.version} is {'now' if is_new else 'still'} the"
    print(f"{title} champion: {run.info.run_name} ({run.info.run_id})")
    accuracy = run.data.metrics.get(metric_names.BEST_VAL_ACCURACY)
    known = "unknown" if accuracy is None else f"{accuracy:.4f}"
    print(f"Validation accuracy {known}: {choice.how}")
    if before is not None and is_new:
        print(f"It replaces version {before.version} ({before.tags.get('run_name')})")
    print("Next\n  make serve  serve it\n  make demo   draw a digit and have it read")


if __name__ == "__main__":
    errors.run(main)

"""Compare the pipeline's results here with those of DVC's experiments, in a table of 80 columns."""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from rich import box
from rich.console import Console
from rich.table import Table

from src.config import override
from src.runtime import errors, formatting, metric_names, paths
from src.runtime.command_line import no_arguments
from src.runtime.errors import InputError

LISTED = ["dvc", "exp", "show", "--json"]
HERE = "workspace"  # DVC's name of the files as they are


class Result(NamedTuple):
    """What an experiment is, and what it attained.

    Attributes:
        name: DVC's, or the commit's.
        params: flat, by dotted key.
        metrics: of train and predict.
        seconds: of its training; None where its file is not at hand.
    """

    name: str
    params: Mapping[str, Any]
    metrics: Mapping[str, float]
    seconds: float | None


def main(argv: Sequence[str] = ()) -> None:
    """Print the table.

    Raises:
        InputError: DVC cannot list the experiments, or there is no result yet.
    """
    no_arguments(
        "compare",
        "Compare what `make` or `dvc repro` made here with DVC's experiments: what was changed, "
        "accuracy, errors and seconds of each.",
        argv,
        reads="models/, predictions/, and the experiments that DVC keeps",
        writes="nothing",
        example="after `dvc exp run -S activation=relu`",
    )
    done = subprocess.run(LISTED, capture_output=True, text=True, check=False)
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[0]
        raise InputError(f"DVC cannot list the experiments ({reason}): see `dvc exp show`.")
    results = of(json.loads(done.stdout))
    if not any(one.metrics for one in results):
        raise InputError("There is no result to compare yet: run `make`, or `dvc exp run` first.")
    Console(highlight=False, width=80).print(table(results))


def of(shown: Sequence[Mapping[str, Any]]) -> list[Result]:
    """Return the results in what `dvc exp show --json` prints: the workspace first."""
    found = []
    for baseline in shown:
        for one in (baseline, *_experiments(baseline)):
            data = one.get("data") or {}
            name = HERE if one.get("rev") == HERE else one.get("name") or one.get("rev", "")[:7]
            found.append(
                Result(
                    "here" if name == HERE else name,
                    override.flat(
                        (data.get("params") or {}).get(str(paths.PARAMS), {}).get("data") or {}
                    ),
                    {
                        metric: value
                        for part in (data.get("metrics") or {}).values()
                        for metric, value in (part.get("data") or {}).items()
                    },
                    _seconds(one.get("rev", "")) if data.get("metrics") else None,
                )
            )
    return found


def _experiments(baseline: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return a commit's experiments, each as its last revision."""
    return [one["revs"][0] for one in baseline.get("experiments") or [] if one.get("revs")]


def _seconds(rev: str) -> float | None:
    """Return how long the training of a revision took; None if its file is not at hand."""
    from dvc import api  # slow, and not needed for --help
    from dvc.exceptions import DvcException

    path = paths.MODELS / paths.TIMINGS
    try:
        text = path.read_text() if rev == HERE else api.read(str(path), rev=rev)
        return float(json.loads(text)[metric_names.TRAIN_SECONDS])
    except (DvcException, OSError, ValueError, KeyError):
        return None


def table(results: Sequence[Result]) -> Table:
    """Return the table: for each result, the params in which not all agree, the commit included
    that they began from. What has no metrics has no row.
    """
    keys = dict.fromkeys(key for one in results for key in one.params)
    differing = [
        key for key in keys if len({json.dumps(one.params.get(key)) for one in results}) > 1
    ]
    made = Table(box=box.HORIZONTALS, pad_edge=False)
    made.add_column("experiment", overflow="fold")
    made.add_column("what differs", overflow="fold", ratio=1)
    for title in ("held-out\naccuracy", "errors", "validation\naccuracy", "s of\ntraining"):
        made.add_column(title, justify="right", no_wrap=True)
    for one in results:
        if not one.metrics:
            continue
        made.add_row(
            one.name,
            " ".join(f"{key}={one.params.get(key)}" for key in differing),
            _number(one.metrics.get(metric_names.TEST_ACCURACY), ".4f"),
            _number(one.metrics.get(metric_names.TEST_ERRORS), ",.0f"),
            _number(one.metrics.get(metric_names.BEST_VAL_ACCURACY), ".4f"),
            "–" if one.seconds is None else formatting.duration(one.seconds),
        )
    return made


def _number(value: float | None, form: str) -> str:
    return "–" if value is None else format(value, form)


if __name__ == "__main__":
    errors.run(lambda: main(sys.argv[1:]))

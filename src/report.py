"""Report on one or more studies or sweeps: a verdict for each pair of levels.

Behind each verdict is a page with the figures and tests that support it.

Reads:   the runs in MLflow, and data/processed for example images
Writes:  reports/NAME: index.html, report.md (the same page for reading in a
         repository), figures, results.json, runs.csv and pairs.csv; all of it
         is also logged to the parent run in MLflow

Examples:
  python -m src.report                           the newest study or sweep
  python -m src.report default                   the study default
  python -m src.report default --reference gelu  compare each level with GELU
  python -m src.report default fashion           two studies on one page
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from src.core import command_line, errors
from src.core.errors import InputError

if TYPE_CHECKING:  # MLflow
    from src.analysis.findings import Findings
    from src.analysis.run_set import RunSet


def main() -> None:
    """Find the runs, check them, print what they show, and write the report."""
    parser = command_line.parser("report", __doc__)
    parser.add_argument(
        "wanted",
        nargs="*",
        metavar="RUN_ID|STUDY",
        help="a parent run in MLflow or the name of a study (default: the newest of either); "
        "several share one page",
    )
    parser.add_argument(
        "--reference",
        metavar="LEVEL",
        help="what the others are compared with, for example relu (default: the study's own)",
    )
    given = parser.parse_args()

    from src.analysis import load_runs  # MLflow, once the arguments are known
    from src.tracking import store

    if not store.is_there():
        for name in given.wanted:
            load_runs.refuse_untrained(name)
    client = store.reader()
    wanted: list[str | None] = given.wanted or [None]
    parents = [load_runs.find(client, one).info.run_id for one in wanted]
    for name, parent in zip(wanted, parents, strict=True):
        if parents.count(parent) > 1:
            raise InputError(f"{name} is named twice: name each study once.")
    sets = [load_runs.load(client, parent) for parent in parents]
    references = [runs.level_named(given.reference) for runs in sets]
    studies = list(map(_shown, sets, references))

    if len(studies) > 1:
        from src.reporting import joined

        print(joined.write(studies))
        return
    from src.reporting import page

    [(runs, found)] = studies
    written = page.write(client, runs, found)
    print(f"{written}, and in MLflow's run {runs.parent_id} under {page.ARTIFACTS}/")


def _shown(runs: RunSet, reference: str) -> tuple[RunSet, Findings]:
    """Print the remarks and verdicts on a set of runs; return it with its findings."""
    from src.analysis import findings
    from src.reporting import remarks, verdict_words

    size = f"{len(runs.trainings)} {runs.factor.plural} × {len(runs.seeds)} seeds"
    print(f"{runs.title} · {size} · differences in percentage points (pp)", flush=True)
    found = findings.compute(runs, reference)
    for remark in remarks.of(runs, found):
        print(f"Note: {remark}", flush=True)
    for pair in found.pairs:
        verdict = verdict_words.sentence(pair, runs.factor)
        print(f"{verdict} {verdict_words.superiority(pair)}", flush=True)
    return runs, found


if __name__ == "__main__":
    errors.run(main)

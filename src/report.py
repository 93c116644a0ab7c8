"""Report on one or more studies or sweeps: a verdict for each pair of levels.

Behind each verdict is a page with the figures and tests that support it.

Reads:   the runs in MLflow, and data/processed for example images; or a folder
         with the evidence of an earlier report, which needs neither; or
         anybody's runs in a file (docs/anybodys-runs.md)
Writes:  reports/NAME: index.html, report.md (the same page for reading in a
         repository), figures, results.json, runs.csv, pairs.csv, and
         evidence.json.gz; of runs in MLflow it is also logged to their parent

Examples:
  python -m src.report                           the newest study or sweep
  python -m src.report default                   the study default
  python -m src.report default --reference gelu  compare each level with GELU
  python -m src.report default fashion           two studies on one page
  python -m src.report reports/default           its page, written anew
  python -m src.report runs.csv                  runs in a file
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from src.core import command_line, errors, paths
from src.core.errors import InputError

if TYPE_CHECKING:  # MLflow
    from src.reporting.joined import StudyShown

FILES = (".csv", ".npz")
ARTIFACTS = "report"  # the folder inside the parent run


def main() -> None:
    """Find the runs, check them, print what they show, and write the report."""
    parser = command_line.parser("report", __doc__)
    parser.add_argument(
        "wanted",
        nargs="*",
        metavar="RUN_ID|STUDY|FOLDER|FILE",
        help="a parent run in MLflow, the name of a study, the folder of a report, or a CSV or "
        ".npz file of runs (default: the newest study or sweep in MLflow); several studies share "
        "one page",
    )
    parser.add_argument(
        "--reference",
        metavar="LEVEL",
        help="what the others are compared with, for example relu (default: the study's own)",
    )
    parser.add_argument(
        "--smallest-effect",
        type=float,
        metavar="FRACTION",
        help="of a file: the smallest difference in accuracy that matters, for example 0.001",
    )
    given = parser.parse_args()
    effect = given.smallest_effect
    if any(Path(name).suffix in FILES for name in given.wanted):
        _from_file(given.wanted, given.reference, effect)
        return
    if effect is not None:
        raise InputError("--smallest-effect is for runs in a file: a study's file has its own.")
    are_folders = {_is_folder(name) for name in given.wanted}
    if len(are_folders) > 1:
        raise InputError("Name either runs in MLflow or folders of reports, not both.")
    if are_folders == {True}:
        _from_folders(given.wanted, given.reference)
    else:
        _from_mlflow(given.wanted, given.reference)


def _from_file(files: list[str], reference: str | None, effect: float | None) -> None:
    """Print verdicts on runs in a file."""
    from src.reporting import given_runs

    if len(files) > 1:
        raise InputError(f"Name one file alone, found {len(files)} arguments.")
    path = Path(files[0])
    if not path.is_file():
        raise InputError(f"{path} does not exist: name a CSV or .npz file of runs.")
    if effect is not None and not 0 < effect < 1:
        raise InputError(f"--smallest-effect {effect:g}: write a fraction, 0.001 for 0.1 pp.")
    print("\n".join(given_runs.report(given_runs.read(path), reference, effect)))


def _is_folder(name: str) -> bool:
    return "/" in name or (Path(name).is_dir() and not (paths.REPORTS / name).exists())


def _refuse_twice(names: Sequence[str | None], found: Sequence[object]) -> None:
    """Raise InputError if two names are of one study; `found` has what each names."""
    for name, one in zip(names, found, strict=True):
        if found.count(one) > 1:
            raise InputError(f"{name} is named twice: name each study once.")


def _from_folders(folders: list[str], reference: str | None) -> None:
    """Report on evidence at hand."""
    from src.reporting import evidence, joined, page

    _refuse_twice(folders, [Path(folder).resolve() for folder in folders])
    studies = []
    for folder in folders:
        file = Path(folder) / page.EVIDENCE
        if not file.is_file():
            raise InputError(
                f"{folder} has no {page.EVIDENCE}, the evidence of a report: name a folder that "
                "`python -m src.report STUDY` has written."
            )
        found = evidence.load(file)
        level = found.runs.level_named(reference) if reference else found.reference
        studies.append(joined.shown(found, level))
    _print(studies)
    if len(studies) > 1:
        print(joined.write(studies))
    else:
        print(page.write(studies[0].evidence, studies[0].found, Path(folders[0])))


def _from_mlflow(wanted: list[str], reference: str | None) -> None:
    """Report on runs in MLflow."""
    from src.analysis import load_runs  # MLflow
    from src.tracking import store

    if not store.is_there():
        for name in wanted:
            load_runs.refuse_untrained(name)
    client = store.reader()
    names: list[str | None] = [*wanted] or [None]  # None for the newest
    parents = [load_runs.find(client, one).info.run_id for one in names]
    _refuse_twice(names, parents)
    sets = [load_runs.load(client, parent) for parent in parents]
    levels = [runs.level_named(reference) for runs in sets]

    from src.reporting import evidence, gather, joined, page

    studies = []
    for runs, level in zip(sets, levels, strict=True):
        studies.append(joined.shown(evidence.Evidence(runs, level), level))
        _print(studies[-1:])
    if len(studies) > 1:
        print(joined.write(studies))
        return
    [study] = studies
    gathered = gather.gather(client, study.evidence.runs, study.found)
    written = page.write(gathered, study.found, paths.REPORTS / study.evidence.runs.folder)
    gather.log(client, study.evidence.runs, study.found, written.parent, ARTIFACTS)
    print(f"{written}, and in MLflow's run {study.evidence.runs.parent_id} under {ARTIFACTS}/")


def _print(studies: list[StudyShown]) -> None:
    """Print the remarks and verdicts on studies."""
    from src.reporting import remarks, verdict_words

    for study in studies:
        runs, found = study.evidence.runs, study.found
        size = f"{len(runs.trainings)} {runs.factor.plural} × {len(runs.seeds)} seeds"
        print(f"{runs.title} · {size} · differences in percentage points (pp)", flush=True)
        for remark in remarks.of(runs, found):
            print(f"Note: {remark}", flush=True)
        for pair in found.pairs:
            verdict = verdict_words.sentence(pair, runs.factor)
            print(f"{verdict} {verdict_words.superiority(pair)}", flush=True)


if __name__ == "__main__":
    errors.run(main)

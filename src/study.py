"""Run a study: levels × seeds, as conf/study/NAME.yaml says, in one MLflow parent run.

Usage: python -m src.study [NAME] [executor=ray]

A study resumes after any interruption. Finished runs are found in MLflow by the digest of their
training (src/tracking/fingerprint.py) and not trained again; a run that was interrupted goes on
after its last epoch, a failed one is tried again; and a longer list of levels or seeds trains only
what is new. Runs made by `src.train` do not count: their times were not interleaved.

With `seeds: {until: decided, ...}` it is looked at after the planned numbers of seeds, and ends
where every pair of levels is decided (src/analysis/sequential.py). With `tune: SEARCH` each level
is tuned first, by the same search with the same budget (src/tuning/levels.py).
"""

import signal
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from src.config import named_file
from src.data import dataset, read_csv
from src.data.dataset import Dataset
from src.runtime import command_line, errors, paths
from src.runtime.errors import InputError
from src.studies import design, study_file
from src.studies.design import RunKey, Study
from src.studies.executors import choice, local
from src.tuning import levels

if TYPE_CHECKING:
    from src.studies.runner import Decision


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command with the arguments `argv` (default: the process's own).

    Raises:
        InputError: the study or the data is not as it must be, the study is running already, or a
            run failed.
    """
    name, asked = _arguments(argv)
    study = study_file.load(name)
    data = dataset.describe()
    named_file.check_data("study", study.dataset, data)
    try:
        compositions = design.compositions(study)
        tuning = levels.load(study) if study.tune else None
    except InputError as error:
        raise named_file.located(f"conf/study/{name}.yaml", error) from error
    _check_labels(name, study, data)
    study = replace(study, executor=choice.name(study, asked))
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: resumable, KILLED
    with local.server():
        from src.studies import runner  # MLflow: after the checks

        executor = choice.make(study)
        if tuning is not None:
            study = levels.tuned(study, levels.winners(tuning, data, study.executor))
            compositions = design.compositions(study)
        failed = runner.run(
            name,
            study,
            data,
            compositions,
            executor,
            partial(_decide, study, {}),
        )
    if failed:
        raise InputError(
            f"{len(failed)} of {len(compositions)} runs did not finish "
            f"({', '.join(map(str, failed))}): fix what the lines above name; the same command "
            "tries these again, and only these."
        )
    print("Next")
    print(f"  python -m src.report {name:<12}  what the runs show, with figures")
    print("  make ui                            the runs in MLflow")


def _check_labels(name: str, study: Study, data: Dataset) -> None:
    """Refuse planned looks at data by which nothing can be decided."""
    if study.looks and read_csv.solution(paths.SOLUTION_CSV, data.counts["test"]) is None:
        raise InputError(
            f"conf/study/{name}.yaml: its seeds go on until the held-out images decide, but "
            f"{paths.SOLUTION_CSV} has no labels of them: list the seeds instead, or use data with "
            "public labels (fetch.source=mnist)."
        )


def _decide(
    study: Study, kept: dict[str, Any], client: Any, finished: Mapping[RunKey, Any]
) -> "Decision":
    """Look at a study's finished runs; `kept` has the predictions that earlier looks have read."""
    from src.analysis import load_runs, sequential  # MLflow and SciPy: after the checks
    from src.reporting import verdict_words
    from src.studies.runner import Decision

    look = sequential.look(
        load_runs.correct(client, finished, kept),
        reference=study.reference,
        compare=study.compare,
        smallest_effect=study.smallest_effect,
        looks=study.looks,
    )
    return Decision(look.decided, verdict_words.look(look))


def _arguments(argv: Sequence[str] | None) -> tuple[str, str | None]:
    """Return the study's name, and the executor that was asked for."""
    parser = command_line.parser(
        "study",
        "Train every level of a study's factor, such as each activation, with every seed. The same "
        "command resumes after any interruption.",
        reads="conf/study/NAME.yaml, params.yaml, data/processed, and the runs that MLflow has",
        writes="a parent run in MLflow with a run for each level and seed, and multirun/",
        examples={
            "": "the study default",
            "optimizer": "AdamW, Adam and SGD, five seeds each",
        },
    )
    parser.add_argument(
        "name",
        nargs="?",
        default="default",
        metavar="NAME",
        help=f"a file of conf/study/: {', '.join(study_file.names())} (default: default)",
    )
    choice.add_argument(parser)
    given = parser.parse_args(argv)
    if choice.is_word(given.name):  # without a name
        given.name, given.words = "default", [given.name, *given.words]
    return given.name, choice.read(given.words)


if __name__ == "__main__":
    errors.run(main)

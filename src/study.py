"""Train every level of a study's factor, such as each activation, with every seed.

The same command resumes after any interruption: finished runs are found in
MLflow by the digest of their training, an interrupted run continues after its
last epoch, and longer lists of levels or seeds train only the new ones. Runs of
`src.train` do not count, because their times were not interleaved.

With `seeds: {until: decided, ...}` the study stops at the first planned look
that decides every pair of levels. With `tune: SEARCH` each level is tuned
first, by the same search with the same budget. `vary: [seed, split, data,
search]` says which draws differ between the seeds (docs/tuning.md).

Reads:   conf/study/NAME.yaml, params.yaml, data/processed, and the runs in
         MLflow
Writes:  a parent run in MLflow with a run for each level and seed, and
         multirun/

Examples:
  python -m src.study            the study default
  python -m src.study optimizer  AdamW, Adam and SGD, five seeds each
"""

import signal
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from src.config import named_file, study_file
from src.config.study_file import DATA, Study
from src.core import command_line, errors
from src.core.errors import InputError
from src.data import dataset
from src.data.dataset import Dataset
from src.evaluation import held_out_labels
from src.experiments import grid, registration, tuning
from src.experiments.executors import choice, local
from src.experiments.grid import Decision, RunKey


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command with the arguments `argv` (default: the process's own). Raise InputError if
    the study or the data is not as it must be, the study is running already, or a run failed.
    """
    parser = command_line.parser("study", __doc__)
    files = f"a file of conf/study/: {', '.join(study_file.names())} (default: default)"
    parser.add_argument("name", nargs="?", default="default", metavar="NAME", help=files)
    choice.add_argument(parser)
    given = parser.parse_args(argv)
    if "=" in given.name:  # without a name
        given.name, given.words = "default", [given.name, *given.words]
    name, asked = given.name, choice.read(given.words)
    study, registered = study_file.load(name), registration.of_file(name)
    data = dataset.load_description()
    named_file.check_data("study", study.dataset, data, study.fetch_seed)
    study = replace(study, executor=choice.name(study, asked))

    decide = partial(_decide, study, {})
    with named_file.errors_in(f"conf/study/{name}.yaml"):
        plan = grid.study_plan(name, study, data, decide, registered=registered)
        searches = tuning.load(study, data) if study.tune else None
    if study.looks or DATA in study.vary:
        _refuse_unlabelled(name, study, data)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: resumable, KILLED
    with local.server():
        from src.experiments import engine  # MLflow: after the checks
        from src.reporting import search_report

        if searches is not None:
            print(tuning.announcement(searches, study), flush=True)
            winners, composed = tuning.run(searches, study.executor, search_report.attach)
            study = tuning.tuned(study, winners)
            plan = grid.study_plan(name, study, data, decide, composed, registered)
        engine.run(plan, choice.make(study))
    print("Next")
    print(f"  python -m src.report {name:<12}  what the runs show, with figures")
    print("  make ui                            the runs in MLflow")


def _refuse_unlabelled(name: str, study: Study, data: Dataset) -> None:
    """Raise InputError if the labels of the held-out images, which the study needs, are unknown."""
    if held_out_labels.read(data.counts["test"]) is not None:
        return
    reason, remedy = "its vary has data, which draws from all images", "delete data there"
    if study.looks:
        reason = "its seeds go on until the held-out images decide"
        remedy = "list the seeds instead"
    raise InputError(
        f"conf/study/{name}.yaml: {reason}, but the labels of the held-out ones are not known: "
        f"{remedy}, or use data with public labels (fetch.source=mnist)."
    )


def _decide(
    study: Study, kept: dict[str, Any], client: Any, runs: Mapping[RunKey, Any]
) -> Decision:
    """Look at a study's finished runs; `kept` has the predictions that earlier looks have read."""
    from src.analysis import load_runs, verdicts  # MLflow and SciPy: after the checks
    from src.reporting import verdict_words

    correct, guess = load_runs.correct(client, runs, kept)
    look = verdicts.look(
        correct,
        reference=study.reference,
        compare=study.compare,
        smallest_effect=study.smallest_effect,
        looks=study.looks,
        guess=guess,
        images_by_seed=DATA in study.vary,
    )
    return Decision(not look.undecided, verdict_words.look(look))


if __name__ == "__main__":
    errors.run(main)

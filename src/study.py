"""Run a study: levels × seeds, as conf/study/NAME.yaml says, in one MLflow parent run.

Usage: python -m src.study [NAME]

A study resumes after any interruption. Finished runs are found in MLflow by the digest of their
training (src/tracking/fingerprint.py) and not trained again; a run that was interrupted goes on
after its last epoch, a failed one is tried again; and a longer list of levels or seeds trains only
what is new. Runs made by `src.train` do not count: their times were not interleaved. A study with
`tune` first searches with the same budget for each of its levels (src/tuning/levels.py).
"""

import argparse
import signal
from collections.abc import Sequence

from src.data import dataset
from src.runtime import errors
from src.runtime.errors import InputError
from src.studies import design, executors, study_file
from src.tuning import levels


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command with the arguments `argv` (default: the process's own).

    Raises:
        InputError: the study or the data is not as it must be, the study is running already, or a
            run failed.
    """
    name = _arguments(argv).name
    study = study_file.load(name)
    data = dataset.describe()
    design.check_data(study, data)
    try:
        compositions = design.compositions(study)
        tuning = levels.load(study) if study.tune else None
    except InputError as error:
        raise InputError(f"conf/study/{name}.yaml: {error}") from error
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: resumable, KILLED
    with executors.server():
        from src.studies import runner  # MLflow: after the checks

        if tuning is not None:
            study = levels.tuned(study, levels.winners(tuning, data))
            compositions = design.compositions(study)
        failed = runner.run(name, study, data, compositions)
    if failed:
        raise InputError(
            f"{len(failed)} of {len(compositions)} runs did not finish "
            f"({', '.join(map(str, failed))}): fix what the lines above name; the same command "
            "tries these again, and only these."
        )
    print("Next")
    print(f"  python -m src.report {name:<12}  what the runs show, with figures")
    print("  make ui                            the runs in MLflow")


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m src.study",
        description="Train every level of a study's factor, such as each activation, with every "
        "seed. The same command resumes after any interruption.",
    )
    parser.add_argument(
        "name",
        nargs="?",
        default="default",
        metavar="NAME",
        help=f"a file of conf/study/: {', '.join(study_file.names())} (default: default)",
    )
    return parser.parse_args(argv)


if __name__ == "__main__":
    errors.run(main)

"""Search hyperparameters: run the trials of a search, and write the best recipe.

The same command resumes after any interruption: the number of trials is a
total, an interrupted trial continues after its last epoch, and another trial
replaces one that failed.

Reads:   conf/search/NAME.yaml, params.yaml, data/processed, and the trials
         in MLflow
Writes:  a parent run in MLflow with a run for each trial, its figures, and
         conf/experiment/NAME.yaml, which `experiment=NAME` chooses

Examples:
  python -m src.search learning_rate_and_decay  its twelve trials
"""

import argparse
import signal
from collections.abc import Sequence

from src.config import named_file
from src.data import dataset
from src.runtime import command_line, errors
from src.runtime.errors import InputError
from src.studies.executors import choice, local
from src.tuning import design, recipe


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command with the arguments `argv` (default: the process's own).

    Raises:
        InputError: the search or the data is not as it must be, the search is running already, or
            too many trials failed.
    """
    given = _arguments(argv)
    name = given.name
    search = design.load(name)
    recipe.refuse_foreign(name)
    if search.experiment == name:
        raise InputError(
            f"{design.file_of(name)}: experiment is {name}, the very file that the search writes: "
            "name another recipe to start from."
        )
    data = dataset.load_description()
    named_file.check_data("search", search.dataset, data)
    search.executor = choice.name(search, choice.read(given.words))
    common = design.base(search)
    try:
        corners = design.corners(search, common)
    except InputError as error:
        raise named_file.located(design.file_of(name), error) from error
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: resumable, KILLED
    if given.dashboard:
        from src.tuning import dashboard  # MLflow and Optuna: after the checks

        dashboard.serve(name, search, corners[0].composed.mlflow.experiment, given.port)
        return
    with local.server():
        from src.tuning import report, runner, trials  # MLflow and Optuna: after the checks

        task = runner.Task(name, search, common)
        made = runner.run(task, data, corners, choice.make(search), anew=given.anew)
        best = trials.best(made.trials)
        assert best is not None
        report.show(search, made.trials)
        folder = report.write(task, made)
        composition = design.composition(common, best.params, search.seed)
        recipe.write(name, search, made.trials, composition, data)
    print(f"conf/experiment/{name}.yaml has the best of them; the figures are in {folder}")
    print("Next")
    train = f"python -m src.train experiment={name}"
    print(f"  {train}  train it")
    print(f"  {'make ui':<{len(train)}}  the trials in MLflow")


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = command_line.parser("search", __doc__)
    parser.add_argument(
        "name", metavar="NAME", help=f"a file of conf/search/: {', '.join(design.names())}"
    )
    choice.add_argument(parser)
    parser.add_argument(
        "--anew",
        action="store_true",
        help="begin again where the store holds another search of that name, and leave that as "
        "it is",
    )
    parser.add_argument(
        "--dashboard",
        action="store_true",
        help="make no trial: serve Optuna's dashboard over those that MLflow has, on 127.0.0.1",
    )
    parser.add_argument("--port", type=int, default=8080, help="of the dashboard (default: 8080)")
    return parser.parse_args(argv)


if __name__ == "__main__":
    errors.run(main)

"""Search hyperparameters, as conf/search/NAME.yaml says, in one MLflow parent run.

Usage: python -m src.search NAME [executor=ray] [--anew | --dashboard]

A search resumes after any interruption: the number of trials is the total, a trial that was
interrupted goes on after its last epoch, and one that failed is made up for by another. At the end
the best trial's configuration is conf/experiment/NAME.yaml, which `experiment=NAME` chooses.
"""

import argparse
import signal
from collections.abc import Sequence

from src.config import named_file
from src.data import dataset
from src.runtime import command_line, errors, paths
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
    data = dataset.describe()
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
        # MLflow and Optuna: after the checks
        from src.reporting import search_report
        from src.tuning import runner, trials

        task = runner.Task(name, search, common)
        made = runner.run(task, data, corners, choice.make(search), anew=given.anew)
        best = trials.best(made.trials)
        assert best is not None
        search_report.show(search, made.trials)
        folder = paths.REPORTS / f"search-{name}"
        search_report.write(folder, search, made.trials, made.parent_id)
        composition = design.composition(common, best.params, search.seed)
        recipe.write(name, search, made.trials, composition, data)
    print(f"conf/experiment/{name}.yaml has the best of them; the figures are in {folder}")
    print("Next")
    train = f"python -m src.train experiment={name}"
    print(f"  {train}  train it")
    print(f"  {'make ui':<{len(train)}}  the trials in MLflow")


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = command_line.parser(
        "search",
        "Search hyperparameters: make the trials of a search, and a recipe of the best. The same "
        "command resumes after any interruption.",
        reads="conf/search/NAME.yaml, params.yaml, data/processed, and the trials that MLflow has",
        writes="a parent run in MLflow with a run for each trial, its figures, and "
        "conf/experiment/NAME.yaml",
        examples={"learning_rate_and_decay": "its twelve trials"},
    )
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

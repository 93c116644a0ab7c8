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

import signal
from collections.abc import Sequence
from dataclasses import replace

from src.config import named_file, search_file
from src.core import command_line, errors, paths
from src.core.errors import InputError
from src.data import dataset
from src.experiments import recipe
from src.experiments.executors import choice, local
from src.experiments.search import SearchPlan, Space, base


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command with the arguments `argv` (default: the process's own). Raise InputError if
    the search or the data is not as it must be, the search is running already, or too many trials
    failed.
    """
    parser = command_line.parser("search", __doc__)
    files = f"a file of conf/search/: {', '.join(search_file.names())}"
    parser.add_argument("name", metavar="NAME", help=files)
    choice.add_argument(parser)
    of_anew = "begin again where the store holds another search of that name, and leave that as "
    parser.add_argument("--anew", action="store_true", help=f"{of_anew}it is")
    given = parser.parse_args(argv)
    name = given.name
    search, file = search_file.load(name), f"conf/search/{name}.yaml"
    recipe.refuse_foreign(name)
    if search.experiment == name:
        raise InputError(
            f"{file}: experiment is {name}, the very file that the search writes: name another "
            "recipe to start from."
        )
    data = dataset.load_description()
    named_file.check_data("search", search.dataset, data)
    search = replace(search, executor=choice.name(search, choice.read(given.words)))
    with named_file.errors_in(file):
        space = Space(search, base(search))
    plan = SearchPlan(name, search, space, data, anew=given.anew)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: resumable, KILLED
    with local.server():
        from src.experiments import engine  # MLflow and Optuna: after the checks
        from src.reporting import search_report

        parent = engine.run(plan, choice.make(search))
        best = plan.winner()
        assert parent.run_id is not None
        folder = paths.REPORTS / f"search-{name}"
        search_report.write(folder, search, plan.trials(), parent.run_id)
        recipe.write(name, search, plan.trials(), space.composition(best.params), data)
    print(f"conf/experiment/{name}.yaml has the best of them; the figures are in {folder}")
    print("Next")
    train = f"python -m src.train experiment={name}"
    print(f"  {train}  train it")
    print(f"  {'make ui':<{len(train)}}  the trials in MLflow")


if __name__ == "__main__":
    errors.run(main)

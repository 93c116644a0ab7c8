"""The tuning of a study: the same search, with the same budget, for each of its levels."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from src.data.dataset import Dataset
from src.runtime.errors import InputError
from src.studies import design as study_design
from src.studies import level
from src.studies.design import Composition, Study
from src.studies.executors import choice
from src.tuning import design
from src.tuning.design import Search
from src.tuning.trials import Trial


@dataclass(frozen=True)
class Tuning:
    """The searches of a study's levels, checked.

    Attributes:
        name: of the search.
        search: the search, the same for all.
        common: the overrides that a level's trials share, by its label.
        corners: configurations from the edges of its space, by its label.
    """

    name: str
    search: Search
    common: Mapping[str, Sequence[str]]
    corners: Mapping[str, Sequence[Composition]]


@dataclass(frozen=True)
class Winner:
    """The best trial of a level.

    Attributes:
        overrides: what was drawn for it.
        value: its best validation accuracy, a fraction.
        trial: its number.
        parent_id: the id of its search's run in MLflow.
    """

    overrides: list[str]
    value: float
    trial: int
    parent_id: str

    def told(self) -> dict[str, Any]:
        """Return it in plain JSON values, for a tag of the study's run."""
        return dict(vars(self))


def load(study: Study) -> Tuning:
    """Return the searches of a study's levels, checked without TensorFlow and MLflow.

    The recipe of a level's trials is the study's; the overrides of the search come on top of it
    (fewer epochs, for instance), and are not among what wins.

    Args:
        study: that names the search under `tune`.

    Raises:
        InputError: there is no such search, or it does not fit the study.
    """
    assert study.tune is not None
    name = study.tune
    search = design.load(name)
    file = design.file_of(name)
    if search.dataset != study.dataset:
        raise InputError(
            f"tune is {name}, but {file} is on {search.dataset} and the study on "
            f"{study.dataset}: search on the study's data."
        )
    common, corners = {}, {}
    for label in study.levels:
        words = study_design.words(study, label)
        keys = [level.key(word) for word in words]
        recipe = f"experiment={search.experiment}"
        if "experiment" in keys and recipe not in words:
            raise InputError(
                f"tune is {name}, but {file} has {recipe}, and the runs of {label} "
                f"{' '.join(words)}: name the same experiment in both."
            )
        if fixed := [key for key in keys if key in search.space]:
            raise InputError(
                f"tune is {name}, whose space has {fixed[0]}, but the runs of {label} set it: "
                f"delete it in the study, or in {file}."
            )
        common[label] = [*words, *search.overrides]
        try:
            corners[label] = design.corners(search, common[label])
        except InputError as error:
            raise InputError(f"{file}, for {label}: {error}") from error
    return Tuning(name, search, common, corners)


def winners(
    tuning: Tuning,
    data: Dataset,
    attach: Callable[[Search, Sequence[Trial], str], None],
    executor: str | None = None,
) -> dict[str, Winner]:
    """Make what is missing of each level's search, one after another; return the best of each.

    Trials that failed count: all levels have the same budget.

    Args:
        tuning: the searches.
        data: the data.
        attach: is called with each search that is complete, its trials, and the id of its run.
        executor: what makes the trials: the study's.

    Raises:
        InputError: a search is running already, or none of a level's trials ended well.
        KeyboardInterrupt: on Ctrl-C and SIGTERM, after the trials in progress have ended.
    """
    from src.tuning import runner, trials  # MLflow and Optuna: after the checks

    found = {}
    search = replace(tuning.search, executor=executor)
    maker = choice.make(search)
    for label, common in tuning.common.items():
        task = runner.Task(tuning.name, search, common, level=label)
        made = runner.run(task, data, tuning.corners[label], maker)
        best = trials.best(made.trials)
        assert best is not None
        assert best.value is not None
        attach(search, made.trials, made.parent_id)
        found[label] = Winner(design.words(best.params), best.value, best.number, made.parent_id)
    return found


def tuned(study: Study, found: Mapping[str, Winner]) -> Study:
    """Return the study with what each level's search found added to the level."""
    return replace(
        study,
        levels={label: (*words, *found[label].overrides) for label, words in study.levels.items()},
        tuned={label: winner.told() for label, winner in found.items()},
    )

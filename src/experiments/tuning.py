"""The tuning of a study: the same search, with the same budget, for each of its levels."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace

from src.config import override, search_file
from src.config.compose import Composition
from src.config.search_file import Search
from src.config.study_file import Study
from src.core.errors import InputError
from src.data.dataset import Dataset
from src.experiments import grid
from src.experiments.executors import choice
from src.experiments.search import SearchPlan, Space, words
from src.experiments.trials import Trial


@dataclass(frozen=True)
class Tuning:
    """The searches of a study's levels, composed and checked, by the labels of the levels."""

    search: Search
    plans: Mapping[str, SearchPlan]
    # Of each level's own runs: without the search's overrides, such as fewer epochs, which are not
    # part of the recipe that wins.
    levels: Mapping[str, Space]


@dataclass(frozen=True)
class Winner:
    """The best trial of a level."""

    overrides: list[str]
    value: float  # the best validation accuracy, a fraction
    trial: int
    parent_id: str  # of its search's run in MLflow


def load(study: Study, data: Dataset) -> Tuning:
    """Return the searches of a study's levels, without TensorFlow and MLflow. The recipe of a
    level's trials is the study's, with the overrides of the search on top. Raise InputError if
    there is no such search, or it does not fit the study.
    """
    assert study.tune is not None
    name = study.tune
    search = search_file.load(name)
    file = f"conf/search/{name}.yaml"
    if search.dataset != study.dataset:
        raise InputError(
            f"tune is {name}, but {file} is on {search.dataset} and the study on "
            f"{study.dataset}: search on the study's data."
        )
    plans, levels = {}, {}
    for label in study.levels:
        own = grid.words(study, label)
        keys = [override.key(word) for word in own]
        recipe = f"experiment={search.experiment}"
        if "experiment" in keys and recipe not in own:
            raise InputError(
                f"tune is {name}, but {file} has {recipe}, and the runs of {label} "
                f"{' '.join(own)}: name the same experiment in both."
            )
        if fixed := [key for key in keys if key in search.space]:
            raise InputError(
                f"tune is {name}, whose space has {fixed[0]}, but the runs of {label} set it: "
                f"delete it in the study, or in {file}."
            )
        try:
            space = Space(search, [*own, *search.overrides])
            levels[label] = Space(search, own, scored=True)
        except InputError as error:
            raise InputError(f"{file}, for {label}: {error}") from error
        plans[label] = SearchPlan(name, search, space, data, level=label)
    return Tuning(search, plans, levels)


def run(
    tuning: Tuning, executor: str | None, attach: Callable[[Search, list[Trial], str], None]
) -> tuple[dict[str, Winner], dict[str, Composition]]:
    """Train what is missing of each level's search; return the best trial of each, and the
    configuration that it gives the level's runs. `attach` adds figures to the run of a search: it
    takes the search, its trials and the run's id.
    """
    from src.experiments import engine  # MLflow: after the checks

    maker = choice.make(replace(tuning.search, executor=executor))
    winners, composed = {}, {}
    for label, plan in tuning.plans.items():
        parent = engine.run(plan, maker)
        best: Trial = plan.winner()
        assert best.value is not None
        assert parent.run_id is not None
        attach(tuning.search, plan.counted(), parent.run_id)
        winners[label] = Winner(words(best.params), best.value, best.number, parent.run_id)
        composed[label] = tuning.levels[label].composition(best.params)
    return winners, composed


def tuned(study: Study, winners: Mapping[str, Winner]) -> Study:
    """Return the study with the values that each level's search found."""
    return replace(
        study,
        levels={label: (*own, *winners[label].overrides) for label, own in study.levels.items()},
        tuned={label: asdict(winner) for label, winner in winners.items()},
    )

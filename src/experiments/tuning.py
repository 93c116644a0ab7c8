"""The tuning of a study: the same search, with the same budget, for each of its levels; with
`search` under `vary`, again for each of its seeds.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace

import numpy as np

from src.config import override, search_file, study_file
from src.config.compose import Composition
from src.config.search_file import Search
from src.config.study_file import SEARCH, Study
from src.core.errors import InputError
from src.core.formatting import count
from src.data.dataset import Dataset
from src.experiments import grid
from src.experiments.executors import choice
from src.experiments.grid import Place
from src.experiments.search import SearchPlan, Space, words
from src.experiments.trials import Trial


@dataclass(frozen=True)
class Tuning:
    """The searches of a study's levels, composed and checked."""

    search: Search
    plans: Mapping[Place, SearchPlan]
    # Of each level's own runs: without the search's overrides, such as fewer epochs, which are not
    # part of the recipe that wins.
    levels: Mapping[str, Space]


@dataclass(frozen=True)
class Winner:
    """The best trial of a search."""

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
    spaces, levels = {}, {}
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
            spaces[label] = Space(search, [*own, *search.overrides])
            levels[label] = Space(search, own, scored=True)
        except InputError as error:
            raise InputError(f"{file}, for {label}: {error}") from error
    plans: dict[Place, SearchPlan] = {}
    for seed in study.seeds if SEARCH in study.vary else (None,):
        for label, space in spaces.items():
            if seed is not None:
                space = space.with_seed(seed_of(search, seed), study_file.draws(study.vary, seed))
            plans[label, seed] = SearchPlan(name, space.search, space, data, label, for_seed=seed)
    return Tuning(search, plans, levels)


def seed_of(search: Search, seed: int) -> int:
    """Return the seed of the search that is repeated for a seed of the study: of its draws, and of
    its trainings. It is not the study's, because the best of several trials is a little lucky with
    the seed that they were trained with.
    """
    [found] = np.random.SeedSequence([search.seed, seed]).generate_state(1)
    return int(found >> 1)  # a training's seed is below 2**31


def announcement(tuning: Tuning, study: Study) -> str:
    """Return the number of trials that come before the study's runs, as text."""
    levels, trials = len(study.levels), tuning.search.trials
    factors = [f"{levels} {study.factor.noun if levels == 1 else study.factor.plural}"]
    if SEARCH in study.vary:
        factors.append(count(len(study.seeds), "seed"))
    factors.append(count(trials, "trial"))
    total = count(trials * len(tuning.plans), "trial")
    return f"Tuning by {study.tune}: {' × '.join(factors)} = {total}, then the study's runs"


def run(
    tuning: Tuning, executor: str | None, attach: Callable[[Search, list[Trial], str], None]
) -> tuple[dict[Place, Winner], dict[Place, Composition]]:
    """Train what is missing of each search; return the best trial of each, and the configuration
    that it gives the study's runs. `attach` adds figures to the run of a search: it takes the
    search, its trials and the run's id.
    """
    from src.experiments import engine  # MLflow: after the checks

    maker = choice.make(replace(tuning.search, executor=executor))
    winners, composed = {}, {}
    for place, plan in tuning.plans.items():
        parent = engine.run(plan, maker)
        best: Trial = plan.winner()
        assert best.value is not None
        assert parent.run_id is not None
        attach(plan.search, plan.counted(), parent.run_id)
        winners[place] = Winner(words(best.params), best.value, best.number, parent.run_id)
        composed[place] = tuning.levels[place[0]].composition(best.params)
    return winners, composed


def tuned(study: Study, winners: Mapping[Place, Winner]) -> Study:
    """Return the study with the values that each search found."""
    if SEARCH in study.vary:
        found = {
            (label, seed): asdict(one) for (label, seed), one in winners.items() if seed is not None
        }
        return replace(study, searched=found)
    return replace(
        study,
        levels={
            label: (*own, *winners[label, None].overrides) for label, own in study.levels.items()
        },
        tuned={label: asdict(winner) for (label, _), winner in winners.items()},
    )

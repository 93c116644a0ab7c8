"""What Optuna decides: the next trial's values, whether a trial is pruned, and what mattered.

Its study is rebuilt from the trials each time it is asked, in memory: so there is no second record
that could disagree with MLflow's, and nothing to repair after an interruption.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.importance import FanovaImportanceEvaluator
from optuna.pruners import BasePruner
from optuna.samplers import BaseSampler
from optuna.trial import FrozenTrial, TrialState, create_trial

from src.config import search_file
from src.config.search_file import Range, Search
from src.tuning.trials import State, Trial

optuna.logging.set_verbosity(optuna.logging.WARNING)

STATES = {
    State.OPEN: TrialState.RUNNING,
    State.COMPLETE: TrialState.COMPLETE,
    State.PRUNED: TrialState.PRUNED,
    State.FAILED: TrialState.FAIL,
}
MOST_DRAWN_BLINDLY = 10  # Optuna's own number, for long searches
FEWEST_TO_EXPLAIN = 4  # complete trials, for importances


def ask(name: str, search: Search, trials: Sequence[Trial]) -> dict[str, Any]:
    """Return the values of the next trial.

    They depend on the search's seed, on the trial's number and on what became of those before: an
    interrupted search draws what it would have drawn.

    Args:
        name: of the search.
        search: the search.
        trials: all that were begun so far.
    """
    # Not the sum of the two: another seed's draws would be these, one trial later.
    [seed] = np.random.SeedSequence([search.seed, len(trials)]).generate_state(1)
    study = _study(name, search, trials, sampler=_sampler(search, int(seed)))
    asked = study.ask(_distributions(search.ranges))
    return {key: _from_optuna(one, asked.params[key]) for key, one in search.ranges.items()}


def is_pruned(
    name: str, search: Search, epochs: int, trials: Sequence[Trial], number: int
) -> tuple[bool, dict[str, float]]:
    """Return whether a trial is to end after its last epoch so far, and its pruner's new state.

    Args:
        name: of the search.
        search: the search.
        epochs: of a whole training.
        trials: all that were begun so far, with their accuracies.
        number: of the trial.
    """
    study = _study(name, search, trials)
    trial = study.get_trials(deepcopy=False)[number]
    pruned = _pruner(search, epochs).prune(study, trial)
    state = study.get_trials(deepcopy=False)[number].system_attrs
    return pruned, {key: value for key, value in state.items() if isinstance(value, float)}


def importances(search: Search, trials: Sequence[Trial]) -> dict[str, float]:
    """Return each key's share of the variance of the objective, by fANOVA, the largest first.

    Hutter, Hoos and Leyton-Brown (2014), https://proceedings.mlr.press/v32/hutter14.html. Empty
    where there are too few complete trials, or all attained the same.
    """
    complete = [trial for trial in trials if trial.state == State.COMPLETE]
    if len(complete) < FEWEST_TO_EXPLAIN or len({trial.value for trial in complete}) == 1:
        return {}
    study = _study("", search, trials)
    found = optuna.importance.get_param_importances(
        study, evaluator=FanovaImportanceEvaluator(seed=search.seed)
    )
    return {key: float(share) for key, share in found.items()}


def mirror(name: str, search: Search, trials: Sequence[Trial]) -> optuna.Study:
    """Return the trials as a study of Optuna in memory, for others to look at."""
    study = _study(name, search, ())
    refresh(study, search, trials)
    return study


def refresh(study: optuna.Study, search: Search, trials: Sequence[Trial]) -> None:
    """Add to a mirror what is new: trials, epochs of those that run, and what became of them.

    Args:
        study: what `mirror` returned.
        search: the search.
        trials: all that were begun so far, by their numbers.
    """
    storage, known = study._storage, study.get_trials(deepcopy=False)
    for number, trial in enumerate(trials):
        if number >= len(known):
            study.add_trial(_frozen(search, trial))
            continue
        mirrored = known[number]
        if mirrored.state.is_finished():
            continue
        for epoch, accuracy in trial.accuracies.items():
            storage.set_trial_intermediate_value(mirrored._trial_id, epoch, accuracy)
        if trial.state != State.OPEN:
            value = trial.value if trial.state == State.COMPLETE else None
            values = None if value is None else [value]
            storage.set_trial_state_values(mirrored._trial_id, STATES[trial.state], values)


def _study(
    name: str, search: Search, trials: Sequence[Trial], sampler: BaseSampler | None = None
) -> optuna.Study:
    study = optuna.create_study(
        storage=optuna.storages.InMemoryStorage(),
        study_name=name,
        direction="maximize",
        sampler=sampler or optuna.samplers.RandomSampler(seed=0),  # where nothing is asked
    )
    by_number = {trial.number: trial for trial in trials}
    for number in range(max(by_number, default=-1) + 1):
        # A number without a trial cannot be, but would shift those after it.
        given = by_number.get(number)
        study.add_trial(
            create_trial(state=TrialState.FAIL) if given is None else _frozen(search, given)
        )
    return study


def _frozen(search: Search, trial: Trial) -> FrozenTrial:
    """Return a trial as Optuna keeps it."""
    ranges = search.ranges
    return create_trial(
        state=STATES[trial.state],
        value=trial.value if trial.state == State.COMPLETE else None,
        params={key: _to_optuna(one, trial.params[key]) for key, one in ranges.items()},
        distributions=_distributions(ranges),
        intermediate_values=dict(trial.accuracies),
        system_attrs=dict(trial.pruner_state),
    )


def _distributions(ranges: Mapping[str, Range]) -> dict[str, BaseDistribution]:
    return {key: _distribution(one) for key, one in ranges.items()}


def _distribution(one: Range) -> BaseDistribution:
    if not one.numeric:
        return CategoricalDistribution([_to_optuna(one, value) for value in one.values])
    low, high = one.values
    if one.kind == search_file.INTEGER:
        return IntDistribution(low, high)
    return FloatDistribution(low, high, log=one.kind == search_file.LOG_UNIFORM)


def _to_optuna(one: Range, value: Any) -> Any:
    """Return a value as Optuna takes it: a choice as text, because it knows no lists."""
    return value if one.numeric else json.dumps(value)


def _from_optuna(one: Range, value: Any) -> Any:
    return one.rounded(value) if one.numeric else json.loads(value)


def _sampler(search: Search, seed: int) -> BaseSampler:
    blindly = max(2, min(MOST_DRAWN_BLINDLY, search.trials // 3))
    if search.sampler == search_file.TPE:
        return optuna.samplers.TPESampler(n_startup_trials=blindly, seed=seed)
    if search.sampler == search_file.GP:
        return optuna.samplers.GPSampler(n_startup_trials=blindly, seed=seed)
    return optuna.samplers.RandomSampler(seed=seed)


def _pruner(search: Search, epochs: int) -> BasePruner:
    if search.pruner == search_file.MEDIAN:
        # The first quarter of a schedule tells little of its end; steps count from 1.
        return optuna.pruners.MedianPruner(n_startup_trials=4, n_warmup_steps=epochs // 4 + 1)
    if search.pruner == search_file.HYPERBAND:
        return optuna.pruners.HyperbandPruner(min_resource=1, max_resource=epochs)
    if search.pruner == search_file.HALVING:
        return optuna.pruners.SuccessiveHalvingPruner(min_resource=max(1, epochs // 9))
    return optuna.pruners.NopPruner()

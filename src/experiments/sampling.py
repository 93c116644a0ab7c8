"""Optuna's decisions: the values of the next trial, pruning, and the importance of each key.

Its study is rebuilt in memory from the trials for each question: there is no second record that
could disagree with MLflow's, and nothing to repair after an interruption.
"""

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import optuna
from optuna import distributions, pruners, samplers
from optuna.distributions import BaseDistribution
from optuna.importance import FanovaImportanceEvaluator
from optuna.trial import FrozenTrial, TrialState, create_trial

from src.config import search_file as design
from src.config.search_file import Range, Search
from src.experiments.trials import State, Trial

optuna.logging.set_verbosity(optuna.logging.WARNING)

STATES = {
    State.OPEN: TrialState.RUNNING,
    State.COMPLETE: TrialState.COMPLETE,
    State.PRUNED: TrialState.PRUNED,
    State.FAILED: TrialState.FAIL,
}
SAMPLERS = {design.TPE: samplers.TPESampler, design.GP: samplers.GPSampler}  # with a random start
MAX_STARTUP_TRIALS = 10  # at random; Optuna's default, for long searches
MIN_FOR_IMPORTANCES = 4  # complete trials, for importances


def ask(name: str, search: Search, trials: Sequence[Trial]) -> dict[str, Any]:
    """Return the values of the next trial, after all `trials` that have begun.

    They depend on the search's seed, the trial's number and the results before it: an interrupted
    search draws the same values as one that was not.
    """
    # Not the sum of the two: the next seed would draw the same values one trial earlier.
    [seed] = np.random.SeedSequence([search.seed, len(trials)]).generate_state(1)
    startup = max(2, min(MAX_STARTUP_TRIALS, search.trials // 3))
    sampler: samplers.BaseSampler = samplers.RandomSampler(seed=int(seed))
    if search.sampler in SAMPLERS:
        sampler = SAMPLERS[search.sampler](n_startup_trials=startup, seed=int(seed))
    study = _study(name, search, trials, sampler)
    asked = study.ask({key: _distribution(one) for key, one in search.ranges.items()})
    return {
        key: one.rounded(asked.params[key]) if one.numeric else json.loads(asked.params[key])
        for key, one in search.ranges.items()
    }


def is_pruned(
    name: str, search: Search, epochs: int, trials: Sequence[Trial], number: int
) -> tuple[bool, dict[str, float]]:
    """Return whether a trial stops after its last finished epoch, and its pruner's new state; of
    all `trials` that have begun, with a complete training of so many epochs.
    """
    study = _study(name, search, trials)
    pruned = _pruner(search, epochs).prune(study, study.get_trials(deepcopy=False)[number])
    state = study.get_trials(deepcopy=False)[number].system_attrs
    return pruned, {key: value for key, value in state.items() if isinstance(value, float)}


def importances(search: Search, trials: Sequence[Trial]) -> dict[str, float]:
    """Return each key's share of the variance of the objective, by fANOVA, the largest first.

    Hutter, Hoos and Leyton-Brown (2014), https://proceedings.mlr.press/v32/hutter14.html. Empty
    where there are too few complete trials, or all attained the same.
    """
    complete = [trial for trial in trials if trial.state == State.COMPLETE]
    if len(complete) < MIN_FOR_IMPORTANCES or len({trial.value for trial in complete}) == 1:
        return {}
    evaluator = FanovaImportanceEvaluator(seed=search.seed)
    study = _study("", search, trials)
    found = optuna.importance.get_param_importances(study, evaluator=evaluator)
    return {key: float(share) for key, share in found.items()}


def _study(
    name: str, search: Search, trials: Sequence[Trial], sampler: samplers.BaseSampler | None = None
) -> optuna.Study:
    study = optuna.create_study(
        storage=optuna.storages.InMemoryStorage(),
        study_name=name,
        direction="maximize",
        sampler=sampler or samplers.RandomSampler(seed=0),  # nothing is drawn
    )
    by_number = {trial.number: trial for trial in trials}
    for number in range(max(by_number, default=-1) + 1):
        # A missing trial is not expected, but would shift the numbers after it.
        study.add_trial(_frozen(search, by_number.get(number, Trial(number, {}, State.FAILED))))
    return study


def _frozen(search: Search, trial: Trial) -> FrozenTrial:
    """Return a trial in Optuna's form."""
    ranges = {key: one for key, one in search.ranges.items() if key in trial.params}
    return create_trial(
        state=STATES[trial.state],
        value=trial.value if trial.state == State.COMPLETE else None,
        params={  # a choice as text, because Optuna does not support lists
            key: trial.params[key] if one.numeric else json.dumps(trial.params[key])
            for key, one in ranges.items()
        },
        distributions={key: _distribution(one) for key, one in ranges.items()},
        intermediate_values=dict(trial.accuracies),
        system_attrs=dict(trial.pruner_state),
    )


def _distribution(one: Range) -> BaseDistribution:
    if not one.numeric:
        return distributions.CategoricalDistribution(list(map(json.dumps, one.values)))
    low, high = one.values
    if one.kind == design.INTEGER:
        return distributions.IntDistribution(low, high)
    return distributions.FloatDistribution(low, high, log=one.kind == design.LOG_UNIFORM)


def _pruner(search: Search, epochs: int) -> pruners.BasePruner:
    if search.pruner == design.MEDIAN:
        # The first quarter of a schedule predicts little of its end; steps count from 1.
        return pruners.MedianPruner(n_startup_trials=4, n_warmup_steps=epochs // 4 + 1)
    if search.pruner == design.HYPERBAND:
        return pruners.HyperbandPruner(min_resource=1, max_resource=epochs)
    if search.pruner == design.HALVING:
        return pruners.SuccessiveHalvingPruner(min_resource=max(1, epochs // 9))
    return pruners.NopPruner()

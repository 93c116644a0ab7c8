from dataclasses import replace
from math import log10

import pytest

from src.config.search_file import Search
from src.experiments import sampling
from src.experiments.trials import State, Trial


def search(**changes):
    given = {
        "question": "?",
        "experiment": "default",
        "dataset": "files-any",
        "space": {
            "rate": {"log_uniform": [0.001, 1.0]},
            "units": {"choices": [[8], [16], None]},
            "size": {"integer": [1, 9]},
            "drop": {"uniform": [0.0, 0.5]},
        },
        "trials": 12,
    }
    return Search(**(given | changes))


def complete(number, params, value):
    return Trial(number, params, State.COMPLETE, value, {1: value / 2, 2: value}, 1.0)


def drawn_trials(given, count):
    """Draw trials one after another; the best rate is 0.1."""
    trials = []
    for number in range(count):
        params = sampling.ask("mine", given, trials)
        trials.append(complete(number, params, 1 - abs(log10(params["rate"]) + 1) / 4))
    return trials


@pytest.mark.parametrize("sampler", ["tpe", "random"])
def test_a_draw_depends_on_the_seed_and_the_trials_alone(sampler):
    given = search(sampler=sampler)
    trials = drawn_trials(given, 8)
    assert sampling.ask("mine", given, trials[:5]) == trials[5].params
    assert len({str(one.params) for one in trials}) == 8
    other = sampling.ask("mine", search(sampler=sampler, seed=99), trials[:5])
    assert other != trials[5].params


def test_values_have_the_types_of_the_file_and_are_within_their_bounds():
    for trial in drawn_trials(search(sampler="random"), 12):
        assert 0.001 <= trial.params["rate"] <= 1
        assert trial.params["units"] in ([8], [16], None)
        assert trial.params["size"] in range(1, 10)
        assert 0 <= trial.params["drop"] <= 0.5


def test_tpe_finds_a_better_region_than_chance():
    draws = drawn_trials(search(space={"rate": {"log_uniform": [0.001, 1.0]}}, trials=30), 30)
    near = [0.04 < one.params["rate"] < 0.25 for one in draws]  # 27% of the logarithmic scale
    assert sum(near[10:]) >= 10


def test_trials_that_run_or_failed_are_no_obstacle_to_the_next_draw():
    given = search()
    trials = drawn_trials(given, 4)
    trials += [Trial(4, trials[0].params), Trial(5, trials[1].params, State.FAILED)]
    assert sampling.ask("mine", given, trials)


def test_without_a_pruner_no_trial_ends_early():
    trials = curves(*[GOOD] * 6, (0.1, 0.1, 0.1))
    assert sampling.is_pruned("mine", search(pruner="none"), 4, trials, 6) == (False, {})


def curves(*rows):
    """Return trials with these accuracies by epoch; the last one runs."""
    params = {"rate": 0.1, "units": [8], "size": 3, "drop": 0.1}
    *others, last = [dict(enumerate(row, 1)) for row in rows]
    trials = [
        Trial(number, params, State.COMPLETE, max(curve.values()), curve)
        for number, curve in enumerate(others)
    ]
    return [*trials, Trial(len(others), params, accuracies=last)]


GOOD = (0.5, 0.6, 0.7, 0.8)


def test_the_median_pruner_ends_a_trial_below_the_median_but_not_in_the_first_quarter():
    given = search()

    def pruned(*row, others=4):
        trials = curves(*[GOOD] * others, row)
        return sampling.is_pruned("mine", given, 8, trials, others)[0]

    assert not pruned(0.1, 0.1)
    assert pruned(0.1, 0.1, 0.1)
    assert not pruned(0.5, 0.6, 0.71)
    assert not pruned(0.1, 0.1, 0.1, others=3)  # too few to compare with


@pytest.mark.parametrize("pruner", ["successive_halving", "hyperband"])
def test_the_state_of_a_pruner_is_returned_and_counts_in_the_next_decision(pruner):
    given = search(pruner=pruner)
    done = []
    for number in range(8):
        this = curves(*[GOOD] * number, (0.9,))[-1]
        pruned, state = sampling.is_pruned("mine", given, 9, [*done, this], number)
        assert number or not pruned
        done.append(replace(this, state=State.COMPLETE, value=0.9, pruner_state=state))
    assert any(one.pruner_state for one in done)
    bad = Trial(8, done[0].params, accuracies={1: 0.1})
    if pruner == "successive_halving":
        assert sampling.is_pruned("mine", given, 9, [*done, bad], 8)[0]
        forgot = [replace(one, pruner_state={}) for one in done]
        assert not sampling.is_pruned("mine", given, 9, [*forgot, bad], 8)[0]


def test_importances_are_shares_and_the_key_that_decides_has_the_largest():
    shares = sampling.importances(search(), drawn_trials(search(sampler="random"), 30))
    assert sum(shares.values()) == pytest.approx(1)
    assert next(iter(shares)) == "rate"
    # Too few trials, or equal ones, explain nothing.
    few = drawn_trials(search(), 3)
    assert sampling.importances(search(), few) == {}
    equal = [complete(number, few[0].params, 0.5) for number in range(6)]
    assert sampling.importances(search(), equal) == {}

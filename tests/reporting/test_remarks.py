from dataclasses import replace

import pytest

from src.analysis import findings
from src.reporting import remarks
from src.tracking import run_tags
from tests.support.simulated_runs import pair


def test_levels_with_runs_that_failed_to_learn_are_remarked_on(five):
    assert remarks.on_learning(five) == []
    [one, two] = remarks.on_learning(replace(five, failed={"a": (2,), "b": (1, 4)}, guess=0.114))
    assert one.startswith("a failed to learn in 1 of 4 runs (seed 2): these attain less than half")
    assert "above guessing (11.4%). Its mean describes no run, so it is not judged." in one
    assert two.startswith("b failed to learn in 2 of 4 runs (seeds 1 and 4): ")


@pytest.mark.parametrize(
    ("seeds", "looks", "first_seeds", "said"),
    [
        (2, (), None, []),
        (10, (5, 10, 20), None, ["stopped at a planned look, where a difference that is signif"]),
        (20, (5, 10, 20), None, []),
        (10, (), 10, []),
        (12, (5, 10, 20), None, ["stopped", "its looks are planned at 5, 10 and 20: this is one"]),
        (25, (5, 10, 20), None, ["planned to end with 20 seeds and has 25"]),
        (10, (), 5, ["begun with 5 seeds and extended to 10 without planned looks"]),
        (4, (), 3, ["begun with 3 seeds and extended to 4"]),
    ],
)
def test_seeds_that_were_not_planned_and_an_early_end_are_remarked_on(
    five, seeds, looks, first_seeds, said
):
    plan = {"seeds": tuple(range(seeds)), "looks": looks, "first_seeds": first_seeds}
    found = replace(five, pairs=(pair(pp=0.05, p=0.01), pair()), **plan)
    assert not any("stopped" in one for one in remarks.on_seeds(replace(found, pairs=(pair(),))))
    made = remarks.on_seeds(found)
    assert len(made) == len(said)
    for text, remark in zip(said, made, strict=True):
        assert text in remark


def test_a_remark_on_the_runs_comes_first_and_one_on_later_seeds_last(five_runs):
    tags = {**five_runs.tags, run_tags.FIRST_SEEDS: "2"}
    begun = replace(five_runs, tags=tags, remarks=("Left out: a.",))
    first, last = remarks.of(begun, findings.compute(begun, "ReLU"))
    assert first == "Left out: a."
    assert "begun with 2 seeds and extended to 4" in last

from dataclasses import replace

import numpy as np
import pytest

from src.analysis import findings
from src.reporting import remarks
from src.tracking import run_tags


def test_runs_that_are_not_better_than_a_guess_are_remarked_on(five):
    accuracy = {"a": np.array([0.5, 0.9]), "b": np.array([0.51, 0.8])}
    found = replace(five, accuracy=accuracy, seeds=(1, 2), guess=0.5)
    [remark] = remarks.on_learning(found)
    assert remark.startswith("1 of the 2 runs with a did not learn: ")
    assert "attains 50.0%, too" in remark


@pytest.mark.parametrize(
    ("seeds", "looks", "first_seeds", "said"),
    [
        (5, (), None, []),
        (10, (5, 10, 20), None, []),
        (10, (), 10, []),
        (4, (), None, ["With 4 seeds, intervals are narrower than they claim"]),
        (12, (5, 10, 20), None, ["its looks are planned at 5, 10 and 20: this is one more look"]),
        (25, (5, 10, 20), None, ["planned to end with 20 seeds and has 25"]),
        (10, (), 5, ["begun with 5 seeds and extended to 10 without planned looks"]),
        (4, (), 3, ["With 4 seeds", "begun with 3 seeds and extended to 4"]),
    ],
)
def test_seeds_that_are_too_few_or_not_planned_are_remarked_on(
    five, seeds, looks, first_seeds, said
):
    found = replace(five, seeds=tuple(range(seeds)), looks=looks, first_seeds=first_seeds)
    made = remarks.on_seeds(found)
    assert len(made) == len(said)
    for text, remark in zip(said, made, strict=True):
        assert text in remark


def test_a_remark_on_the_runs_comes_first_and_one_on_later_seeds_last(five_runs):
    tags = {**five_runs.tags, run_tags.FIRST_SEEDS: "2"}
    begun = replace(five_runs, tags=tags, remarks=("Left out: a.",))
    first, *_, last = remarks.of(begun, findings.compute(begun, "ReLU"))
    assert first == "Left out: a."
    assert "begun with 2 seeds and extended to 4" in last


@pytest.mark.parametrize(
    ("vary", "said"),
    [
        (
            None,
            ["verdicts are on these recipes, found by one search each, not on ReLU and Swish in"],
        ),
        ('["seed", "split"]', ["found by one search each"]),
        ('["seed", "search"]', []),
    ],
)
def test_a_study_with_one_search_per_level_compares_recipes_and_not_words(short_runs, vary, said):
    assert remarks.on_tuning(short_runs) == []
    tags = {**short_runs.tags, run_tags.TUNE: "rate"} | ({run_tags.VARY: vary} if vary else {})
    made = remarks.on_tuning(replace(short_runs, tags=tags))
    assert len(made) == len(said)
    assert all(text in remark for text, remark in zip(said, made, strict=True))


def test_held_out_images_of_each_seed_are_remarked_on(short_runs):
    assert remarks.on_images(short_runs) == []
    [remark] = remarks.on_images(replace(short_runs, images_by_seed=True))
    assert "the same for all activations" in remark

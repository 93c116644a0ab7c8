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


COMMIT, SHA = "abc1234" + "0" * 33, "0123456789ab" + "f" * 52
REGISTERED = {
    "study": "mine",
    "registered.sha256": SHA,
    "registered.time": "2026-12-01T10:19:49+00:00",
    "registered.git_commit": COMMIT,
    "registered.git_dirty": "false",
}
JUDGED = {
    "question": "Why?",
    "smallest_effect": "0.0002",
    "levels": '{"relu": ["activation=relu"], "deep": ["epochs=2", "model=mlp"]}',
    "reference": "relu",
    "compare": "reference",
}
THEN = REGISTERED | {f"registered.{key}": value for key, value in JUDGED.items()} | JUDGED
FILE = "Registered before the first run: conf/study/mine.yaml"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, f"{FILE} as of commit abc1234"),
        (
            {"registered.git_dirty": "true"},
            f"{FILE} with changes that commit abc1234 does not have",
        ),
        ({"registered.git_commit": ""}, f"{FILE} without a known git commit"),
    ],
)
def test_the_file_of_a_study_before_its_first_run_is_named(changes, said):
    assert remarks.on_registration(THEN | changes) == [
        f"{said} (SHA-256 0123456789ab…), 2026-12-01 10:19 UTC."
    ]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"smallest_effect": "0.002"}, "smallest_effect from 0.0002 to 0.002"),
        (
            {"question": "Who?", "reference": "deep", "compare": "all"},
            "question from Why? to Who?; reference from relu to deep; "
            "compare from reference to all",
        ),
        (
            {"levels": '{"gelu": ["activation=gelu"], "relu": ["activation=relu"]}'},
            "levels from relu and deep to gelu and relu",
        ),
        (
            {"levels": '{"deep": ["epochs=3"], "relu": ["activation=relu"]}'},
            "levels from relu and deep (epochs=2 model=mlp) to deep (epochs=3) and relu",
        ),
        ({"looks": "[5, 10, 20]"}, "looks from none to 5, 10 and 20"),
        ({"registered.looks": "[5, 10]"}, "looks from 5 and 10 to none"),
        ({"registered.looks": "[5, 10]", "looks": "[5, 9]"}, "looks from 5 and 10 to 5 and 9"),
    ],
)
def test_a_judged_part_that_was_changed_after_the_first_run_is_named(changes, said):
    first, changed = remarks.on_registration(THEN | changes)
    assert first.startswith(FILE)
    assert changed == f"Changed after the first run had started: {said}."


def test_levels_in_another_order_are_no_change_and_earlier_runs_are_named():
    turned = '{"deep": ["epochs=2", "model=mlp"], "relu": ["activation=relu"]}'
    earlier = {"registered.earlier_run": "abcd", "levels": turned}
    _, said = remarks.on_registration(THEN | earlier)
    assert said.endswith("runs of this study with other settings, data or code, under run abcd.")


def test_a_study_from_before_registration_says_so_and_a_sweep_nothing():
    [said] = remarks.on_registration({"study": "mine", **JUDGED})
    assert said.startswith("Not registered: ")
    assert remarks.on_registration({"sweep": "activation=relu,swish"}) == []


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

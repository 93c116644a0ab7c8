import json
from dataclasses import replace
from io import StringIO

import numpy as np
import pandas as pd
import pytest

from src.analysis.run_set import NAMES
from src.config import factor
from src.reporting import export
from src.reporting.factor_exhibits import Brought
from tests.support.drawn_figures import profile


def refuse(word):
    raise AssertionError(f"{word} is not JSON")


def as_json(runs, found):
    text = export.as_json(runs, found, Brought([], profile(found)))
    return json.loads(text, parse_constant=refuse)


@pytest.fixture(scope="module")
def data(five_runs, five):
    return as_json(five_runs, five)


def test_the_json_says_what_was_compared_with_each_pairs_verdict_and_numbers(data, five_runs, five):
    assert data["title"] == "five"
    assert data["parent_run_id"] == five_runs.parent_id
    assert (data["reference"], data["seeds"], data["images"]) == ("ReLU", [1, 2, 3, 4], 1000)
    assert list(data["levels"]) == ["ReLU", "GELU", "Hard Swish", "Swish", "Swish-β"]
    assert len(data["pairs"]) == 10
    for one, pair in zip(data["pairs"], five.pairs, strict=True):
        assert one["significant"] == pair.comparison.significant
        assert one["comparison"]["first"] in one["sentence"]
        assert one["verdict"] == pair.verdict.value
        assert one["comparison"]["difference"]["p_value"] == pair.comparison.difference.p_value
        assert one["by_seed"] == pair.by_seed.tolist()
        assert one["seeds_needed"] == pair.seeds_needed
    assert {one["significant"] for one in data["pairs"]} == {True, False}


def test_the_json_holds_each_activations_numbers(data, five):
    for number, (name, one) in enumerate(data["levels"].items(), 1):
        assert one["accuracy"] == five.accuracy[name].tolist()
        mean = five.means[name]
        assert one["mean"] == {"value": mean.value, "low": mean.low, "high": mean.high}
        assert one["seconds_per_epoch"] == five.times.seconds[name].tolist()
        assert one["forward_nanoseconds_per_element"] == number
        assert one["backward_nanoseconds_per_element"] == 2 * number
        assert len(one["median_validation_error"]) == 6
        assert one["median_validation_error"][-1] == five.last_errors[name]
        assert one["calibration_error"]["value"] == five.calibration[name].error.value
        assert one["uniquely_misclassified"] == five.uniquely_misclassified[name].tolist()
    assert data["levels"]["ReLU"]["time_ratio"] is None
    assert data["levels"]["GELU"]["time_ratio"]["low"] == five.times.estimates["GELU"].low
    assert data["levels"]["ReLU"]["beta"] == {}
    assert np.shape(data["levels"]["Swish-β"]["beta"]["swish_beta_5"]) == (4, 6)


def test_what_is_missing_is_null_or_an_empty_column(short_runs, short):
    data = as_json(short_runs, short)["levels"]["Swish"]
    assert data["epochs_to_0.99"] == [None, None]
    assert "seconds_per_epoch" not in data
    assert "time_ratio" not in data
    table = export.runs_table(short_runs, short)
    assert table["median_epoch_seconds"].isna().all()
    assert len(table) == 4


def test_the_table_of_runs_has_a_row_for_each(five_runs, five):
    table = export.runs_table(five_runs, five)
    scores = "test_accuracy test_errors best_val_accuracy median_epoch_seconds"
    assert list(table) == f"activation seed run_id {scores}".split()
    assert table["activation"].unique().tolist() == five.levels
    assert table["seed"].tolist() == [1, 2, 3, 4] * 5
    ids = {one.run_id: one for one in five_runs}
    for row in table.itertuples():
        one = ids[row.run_id]
        assert (row.activation, row.seed) == (NAMES[one.tags["activation"]], one.seed)
        assert row.test_errors == (one.predicted != one.labels).sum()
        assert row.test_accuracy == pytest.approx(1 - row.test_errors / 1000)
        assert row.best_val_accuracy == max(one.history["val_accuracy"])
        assert row.median_epoch_seconds == pytest.approx(one.history["epoch_seconds"][1:].median())


def test_the_table_of_pairs_has_the_difference_its_intervals_and_its_tests(five):
    table = export.pairs_table(five)
    columns = "first second verdict difference low high p p_adjusted bootstrap_low bootstrap_high "
    columns += "p_permutation p_permutation_adjusted p_mcnemar p_mcnemar_adjusted "
    columns += "p_equivalence_adjusted superiority superiority_low superiority_high more_seeds "
    columns += "seed_sd image_se minimum_detectable_effect minimum_detectable_effect_new_images "
    assert list(table) == f"{columns}seeds_needed seeds_needed_new_images".split()
    assert len(table) == 10
    for row, pair in zip(table.itertuples(), five.pairs, strict=True):
        one = pair.comparison
        assert (row.first, row.second) == (one.first, one.second)
        assert row.difference == pytest.approx(
            five.accuracy[one.first].mean() - five.accuracy[one.second].mean(), abs=1e-12
        )
        assert (row.low, row.high) == (one.difference.low, one.difference.high)
        assert (row.bootstrap_low, row.bootstrap_high) == (one.bootstrap.low, one.bootstrap.high)
        assert (row.p, row.p_adjusted) == (one.difference.p_value, one.p_adjusted)
        for name in ("p_permutation", "p_permutation_adjusted", "p_mcnemar", "p_mcnemar_adjusted"):
            assert getattr(row, name) == getattr(one, name)
        assert row.minimum_detectable_effect == pair.minimum_detectable_effect


@pytest.mark.parametrize("needed", [(34, None), (None, None), (2, 3)])
def test_counts_of_seeds_are_written_as_integers_and_missing_ones_as_nothing(short, needed):
    here, anywhere = needed
    [pair] = short.pairs
    changed = replace(pair, seeds_needed=here, seeds_needed_new_images=anywhere)
    text = export.pairs_table(replace(short, pairs=(changed,))).to_csv(index=False)
    written = pd.read_csv(StringIO(text), dtype=str, keep_default_na=False).iloc[0]
    assert written["seeds_needed"] == ("" if here is None else str(here))
    assert written["seeds_needed_new_images"] == ("" if anywhere is None else str(anywhere))


def test_another_factor_names_its_column_and_its_values(short_runs, short):
    key = "optimizer.learning_rate"
    found = replace(short, factor=factor.of(key, [1.0]), because="So it is.")
    assert next(iter(export.runs_table(short_runs, found))) == key
    data = json.loads(export.as_json(short_runs, found, Brought([], None, {"ReLU": 7, "Swish": 9})))
    assert (data["factor"], data["compare"], data["smallest_effect"]) == (key, "all", 0.0002)
    assert data["because"] == "So it is."
    assert [data["levels"][name]["parameters"] for name in ("ReLU", "Swish")] == [7, 9]
    assert data["levels"]["ReLU"]["value"] == "relu"
    assert "beta" not in data["levels"]["ReLU"]

import json
from dataclasses import replace
from io import StringIO

import numpy as np
import pandas as pd
import pytest

from src.analysis.run_set import NAMES
from src.config import factor
from src.reporting import export
from src.reporting.evidence import Evidence
from tests.support.drawn_figures import profile
from tests.support.simulated_runs import pair


def refuse(word):
    raise AssertionError(f"{word} is not JSON")


def as_json(runs, found):
    text = export.as_json(Evidence(runs, found.reference, profile(found)), found)
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
    for one, found in zip(data["pairs"], five.pairs, strict=True):
        assert one["significant"] == found.comparison.significant
        assert one["comparison"]["first"] in one["sentence"]
        assert one["verdict"] == found.verdict.value
        assert one["comparison"]["difference"]["p_value"] == found.comparison.difference.p_value
        assert one["by_seed"] == found.by_seed.tolist()
        assert one["seeds_needed"] == found.seeds_needed
    assert data["seed_effect"]["value"] == five.seed_effect.value
    assert data["failed"] == {}


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


def test_the_table_of_pairs_has_the_difference_its_interval_and_its_tests(five):
    table = export.pairs_table(five)
    columns = "first second verdict difference low high p p_equivalence p_permutation "
    columns += "p_permutation_adjusted p_mcnemar p_mcnemar_adjusted superiority superiority_low "
    columns += "superiority_high more_seeds_low more_seeds_high seed_sd image_se "
    assert list(table) == f"{columns}minimum_detectable_effect seeds_needed".split()
    assert len(table) == 10
    for row, found in zip(table.itertuples(), five.pairs, strict=True):
        one = found.comparison
        assert (row.first, row.second) == (one.first, one.second)
        assert row.difference == pytest.approx(
            five.accuracy[one.first].mean() - five.accuracy[one.second].mean(), abs=1e-12
        )
        assert (row.low, row.high) == (one.difference.low, one.difference.high)
        assert (row.p, row.p_equivalence) == (one.difference.p_value, one.p_equivalence)
        for name in ("p_permutation", "p_permutation_adjusted", "p_mcnemar", "p_mcnemar_adjusted"):
            assert getattr(row, name) == getattr(one, name)
        assert row.minimum_detectable_effect == found.minimum_detectable_effect


@pytest.mark.parametrize(
    ("needed", "more", "expected"), [(34, None, "34,,"), (None, None, ",,"), (2, (3, 9), "2,3,9")]
)
def test_counts_of_seeds_are_written_as_integers_and_missing_ones_as_nothing(
    short, needed, more, expected
):
    [found] = short.pairs
    changed = replace(found, seeds_needed=needed, more_seeds=more)
    text = export.pairs_table(replace(short, pairs=(changed,))).to_csv(index=False)
    written = pd.read_csv(StringIO(text), dtype=str, keep_default_na=False).iloc[0]
    counts = ["seeds_needed", "more_seeds_low", "more_seeds_high"]
    assert ",".join(written[counts]) == expected


def test_another_factor_names_its_column_and_its_values(short_runs, short):
    key = "optimizer.learning_rate"
    pairs = (pair(), pair(pp=0.05, p=0.01))
    found = replace(short, factor=factor.of(key, [1.0]), pairs=pairs, because="So it is.")
    assert next(iter(export.runs_table(short_runs, found))) == key
    sizes = {"ReLU": 7, "Swish": 9}
    data = json.loads(export.as_json(Evidence(short_runs, "ReLU", parameters=sizes), found))
    assert (data["factor"], data["compare"], data["smallest_effect"]) == (key, "all", 0.0002)
    assert data["because"] == "So it is."
    assert [data["levels"][name]["parameters"] for name in ("ReLU", "Swish")] == [7, 9]
    assert data["levels"]["ReLU"]["value"] == "relu"
    assert "beta" not in data["levels"]["ReLU"]
    assert [one["significant"] for one in data["pairs"]] == [False, True]

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from src.analysis import diagnostics, findings, planning, statistics, verdicts
from src.analysis.verdicts import Verdict
from src.core import metric_names
from src.core.errors import InputError
from src.tracking import run_tags
from tests.support.simulated_runs import comparable, with_trainings


def wrong_images(one):
    """Return the positions of the images that a run misclassifies."""
    pairs = zip(one.labels, one.predicted, strict=True)
    return {place for place, (label, digit) in enumerate(pairs) if label != digit}


def test_the_reference_comes_first_and_every_other_is_compared_with_it_first(five_runs):
    found = findings.compute(comparable(("relu", "gelu", "swish"), (1, 2), images=60), "GELU")
    assert found.levels == ["GELU", "ReLU", "Swish"]
    assert [pair.name for pair in found.pairs] == ["ReLU − GELU", "Swish − GELU", "ReLU − Swish"]
    assert list(found.times.estimates) == ["ReLU", "Swish"]


def test_accuracies_are_the_shares_of_right_images(five_runs, five):
    assert (five.seeds, five.images) == ((1, 2, 3, 4), 1000)
    for name, ones in five_runs.trainings.items():
        shares = [1 - len(wrong_images(one)) / 1000 for one in ones]
        assert five.accuracy[name] == pytest.approx(shares)
        assert five.means[name].value == pytest.approx(sum(shares) / 4)
        low, high = stats.ttest_1samp(shares, 0).confidence_interval()  # on these images
        assert five.means[name].low < low < high < five.means[name].high
        assert five.means[name] == statistics.mean(five_runs.correct[name])


def test_a_pair_is_what_the_first_adds_to_the_second(five):
    assert len(five.pairs) == 10
    assert [pair.comparison.second for pair in five.pairs[:4]] == ["ReLU"] * 4
    for pair in five.pairs:
        one = pair.comparison
        differences = five.accuracy[one.first] - five.accuracy[one.second]
        assert pair.by_seed == pytest.approx(differences)
        assert one.difference.value == pytest.approx(differences.mean(), abs=1e-12)
        assert one.difference.low <= one.difference.value <= one.difference.high


def test_every_pair_has_its_verdict_its_power_and_if_undecided_its_remedy(five_runs, five):
    wider = findings.compute(replace(five_runs, smallest_effect=0.02), "ReLU")
    assert {pair.verdict for pair in wider.pairs} == {Verdict.UNDECIDED, Verdict.EQUIVALENT}
    for pair in (*five.pairs, *wider.pairs):
        one = pair.comparison
        assert pair.minimum_detectable_effect == one.spread.detectable_effect(4)
        assert pair.seeds_needed == one.spread.seeds_needed(one.smallest_effect)
        assert pair.verdict is verdicts.verdict(one)
        if pair.verdict is Verdict.UNDECIDED:
            more = planning.more_seeds(one.spread, one.difference.value, 4, one.smallest_effect)
            assert pair.more_seeds == more
            assert (pair.images_needed is None) == (more is not None)
        else:
            assert (pair.more_seeds, pair.images_needed) == (None, None)
        accuracies = (five.accuracy[pair.comparison.first], five.accuracy[pair.comparison.second])
        assert pair.superiority == statistics.superiority(*accuracies)


def test_the_plan_of_the_study_decides_what_is_judged_and_how():
    runs = comparable(("relu", "gelu", "swish"), (1, 2), images=60)
    plan = {"compare": "reference", "smallest_effect": 0.2, "looks": (2, 4)}
    found = findings.compute(replace(runs, **plan), "GELU")
    assert [pair.name for pair in found.pairs] == ["ReLU − GELU", "Swish − GELU"]
    for pair in found.pairs:
        assert pair.comparison.pairs == 2
        assert pair.comparison.smallest_effect == found.smallest_effect == 0.2
        assert pair.comparison.looks == found.looks == (2, 4)
        assert pair.seeds_needed == pair.comparison.spread.seeds_needed(0.2)


def test_a_level_with_a_run_that_failed_to_learn_is_not_judged(five_runs, five):
    def stuck(*failures):
        def change(one, name):
            return {"predicted": 0 * one.labels} if (name, one.seed) in failures else {}

        return with_trainings(five_runs, change)

    found = findings.compute(stuck(("GELU", 3)), "ReLU")
    assert found.failed == {"GELU": (3,)}
    assert found.levels == five.levels
    assert "GELU" not in {name for pair in found.pairs for name in pair.name.split(" − ")}
    assert [pair.comparison.pairs for pair in found.pairs] == [6] * 6
    learned = {name: rows for name, rows in five_runs.correct.items() if name != "GELU"}
    assert found.seed_effect == diagnostics.seed_effect(learned)
    alone = replace(stuck(("ReLU", 1), ("ReLU", 2)), compare="reference")
    with pytest.raises(InputError, match=r"runs failed to learn: ReLU with seeds 1 and 2\."):
        findings.compute(alone, "ReLU")


def test_where_each_seed_has_images_of_its_own_runs_are_judged_by_their_accuracies(five_runs):
    found = findings.compute(replace(five_runs, images_by_seed=True), "ReLU")
    assert found.intervals == "for new draws of the data"
    assert found.seed_effect is None
    assert {pair.comparison.difference.image_se for pair in found.pairs} == {0}
    assert found.means["ReLU"] == statistics.mean_over_seeds(found.accuracy["ReLU"])


def test_times_leave_out_the_first_epoch(five_runs, five):
    medians = {
        name: [one.history[metric_names.EPOCH_SECONDS][1:].median() for one in ones]
        for name, ones in five_runs.trainings.items()
    }
    assert list(five.times.seconds) == five.levels
    assert list(five.times.ratios) == list(five.times.estimates) == five.levels[1:]
    for name in five.levels:
        assert five.times.seconds[name] == pytest.approx(medians[name])
    for name in five.levels[1:]:
        ratios = np.divide(medians[name], medians["ReLU"])
        assert five.times.ratios[name] == pytest.approx(ratios)
        found = five.times.estimates[name]
        low, high = stats.ttest_1samp(np.log(ratios), 0).confidence_interval()
        assert found.value == pytest.approx(stats.gmean(ratios))
        assert (found.low, found.high) == pytest.approx((np.exp(low), np.exp(high)))


def test_times_are_compared_within_a_processor(five_runs, five):
    xeons = {("Swish", 2), ("GELU", 1), ("GELU", 2), ("GELU", 3)}

    def processor(one, name):
        own = {run_tags.PROCESSOR: "Xeon" if (name, one.seed) in xeons else "Zen 5"}
        return {"tags": one.tags if name == "Hard Swish" else {**one.tags, **own}}

    times = findings.compute(with_trainings(five_runs, processor), "ReLU").times
    assert times.apart == {"Swish": 1, "GELU": 3}
    assert "GELU" not in times.ratios
    assert "GELU" not in times.estimates
    np.testing.assert_array_equal(times.ratios["Swish"], five.times.ratios["Swish"][[0, 2, 3]])
    assert times.estimates["Swish"].value == pytest.approx(stats.gmean(times.ratios["Swish"]))
    assert times.estimates["Hard Swish"] == five.times.estimates["Hard Swish"]  # unknown ones count


def test_of_runs_with_a_single_epoch_no_time_is_told(short):
    assert short.times is None
    assert short.error_rates["Swish"].shape == (2, 1)


def test_error_rates_and_epochs_to_99_percent_follow_the_validation_accuracy(five_runs, five):
    for name, ones in five_runs.trainings.items():
        rates = [[1 - share for share in one.history[metric_names.VAL_ACCURACY]] for one in ones]
        assert five.error_rates[name] == pytest.approx(np.array(rates))
        assert five.last_errors[name] == pytest.approx(np.median([row[-1] for row in rates]))
        expected = []
        for one in ones:
            shares = enumerate(one.history[metric_names.VAL_ACCURACY], 1)
            expected.append(next((epoch for epoch, share in shares if share >= 0.99), np.nan))
        assert five.epochs_to_goal[name] == pytest.approx(np.array(expected), nan_ok=True)
        assert 1 < np.nanmin(expected) <= 6


def test_the_calibration_error_is_that_of_each_seed_averaged(five_runs, five):
    for name in five.levels:
        probabilities = np.stack([one.probabilities for one in five_runs.trainings[name]])
        each = [diagnostics.reliability(one, five_runs.labels) for one in probabilities]
        found = five.calibration[name]
        expected = np.mean([one.expected_calibration_error for one in each])
        assert found.error.value == pytest.approx(expected)
        assert found.reliability.count.sum() == 4000
        assert found.accuracy == pytest.approx(five.means[name].value)
        assert found.confidence == pytest.approx(probabilities.max(axis=2).mean(), rel=1e-5)


def test_errors_are_compared_between_levels_in_their_order(five_runs, five):
    correct = {name: five_runs.correct[name] for name in five.levels}
    np.testing.assert_array_equal(five.overlap, diagnostics.error_overlap(correct))
    unique = diagnostics.uniquely_misclassified(correct)
    for name, places in unique.items():
        assert five.uniquely_misclassified[name].tolist() == places.tolist()
    assert sum(map(len, unique.values())) > 3


def test_the_most_common_error_on_such_an_image_is_that_of_most_wrong_seeds(five_runs, five):
    for name, places in five.uniquely_misclassified.items():
        for place, digit in zip(places, five.most_common_error[name], strict=True):
            readings = [one.predicted[place] for one in five_runs.trainings[name]]
            wrong = Counter(each for each in readings if each != five_runs.labels[place])
            assert wrong[digit] == max(wrong.values())
            assert five.wrong_seeds[name][place] == wrong.total()

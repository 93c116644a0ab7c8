from dataclasses import replace

import numpy as np
import pytest

from src.analysis import findings
from src.analysis.statistics import Estimate
from src.reporting import factor_exhibits
from src.reporting.evidence import Evidence
from tests.support.drawn_figures import labelled, panels_of
from tests.support.simulated_runs import levels_of, with_trainings

RATES = {"0.001": 0.2, "0.003": 0.0, "0.006": -0.3, "0.012": -0.2}
COUNTS = {"compact": 230_000, "mlp": 535_818, "lenet5": 61_706}
SIZES = {"wide": {"parameters": "230000"}, "small": {"parameters": "60000"}}


@pytest.mark.parametrize(
    ("models", "drawn"), [(["compact", "lenet5"], True), (["compact", "compact"], False)]
)
def test_variants_of_different_models_are_drawn_against_their_cost(models, drawn):
    shifts = {"wide": -0.4, "small": 0}
    runs = levels_of("variant", shifts, (1, 2), images=100, epochs=2, tags=SIZES)
    words = dict(zip(SIZES, models, strict=True))
    runs = with_trainings(runs, lambda one, name: {"params": one.params | {"model": words[name]}})
    evidence = Evidence(runs, "wide", parameters={"wide": 230_000, "small": 60_000})
    exhibits = factor_exhibits.of(evidence, findings.compute(runs, "wide"))
    assert ("pareto" in [one.name for one in exhibits]) is drawn
    assert factor_exhibits.has_models(runs) is drawn


def test_each_ensemble_is_a_line_from_one_seed_to_all_and_the_best_is_reported(five_runs, five):
    exhibit = factor_exhibits.ensembles(five_runs, five)
    [axes] = panels_of(exhibit.draw)
    lines = labelled(axes)
    assert list(lines) == five.levels
    means = {}
    for name, line in lines.items():
        means[name] = five_runs.ensembles[name].mean
        assert line.get_xdata().tolist() == [1, 2, 3, 4]
        assert line.get_ydata() == pytest.approx(100 * means[name])
        assert line.get_ydata()[0] == pytest.approx(100 * five.means[name].value)
    best = max(means, key=lambda name: means[name][-1])
    assert exhibit.caption.finding.startswith(
        f"All 4 seeds of {best} together attain {100 * means[best][-1]:.2f}%, the most of any "
        f"activation; one alone, {100 * means[best][0]:.2f}% on average."
    )
    assert "all subsets of each size" in exhibit.caption.reading


@pytest.fixture(scope="module")
def rates():
    key = "optimizer.learning_rate"
    return levels_of(key, RATES, (1, 2, 3), images=200, epochs=3, reference="0.006")


@pytest.fixture(scope="module")
def of_rates(rates):
    return findings.compute(rates, "0.006")


def test_every_seed_is_a_line_through_all_values_on_a_logarithmic_axis(rates, of_rates):
    exhibit = factor_exhibits.by_value(rates, of_rates)
    [axes] = panels_of(exhibit.draw)
    assert exhibit.name == "values"
    assert axes.get_xscale() == "log"
    assert axes.get_xlabel() == "Learning rate"
    assert [label.get_text() for label in axes.get_xticklabels()] == list(RATES)
    lines = [line.get_ydata() for line in axes.lines if len(line.get_xdata()) == 4]
    assert np.array(lines[:3]) == pytest.approx(100 * np.array(list(of_rates.accuracy.values())).T)
    assert lines[3] == pytest.approx([100 * of_rates.means[name].value for name in RATES])


@pytest.mark.parametrize(
    ("best", "said"),
    [
        ("0.001", "That is the lowest learning rate tried: a lower one may be better still."),
        ("0.006", "Both a lower and a higher learning rate were tried."),
        ("0.012", "That is the highest learning rate tried: a higher one may be better still."),
    ],
)
def test_a_best_value_at_the_end_of_the_range_is_reported(rates, of_rates, best, said):
    means = {name: Estimate(0.9 + 0.05 * (name == best), 0.89, 0.96) for name in RATES}
    exhibit = factor_exhibits.by_value(rates, replace(of_rates, means=means))
    assert exhibit.caption.finding == (
        f"The mean accuracy is highest at learning rate {best}: 95.00% (95% CI 89.00 to 96.00). "
        f"{said}"
    )


@pytest.fixture(scope="module")
def models():
    tags = {name: {"parameters": str(number)} for name, number in COUNTS.items()}
    shifts = {"compact": -0.4, "mlp": 0.3, "lenet5": 0.0}
    return levels_of("model", shifts, (1, 2), images=200, epochs=3, tags=tags)


@pytest.fixture(scope="module")
def of_models(models):
    accuracy = {"compact": 0.99, "mlp": 0.97, "lenet5": 0.98}
    means = {name: Estimate(value, value, value) for name, value in accuracy.items()}
    return replace(findings.compute(models, "compact"), means=means)


@pytest.mark.parametrize(
    ("costs", "accuracy", "front"),
    [
        ({"a": 4, "b": 9, "c": 1}, {"a": 0.99, "b": 0.97, "c": 0.98}, ["c", "a"]),
        ({"a": 1, "b": 1}, {"a": 0.9, "b": 0.95}, ["b"]),
        ({"a": 1, "b": 2}, {"a": 0.9, "b": 0.9}, ["a"]),
    ],
)
def test_the_front_holds_what_no_cheaper_one_beats(costs, accuracy, front):
    assert factor_exhibits.front(costs, accuracy) == front


def test_accuracy_is_drawn_against_time_and_parameters_with_the_front(of_models):
    [exhibit] = factor_exhibits.by_cost(of_models, COUNTS)
    time, size = panels_of(exhibit.draw)
    assert [time.get_xlabel(), size.get_xlabel()] == ["Seconds per epoch", "Parameters"]
    front = size.lines[0]
    assert list(front.get_xdata()) == [61_706, 230_000]
    assert front.get_ydata() == pytest.approx([98, 99])
    bold = [text.get_text() for text in size.texts if text.get_fontweight() == "bold"]
    assert sorted(bold) == ["compact", "lenet5"]
    assert "By parameters, the Pareto front is lenet5 and compact; mlp is beaten by a cheaper" in (
        exhibit.caption.finding
    )


def test_without_times_and_parameters_there_is_nothing_to_draw(of_models):
    assert factor_exhibits.by_cost(replace(of_models, times=None), {}) == []
    [exhibit] = factor_exhibits.by_cost(of_models, {})
    assert "parameters" not in exhibit.caption.finding

from dataclasses import replace

import keras
import numpy as np
import pytest
from matplotlib import rc_context

from src.analysis import findings
from src.analysis.statistics import Estimate
from src.evaluation import style
from src.reporting import factor_exhibits
from tests.support.simulated_runs import levels_of, with_trainings

RATES = {"0.001": 0.2, "0.003": 0.0, "0.006": -0.3, "0.012": -0.2}
SMALL = {"seeds": (1, 2, 3), "images": 200, "epochs": 3}
COUNTS = {"compact": 230_000, "mlp": 535_818, "lenet5": 61_706}
ACCURACY = {"compact": 0.99, "mlp": 0.97, "lenet5": 0.98}


SIZES = {"wide": {"parameters": "230000"}, "small": {"parameters": "60000"}}


@pytest.mark.parametrize(
    ("models", "drawn"), [(["compact", "lenet5"], True), (["compact", "compact"], False)]
)
def test_variants_of_different_models_are_drawn_against_their_cost(models, drawn):
    runs = levels_of(
        "variant", {"wide": -0.4, "small": 0}, (1, 2), images=100, epochs=2, tags=SIZES
    )
    words = dict(zip(SIZES, models, strict=True))
    runs = with_trainings(runs, lambda one, name: {"params": one.params | {"model": words[name]}})
    brought = factor_exhibits.of(None, runs, findings.compute(runs, "wide"))
    assert ("pareto" in [one.name for one in brought.exhibits]) is drawn


# Numeric factors


@pytest.fixture(scope="module")
def rates():
    return levels_of("optimizer.learning_rate", RATES, reference="0.006", **SMALL)


@pytest.fixture(scope="module")
def of_rates(rates):
    return findings.compute(rates, "0.006")


def test_every_seed_is_a_line_through_all_values_on_a_logarithmic_axis(rates, of_rates):
    exhibit = factor_exhibits.by_value(rates, of_rates)
    with rc_context(style.STYLE):
        [axes] = exhibit.draw().axes
    assert exhibit.name == "values"
    assert axes.get_xscale() == "log"
    assert axes.get_xlabel() == "Learning rate"
    assert [label.get_text() for label in axes.get_xticklabels()] == list(RATES)
    lines = [line for line in axes.lines if len(line.get_xdata()) == 4]
    drawn = np.array([line.get_ydata() for line in lines[:3]])
    assert drawn == pytest.approx(100 * np.array(list(of_rates.accuracy.values())).T)
    means = [100 * of_rates.means[name].value for name in RATES]
    assert lines[3].get_ydata() == pytest.approx(means)


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


# Models


@pytest.fixture(scope="module")
def models():
    tags = {name: {"parameters": str(number)} for name, number in COUNTS.items()}
    shifts = {"compact": -0.4, "mlp": 0.3, "lenet5": 0.0}
    return levels_of("model", shifts, (1, 2), images=200, epochs=3, tags=tags)


@pytest.fixture(scope="module")
def of_models(models):
    means = {name: Estimate(value, value, value) for name, value in ACCURACY.items()}
    return replace(findings.compute(models, "compact"), means=means)


def test_the_front_holds_what_no_cheaper_one_beats():
    assert factor_exhibits.front(COUNTS, ACCURACY) == ["lenet5", "compact"]
    assert factor_exhibits.front({"a": 1, "b": 1}, {"a": 0.9, "b": 0.95}) == ["b"]
    assert factor_exhibits.front({"a": 1, "b": 2}, {"a": 0.9, "b": 0.9}) == ["a"]


def test_parameters_are_those_that_the_runs_state(models):
    assert factor_exhibits.parameters(None, models) == COUNTS


class Store:
    """A client of MLflow with one logged model in a folder."""

    def __init__(self, folder):
        self.folder = folder

    def get_run(self, run_id):
        return type("Run", (), {"info": type("Info", (), {"experiment_id": "1"})})

    def search_logged_models(self, experiments, words):
        model = type("Logged", (), {"artifact_location": self.folder.as_uri()})
        return [model] if self.folder.exists() else []


@pytest.mark.parametrize("kept", [True, False])
def test_else_parameters_are_counted_in_a_logged_model(models, tmp_path, kept):
    unstated = with_trainings(models, lambda one, _: {"tags": {}})
    folder = tmp_path / "model"
    if kept:
        (folder / "data").mkdir(parents=True)
        layers = [keras.Input((3,)), keras.layers.Dense(2)]
        keras.Sequential(layers).save(folder / "data" / "model.keras")
    counted = dict.fromkeys(COUNTS, 8) if kept else {}
    assert factor_exhibits.parameters(Store(folder), unstated) == counted


def test_accuracy_is_drawn_against_time_and_parameters_with_the_front(of_models):
    [exhibit] = factor_exhibits.by_cost(of_models, COUNTS)
    with rc_context(style.STYLE):
        time, size = exhibit.draw().axes
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

from dataclasses import replace

import numpy as np
import pytest
from matplotlib import rc_context

from src.analysis import findings
from src.analysis.statistics import Estimate
from src.evaluation import style
from src.reporting import number_exhibits
from tests.support.simulated_runs import levels_of

RATES = {"0.001": 0.2, "0.003": 0.0, "0.006": -0.3, "0.012": -0.2}
SMALL = {"seeds": (1, 2, 3), "images": 200, "epochs": 3}


@pytest.fixture(scope="module")
def runs():
    return levels_of("optimizer.learning_rate", RATES, reference="0.006", **SMALL)


@pytest.fixture(scope="module")
def found(runs):
    return findings.compute(runs, "0.006")


def test_every_seed_is_a_line_through_all_values_on_a_logarithmic_axis(runs, found):
    [exhibit] = number_exhibits.of(runs, found)
    with rc_context(style.STYLE):
        [axes] = exhibit.draw().axes
    assert exhibit.name == "values"
    assert axes.get_xscale() == "log"
    assert axes.get_xlabel() == "Learning rate"
    assert [label.get_text() for label in axes.get_xticklabels()] == list(RATES)
    lines = [line for line in axes.lines if len(line.get_xdata()) == 4]
    drawn = np.array([line.get_ydata() for line in lines[:3]])
    assert drawn == pytest.approx(100 * np.array(list(found.accuracy.values())).T)
    means = [100 * found.means[name].value for name in RATES]
    assert lines[3].get_ydata() == pytest.approx(means)


def test_levels_within_a_decade_are_drawn_on_a_linear_axis():
    runs = levels_of("epochs", {"4": 0.0, "8": -0.1}, **SMALL)
    with rc_context(style.STYLE):
        [axes] = number_exhibits.of(runs, findings.compute(runs, "4"))[0].draw().axes
    assert axes.get_xscale() == "linear"


@pytest.mark.parametrize(
    ("best", "said"),
    [
        ("0.001", "That is the lowest learning rate tried: a lower one may be better still."),
        ("0.006", "Both a lower and a higher learning rate were tried."),
        ("0.012", "That is the highest learning rate tried: a higher one may be better still."),
    ],
)
def test_a_best_value_at_the_end_of_the_range_is_told(runs, found, best, said):
    means = {name: Estimate(0.9 + 0.05 * (name == best), 0.89, 0.96) for name in RATES}
    [exhibit] = number_exhibits.of(runs, replace(found, means=means))
    assert exhibit.caption.finding == (
        f"The mean accuracy is highest at learning rate {best}: 95.00% (95% CI 89.00 to 96.00). "
        f"{said}"
    )

import pytest
from matplotlib import rc_context

from src.analysis import ensemble
from src.evaluation import style
from src.reporting import ensemble_exhibits
from tests.support.drawn_figures import labelled


@pytest.fixture(scope="module")
def exhibit(five_runs, five):
    [exhibit] = ensemble_exhibits.of(five_runs, five)
    return exhibit


def test_each_level_is_a_line_from_one_seed_to_all(exhibit, five_runs, five):
    with rc_context(style.STYLE):
        [axes] = exhibit.draw().axes
    lines = labelled(axes)
    assert list(lines) == five.levels
    for name, line in lines.items():
        curve = ensemble.curve(five_runs.probabilities(name), five_runs.labels)
        assert line.get_xdata().tolist() == [1, 2, 3, 4]
        assert line.get_ydata() == pytest.approx(100 * curve.mean)
        assert line.get_ydata()[0] == pytest.approx(100 * five.means[name].value)


def test_the_best_ensemble_is_reported_beside_its_members_alone(exhibit, five_runs, five):
    curves = {
        name: ensemble.curve(five_runs.probabilities(name), five_runs.labels)
        for name in five.levels
    }
    best = max(curves, key=lambda name: curves[name].mean[-1])
    assert exhibit.caption.finding.startswith(
        f"All 4 seeds of {best} together attain {100 * curves[best].mean[-1]:.2f}%, the most of "
        f"any activation; one alone, {100 * curves[best].mean[0]:.2f}% on average."
    )
    assert "all subsets of each size" in exhibit.caption.reading

import numpy as np
import pytest

from src.experiments.trials import State, Trial
from src.reporting import search_report
from tests.experiments.test_sampling import drawn_trials, search
from tests.support.drawn_figures import check_layout


@pytest.fixture(scope="module")
def found():
    """Trials of every state."""
    trials = drawn_trials(search(sampler="random"), 12)
    pruned = Trial(12, trials[0].params, State.PRUNED, 0.3, {1: 0.3}, 1.0)
    return [*trials, pruned, Trial(13, trials[1].params, State.FAILED)]


def test_every_figure_is_legible(found):
    drawn = search_report.draw(search(), found)
    assert list(drawn) == ["history.png", "importances.png", "slices.png"]
    for figure in drawn.values():
        figure.draw_without_rendering()
        check_layout(figure)


@pytest.mark.parametrize("values", [(0.5,), (0.5, 0.5), (1.0, 0.9), (0.1, 0.999, 0.9991)])
def test_few_equal_perfect_far_apart_and_failed_trials_can_be_drawn(values):
    params = {"rate": 0.1, "units": None, "size": 3, "drop": 0.1}
    some = [Trial(n, params, State.COMPLETE, value, {1: value}) for n, value in enumerate(values)]
    for figure in search_report.draw(search(), some).values():
        figure.draw_without_rendering()
    search_report.history([Trial(0, {}, State.FAILED)]).draw_without_rendering()


def test_the_history_shows_each_trial_and_the_lowest_error_so_far(found):
    axes = search_report.history(found).axes[0]
    lines = {line.get_label(): line.get_xydata() for line in axes.lines}
    assert len(lines["trained to the end"]) == 12
    assert lines["pruned"].tolist() == [[12, pytest.approx(70)]]
    best = lines["best so far"][:, 1]
    assert np.all(np.diff(best) <= 0)


def test_every_key_has_a_panel_with_its_scale_and_the_best_trial(found):
    figure = search_report.slices(search(), found)
    scales = {axes.get_xlabel(): axes.get_xscale() for axes in figure.axes}
    assert scales == {"rate": "log", "units": "linear", "size": "linear", "drop": "linear"}
    best = max(found[:12], key=lambda trial: trial.value)
    rate, units, *_ = figure.axes
    assert rate.get_yscale() == "log"
    assert [text.get_text() for text in units.get_xticklabels()] == ["[8]", "[16]", "null"]
    [marked] = [line.get_xydata() for line in rate.lines if line.get_label() == "best"]
    assert marked.tolist() == [[best.params["rate"], pytest.approx(100 * (1 - best.value))]]


def test_the_list_of_the_trials_has_a_row_for_each(found, tmp_path):
    search_report.write_trials(search(), found, tmp_path / "trials.csv")
    head, first, *rows = (tmp_path / "trials.csv").read_text().splitlines()
    assert head == "trial,state,rate,units,size,drop,best_val_accuracy,epochs,train_seconds"
    assert first.startswith("0,complete,")
    assert len(rows) == 13
    assert rows[-1].startswith("13,failed,")
    assert rows[-1].endswith(",,0,")

import pytest

from src.analysis import findings
from src.analysis.statistics import Estimate
from src.experiments.trials import State, Trial
from src.reporting import tuning_exhibits
from src.reporting.tuning_exhibits import Tuned, Tuning
from tests.support.drawn_figures import check_layout, labelled, panels_of, rows
from tests.support.simulated_runs import comparable, trials

RATE, SCHEDULE = "optimizer.learning_rate", "schedule"


@pytest.fixture(scope="module")
def runs():
    return comparable(("relu", "swish"), (1, 2, 3), images=300, epochs=2)


def drawn(exhibit):
    panels = panels_of(exhibit.draw)
    panels[0].figure.draw_without_rendering()
    check_layout(panels[0].figure)
    return panels


def of(runs, sampler="tpe", **untuned):
    of_trials = {"ReLU": trials(0.98), "Swish": trials(0.981)}
    tuned = {name: [Tuned(some, 2, sampler)] for name, some in of_trials.items()}
    return tuning_exhibits.of(Tuning(tuned, **untuned), findings.compute(runs, "ReLU"))


def test_the_search_says_what_tuning_was_worth_where_there_is_no_untuned_study(runs):
    gain, curves, winners = of(runs)
    assert [gain.name, curves.name, winners.name] == ["tuning_gain", "tuning_curves", "winners"]
    assert gain.caption.finding == (
        "In validation, the best trial is above the median one by 2.000 pp for ReLU and 2.100 pp "
        "for Swish."
    )
    assert rows(drawn(gain)[0]) == ["ReLU", "Swish"]


def test_a_sampler_that_learns_has_no_band_and_random_search_has(runs):
    [axes] = drawn(of(runs)[1])
    assert labelled(axes)["ReLU"].get_ydata() == pytest.approx([95, 96, 98, 98, 98, 98])
    assert not axes.collections
    curves = of(runs, "random")[1]
    assert len(drawn(curves)[0].collections) == 2
    assert "median best of so many random trials" in curves.caption.reading


def test_winners_stand_among_all_trials_by_key(runs):
    [_, _, winners] = of(runs)
    rate, schedule = drawn(winners)
    assert (rate.get_xlabel(), schedule.get_xlabel()) == (RATE, SCHEDULE)
    assert rate.get_xscale() == "log"
    assert [line.get_xdata()[0] for line in rate.lines] == [0.01, 0.01]
    assert [label.get_text() for label in schedule.get_xticklabels()] == ["one_cycle", "constant"]
    assert "ReLU: learning rate 0.01, schedule one_cycle; Swish:" in winners.caption.finding


def test_values_of_which_some_are_words_and_some_numbers_all_stand_as_words(runs):
    some = [Trial(n, {"rate": rate}, State.COMPLETE, 0.9) for n, rate in enumerate((0.1, None))]
    tuned = {"ReLU": [Tuned(some, 1, "random")]}
    [axes] = tuning_exhibits.winners_figure(findings.compute(runs, "ReLU"), tuned).axes
    assert [label.get_text() for label in axes.get_xticklabels()] == ["0.1", "null"]
    assert axes.lines[0].get_xdata()[0] == 1


def test_of_searches_of_each_seed_all_winners_stand_among_all_trials(runs):
    searches = {
        name: [Tuned(trials(best), number, "tpe") for number in (2, 3, 3)]
        for name, best in (("ReLU", 0.98), ("Swish", 0.981))
    }
    repeated = Tuning(searches, is_repeated=True)  # neither a gain nor tuning curves of several
    [winners] = tuning_exhibits.of(repeated, findings.compute(runs, "ReLU"))
    assert winners.name == "winners"
    rate, _ = drawn(winners)
    assert [line.get_xdata().tolist() for line in rate.lines] == 2 * [[0.01, 0.03, 0.03]]
    assert len(rate.collections[0].get_offsets()) == 3 * 6
    said = winners.caption
    assert "ReLU: learning rate 0.01 to 0.03, schedule one_cycle and constant; " in said.finding
    assert "the large markers those of 3 searches" in said.reading


def test_the_gain_over_an_untuned_study_says_what_tuning_was_worth(runs):
    gains = {"ReLU": Estimate(0.0, -0.01, 0.01), "Swish": Estimate(0.0003, 0.0001, 0.0005)}
    gain = of(runs, untuned="default", gains=gains)[0]
    assert gain.caption.finding.startswith("Tuning was worth 0.000 pp to ReLU (")
    assert "in the untuned study default" in gain.caption.reading
    assert rows(drawn(gain)[0]) == ["ReLU", "Swish"]

from dataclasses import replace

import keras
import pytest
from matplotlib import rc_context

from src.analysis import findings
from src.analysis.statistics import Estimate
from src.evaluation import style
from src.reporting import cost_exhibits
from tests.support.simulated_runs import levels_of

COUNTS = {"compact": 230_000, "mlp": 535_818, "lenet5": 61_706}
ACCURACY = {"compact": 0.99, "mlp": 0.97, "lenet5": 0.98}


@pytest.fixture(scope="module")
def runs():
    tags = {name: {"parameters": str(number)} for name, number in COUNTS.items()}
    shifts = {"compact": -0.4, "mlp": 0.3, "lenet5": 0.0}
    return levels_of("model", shifts, (1, 2), images=200, epochs=3, tags=tags)


@pytest.fixture(scope="module")
def found(runs):
    means = {name: Estimate(value, value, value) for name, value in ACCURACY.items()}
    return replace(findings.compute(runs, "compact"), means=means)


def test_the_front_holds_what_no_cheaper_one_beats():
    assert cost_exhibits.front(COUNTS, ACCURACY) == ["lenet5", "compact"]
    assert cost_exhibits.front({"a": 1, "b": 1}, {"a": 0.9, "b": 0.95}) == ["b"]
    assert cost_exhibits.front({"a": 1, "b": 2}, {"a": 0.9, "b": 0.9}) == ["a"]


def test_the_runs_tell_their_models_parameters(runs):
    assert cost_exhibits.parameters(None, runs) == COUNTS


class Store:
    """What is asked of a client, with one logged model in a folder."""

    def __init__(self, folder):
        self.folder = folder

    def get_run(self, run_id):
        return type("Run", (), {"info": type("Info", (), {"experiment_id": "1"})})

    def search_logged_models(self, experiments, words):
        model = type("Logged", (), {"artifact_location": self.folder.as_uri()})
        return [model] if self.folder.exists() else []


@pytest.mark.parametrize("kept", [True, False])
def test_older_runs_models_are_counted_where_they_are(runs, tmp_path, kept):
    untold = replace(
        runs,
        trainings={
            name: tuple(replace(one, tags={}) for one in ones)
            for name, ones in runs.trainings.items()
        },
    )
    folder = tmp_path / "model"
    if kept:
        (folder / "data").mkdir(parents=True)
        layers = [keras.Input((3,)), keras.layers.Dense(2)]
        keras.Sequential(layers).save(folder / "data" / "model.keras")
    counted = dict.fromkeys(COUNTS, 8) if kept else {}
    assert cost_exhibits.parameters(Store(folder), untold) == counted


def test_accuracy_is_drawn_against_time_and_parameters_with_the_front(found):
    [exhibit] = cost_exhibits.of(found, COUNTS)
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


def test_without_times_and_parameters_there_is_nothing_to_draw(found):
    assert cost_exhibits.of(replace(found, times=None), {}) == []
    [exhibit] = cost_exhibits.of(found, {})
    assert "parameters" not in exhibit.caption.finding

import json
from dataclasses import replace
from types import SimpleNamespace
from unittest.mock import Mock

import keras
import numpy as np
import pytest

from src.analysis import findings
from src.core import paths
from src.data import mirrors
from src.reporting import comparison_figures, gather
from tests.support.simulated_runs import COUNTS, DIGEST, levels_of, trials, with_trainings

RATE = "optimizer.learning_rate"
SIZES = {"compact": 230_000, "mlp": 535_818, "lenet5": 61_706}


class Record:
    """As that of a search: of six trials, the third is the best."""

    def __init__(self, parent):
        self.best = 0.98 + 0.001 * int(parent.run_id)

    def trials(self):
        return trials(self.best)


def run(tags, run_id="1"):
    info = SimpleNamespace(experiment_id="0", run_id=run_id)
    return SimpleNamespace(data=SimpleNamespace(tags=tags), info=info)


CLIENT = SimpleNamespace(get_run=lambda run_id: run({"sampler": "tpe"}, run_id))


@pytest.fixture
def runs(monkeypatch):
    """A tuned study of two augmentations; the store has no untuned one."""
    monkeypatch.setattr(gather, "Record", Record)
    monkeypatch.setattr(gather.load_runs, "parents", lambda client: [])
    winners = {word: {"trial": 2, "parent_id": str(n)} for n, word in enumerate(("none", "affine"))}
    tags = {"study": "tuned", "tune": "own", "tuned": json.dumps(winners)}
    found = levels_of("augmentation", {"none": 0.0, "affine": -0.4}, (1, 2, 3), images=300)
    return replace(found, tags=tags)


def gathered(runs):
    return gather.gather(CLIENT, runs, findings.compute(runs, "none"))


def changed(runs, **params):
    """Return runs with other params."""
    return with_trainings(runs, lambda one, _: {"params": one.params | params})


def test_only_the_images_that_the_runs_were_scored_on_are_found(
    five_runs, sample, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    images = np.concatenate([sample[mirrors.TEST_IMAGES]] * 5)
    paths.PROCESSED.mkdir(parents=True)

    def found(digest, count):
        np.savez(paths.TEST, images=images[:count])
        paths.DATASET.write_text(json.dumps({"name": "mnist", "digest": digest, "counts": COUNTS}))
        return gather.held_out_images(five_runs)

    assert np.array_equal(found(DIGEST, 1000), images)
    assert found("ab" * 32, 1000) is None
    assert found(DIGEST, 999) is None
    paths.TEST.write_bytes(b"damaged")
    assert gather.held_out_images(five_runs) is None


def test_the_evidence_keeps_the_images_that_are_shown_and_the_machine(runs, monkeypatch):
    assert gathered(runs).images is None  # no data in this folder
    images = np.arange(300, dtype=np.uint8)[:, None, None] * np.ones((28, 28), np.uint8)
    monkeypatch.setattr(gather, "held_out_images", lambda runs: images)
    kept = gathered(runs)
    assert list(kept.images) == comparison_figures.images_shown(findings.compute(runs, "none"))
    assert all((image == place % 256).all() for place, image in kept.images.items())
    assert kept.images
    assert kept.reference == "none"
    assert kept.versions[0] == f"numpy {np.__version__}"
    assert "logical core" in kept.machine


def test_the_searches_of_a_tuned_study_are_read_by_level(runs):
    assert gathered(replace(runs, tags={"study": "plain"})).tuning is None
    tuning = gathered(runs).tuning
    assert list(tuning.searches) == ["none", "affine"]
    assert [one.best.value for [one] in tuning.searches.values()] == [0.98, 0.981]
    assert tuning.searches["none"][0].sampler == "tpe"
    assert (tuning.untuned, tuning.gains) == (None, {})


def test_an_untuned_study_of_the_same_recipe_is_found_with_what_tuning_gained(runs, monkeypatch):
    before = replace(changed(runs, **{RATE: "0.006"}), title="default", tags={"study": "default"})
    parents = [run({"study": "default"})]
    monkeypatch.setattr(gather.load_runs, "parents", lambda client: parents)
    monkeypatch.setattr(gather.load_runs, "load", lambda client, wanted: before)
    tuning = gathered(changed(runs, **{RATE: "0.01"})).tuning
    assert tuning.untuned == "default"
    assert [gain.value for gain in tuning.gains.values()] == [0, 0]
    other = changed(runs, **{RATE: "0.01", "epochs": "9"})
    assert gather.untuned(None, other, [RATE]) is None


def test_the_gain_is_over_the_seeds_that_both_have(runs):
    before = levels_of("augmentation", {"affine": 0.0, "none": 0.1}, (2, 3, 4), images=300)
    wrong = with_trainings(before, lambda one, _: {"predicted": (one.labels + 1) % 10})
    for name, gain in gather.gained(wrong, runs).items():
        assert gain.value == pytest.approx(runs.correct[name][1:].mean())


@pytest.fixture(scope="module")
def models():
    tags = {name: {"parameters": str(number)} for name, number in SIZES.items()}
    return levels_of("model", dict.fromkeys(SIZES, 0.0), (1, 2), images=200, epochs=3, tags=tags)


def test_parameters_are_those_that_the_runs_state(models):
    assert gather.parameters(None, models) == SIZES


@pytest.mark.parametrize("kept", [True, False])
def test_else_parameters_are_counted_in_a_logged_model(models, tmp_path, kept):
    unstated = with_trainings(models, lambda one, _: {"tags": {}})
    layers = [keras.Input((3,)), keras.layers.Dense(2)]
    keras.Sequential(layers).save(tmp_path / "model.keras")
    logged = [Mock(artifact_location=tmp_path.as_uri())] if kept else []
    client = Mock(search_logged_models=lambda *given: logged)
    counted = dict.fromkeys(SIZES, 8) if kept else {}
    assert gather.parameters(client, unstated) == counted

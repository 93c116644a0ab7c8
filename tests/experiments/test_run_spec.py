import pickle
import re

import pytest

from src.config import compose
from src.core import paths
from src.core.errors import InputError
from src.data import dataset
from src.experiments import run_spec
from src.tracking import fingerprint
from src.training import precision
from tests.support.recipes import DATA, TINY, spec

pytestmark = pytest.mark.usefixtures("project")


def test_a_run_has_the_digest_of_its_configuration_and_data():
    composed, _ = compose.composition("precision=float32", *TINY, "seed=3")
    assert spec(*TINY, "seed=3").digest == fingerprint.digest(fingerprint.settings(composed), DATA)


def test_a_run_with_another_seed_is_the_one_composed_with_it():
    base = spec(*TINY, level="AdamW")
    seeded = base.with_seed(3, DATA)
    assert (seeded.digest, seeded.cfg) == (spec(*TINY, "seed=3").digest, spec(*TINY, "seed=3").cfg)
    assert seeded.name == "AdamW-seed3"
    for key, vary in (("split_seed", ("seed", "split")), ("data_seed", ("seed", "data"))):
        drawn, composed = base.with_seed(3, DATA, vary), spec(*TINY, "seed=3", f"{key}=3")
        assert (drawn.digest, drawn.cfg) == (composed.digest, composed.cfg)
        assert drawn.data_digest == composed.data_digest != DATA.digest
        assert drawn.with_seed(3, DATA).digest == seeded.digest
    assert (base.cfg.seed, base.cfg.split_seed, base.cfg.data_seed) == (1, None, None)


def test_two_draws_of_the_validation_images_are_refused():
    with pytest.raises(InputError, match=r"split_seed=3 and data_seed=4 both draw .*delete split_"):
        spec("split_seed=3", "data_seed=4")


def test_precision_auto_is_that_of_this_machine(monkeypatch):
    monkeypatch.setattr(precision, "choose", lambda wanted: "mixed_bfloat16")
    run = spec("precision=auto")
    assert run.cfg.precision == run.settings["precision"] == "mixed_bfloat16"


def test_the_job_is_the_words_that_runs_of_other_seeds_share():
    for seed in ("seed=1", "seed=2"):
        job = spec("mlflow.parent_run_id=1", "model=mlp", seed).job
        assert job == "precision=float32 model=mlp"


def test_a_trial_is_another_training_than_a_whole_one_with_the_same_settings():
    digests = {spec(trial=trial).digest for trial in (None, "a 1", "a 2")}
    assert len(digests) == 3


def test_a_child_has_its_parent_and_the_original_has_none():
    run = spec()
    assert run.child_of("a1").cfg.mlflow.parent_run_id == "a1"
    assert run.cfg.mlflow.parent_run_id is None


def test_a_run_travels_to_a_worker():
    run = spec(*TINY)
    assert pickle.loads(pickle.dumps(run)) == run


def test_a_run_without_data_is_refused():
    with pytest.raises(InputError, match=re.escape(f"{paths.DATASET} does not exist")):
        run_spec.announce(spec(), dataset.load_description())


def test_emulated_bfloat16_is_reported_in_one_line(monkeypatch, capsys):
    monkeypatch.setattr(precision, "has_bfloat16", lambda: False)
    run_spec.announce(spec(*TINY, "precision=mixed_bfloat16"), DATA)
    title, note = capsys.readouterr().out.splitlines()
    assert title.startswith("swish-mlp-units=[8]-epochs=2-batch_size=64-precision=mixed_bfloat16")
    assert title.endswith("-seed1 · mlp · 540 images of files-any · 2 epochs")
    assert note == "Note: bfloat16 is emulated on this hardware; precision=float32 is faster."
    run_spec.announce(spec(*TINY), DATA)
    assert "Note" not in capsys.readouterr().out

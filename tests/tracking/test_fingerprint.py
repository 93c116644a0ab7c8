import re
import subprocess
import sys
from dataclasses import replace

import pytest

from src.config import compose
from src.core import paths
from src.data.dataset import Dataset
from src.tracking import fingerprint
from tests.support.commands import environment
from tests.support.recipes import TINY

DATA = Dataset("mnist-kaggle", "0f" * 32, {})
SETTINGS = {"seed": 1, "model": {"units": [8]}}


def settings(*overrides):
    composed, _ = compose.composition("precision=float32", *TINY, *overrides)
    return fingerprint.settings(composed)


def test_a_digest_depends_on_settings_data_and_versions_but_not_on_order_and_names(monkeypatch):
    digest = fingerprint.digest(SETTINGS, DATA)
    assert re.fullmatch("[0-9a-f]{64}", digest)
    assert fingerprint.digest(dict(reversed(SETTINGS.items())), DATA) == digest
    assert fingerprint.digest(SETTINGS, replace(DATA, name="files-any")) == digest
    for other in ({"seed": 2}, {"model": {"units": [9]}}, {"epochs": 1}):
        assert fingerprint.digest({**SETTINGS, **other}, DATA) != digest
    assert fingerprint.digest(SETTINGS, replace(DATA, digest="10" * 32)) != digest
    monkeypatch.setattr(fingerprint, "version", lambda name: "0")
    assert fingerprint.digest(SETTINGS, DATA) != digest


def test_a_digest_depends_on_every_file_of_the_code_that_trains(monkeypatch, tmp_path):
    assert (fingerprint.CODE / "fit.py").is_file()
    monkeypatch.setattr(fingerprint, "CODE", tmp_path)
    digests = set()
    for name, text in (("a", "1"), ("a", "2"), ("b", "1"), ("folder/c", "1")):
        file = tmp_path / f"{name}.py"
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
        digests.add(fingerprint.digest(SETTINGS, DATA))
    assert len(digests) == 4
    (tmp_path / "b.py").rename(tmp_path / "d.py")
    assert fingerprint.digest(SETTINGS, DATA) not in digests


@pytest.mark.usefixtures("project")
def test_the_settings_are_all_that_the_weights_depend_on(monkeypatch):
    found = settings("activation=swish_beta", "seed=3")
    assert found["seed"] == 3
    assert found["model"]["units"] == [8]
    assert found["activation"]["beta"] == 1.0
    others = settings("activation=swish_beta", "seed=3", "submission=false", "mlflow.experiment=b")
    assert others == found
    monkeypatch.setattr(fingerprint.precision, "choose", lambda wanted: f"{wanted}, here")
    assert settings("precision=auto")["precision"] == "auto, here"
    assert settings("checkpoints=/shared/a") == settings()
    for key in ("split_seed", "data_seed"):  # digests are older than these
        assert key not in settings()
        assert settings(f"{key}=3") == {**settings(), key: 3}


def test_the_settings_and_the_digest_do_not_need_tensorflow(no_heavy_imports):
    code = (
        "from src.config import compose\n"
        "from src.data import dataset\n"
        "from src.tracking import fingerprint\n"
        "settings = fingerprint.settings(compose.composition('precision=float32')[0])\n"
        "print(fingerprint.digest(settings, dataset.Dataset('a', 'b', {})))\n"
    )
    command, variables = [sys.executable, "-c", code], environment(PYTHONPATH=no_heavy_imports)
    done = subprocess.run(
        command, cwd=paths.CONF.parent, env=variables, capture_output=True, text=True
    )
    assert re.fullmatch("[0-9a-f]{64}\n", done.stdout), done.stderr

"""Data and models on a DVC remote: a real S3 server, by the commands of docs/team.md."""

import re

import pytest
import yaml

from src.core import paths
from tests.support.commands import git, make_project, run
from tests.support.s3_server import s3_server
from tests.support.team import without_keys

SMALL_PARAMS = {"model": "mlp", "epochs": 1}
COMMITTED = ("dvc.lock", "models/metrics.json", "predictions/metrics.json")


@pytest.fixture(scope="module")
def s3(tmp_path_factory):
    with s3_server(tmp_path_factory.mktemp("s3")) as server:
        server.client().create_bucket(Bucket="team")
        yield server


def dvc(project, s3, *words):
    keys = {name: value for name, value in s3.environment.items() if "ENDPOINT" not in name}
    done = run(project, "dvc", *words, **(without_keys() | keys))
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def pushed(s3, small_mnist, tmp_path_factory):
    """A project that one member has run and pushed; git's part is pushed by its clone."""
    project = make_project(tmp_path_factory.mktemp("dvc") / "first", small_mnist, processed=False)
    params = yaml.safe_load((project / paths.PARAMS).read_text()) | SMALL_PARAMS
    params["mlflow"]["enabled"] = False
    (project / paths.PARAMS).write_text(yaml.safe_dump(params, sort_keys=False))
    dvc(project, s3, "init", "-q")
    dvc(project, s3, "config", "core.analytics", "false")
    dvc(project, s3, "remote", "add", "--default", "team", "s3://team/dvc")
    dvc(project, s3, "remote", "modify", "team", "endpointurl", s3.endpoint)
    dvc(project, s3, "repro")
    git(project, "add", "-A")
    git(project, "add", "-f", *COMMITTED)
    git(project, "commit", "-q", "-m", "A run")
    dvc(project, s3, "push")
    return project


def test_a_fresh_clone_has_no_key_pulls_the_data_and_has_nothing_to_do(pushed, s3, tmp_path):
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "-q", str(pushed), str(clone))
    assert not (clone / "data").exists()
    dvc(clone, s3, "pull")
    for name in ("data/processed/train.npz", "models/model.keras", "predictions/submission.csv"):
        assert (clone / name).read_bytes() == (pushed / name).read_bytes()
    assert re.findall(r"Running stage '(\w+)'", dvc(clone, s3, "repro")) == ["check"]
    assert git(clone, "status", "--porcelain") == ""
    config = (clone / ".dvc" / "config").read_text()
    assert s3.endpoint in config
    assert s3.key not in config
    assert s3.secret not in config


def test_a_clone_without_keys_pulls_nothing_and_says_why(pushed, tmp_path):
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "-q", str(pushed), str(clone))
    done = run(clone, "dvc", "pull", **without_keys())
    assert done.returncode != 0
    assert "credentials" in done.stderr.lower()
    assert "Traceback" not in done.stderr

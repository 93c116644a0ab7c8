"""A project, or the record of a search, with its own store."""

import shutil
from pathlib import Path

import pytest
import yaml
from mlflow import MlflowClient

from src.core import paths
from src.experiments.parent import Parent
from src.experiments.trials import Record

EXPERIMENT = "digits"


@pytest.fixture
def tracked(project: Path, empty_store: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with an empty MLflow store, which its runs go to."""
    shutil.copy(empty_store, project / "mlflow.db")
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    params = yaml.safe_load(paths.PARAMS.read_text())
    params["mlflow"]["experiment"] = EXPERIMENT
    paths.PARAMS.write_text(yaml.safe_dump(params))
    return project


@pytest.fixture
def record(empty_store: Path, tmp_path: Path) -> Record:
    """The record of a search in a store of its own."""
    shutil.copy(empty_store, tmp_path / "mlflow.db")
    client = MlflowClient(f"sqlite:///{tmp_path / 'mlflow.db'}")
    experiment = client.create_experiment("digits")
    return Record(Parent(client, experiment, client.create_run(experiment).info.run_id))

"""A project with a store of its own."""

import shutil
from pathlib import Path

import pytest
import yaml

from src.core import paths

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

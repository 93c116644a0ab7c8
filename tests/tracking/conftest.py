"""A store of MLflow for the tests of a module, and no other."""

from pathlib import Path

import pytest
from mlflow import MlflowClient

from src.tracking import store


@pytest.fixture(autouse=True)
def nowhere(monkeypatch, tmp_path):
    """No store that the environment names, and an empty working directory."""
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_RUN_ID", "DVC_ROOT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("store")


@pytest.fixture
def store_folder(folder, monkeypatch):
    """The folder with a real store, one for all tests, because making its tables takes seconds."""
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def client(store_folder: Path) -> MlflowClient:
    return store.connect("digits")[0]

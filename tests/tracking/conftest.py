"""A store of MLflow for the tests of a module, and no other."""

from pathlib import Path

import mlflow
import pytest
from mlflow import MlflowClient

from src.tracking import store

VARIABLES = ("MLFLOW_TRACKING_URI", "MLFLOW_RUN_ID", "DVC_ROOT")


@pytest.fixture(autouse=True)
def nowhere(monkeypatch, tmp_path):
    """Neither a store nor a run that an earlier test, or the environment, left behind."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    mlflow.set_tracking_uri(None)
    yield
    while mlflow.active_run():
        mlflow.end_run()
    mlflow.set_tracking_uri(None)


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

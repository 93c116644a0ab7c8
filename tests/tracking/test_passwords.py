import os

import pytest

from src.tracking.passwords import move_out_of_uri


def test_user_and_password_of_a_server_move_to_mlflows_variables(monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "https://anna:s3%40cret%25@host:5000/path?x=1")
    move_out_of_uri()
    assert os.environ["MLFLOW_TRACKING_URI"] == "https://host:5000/path?x=1"
    assert os.environ["MLFLOW_TRACKING_USERNAME"] == "anna"
    assert os.environ["MLFLOW_TRACKING_PASSWORD"] == "s3@cret%"


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "http://host:5000",
        "sqlite:////tmp/mlflow.db",
        "postgresql+psycopg://anna:s3cret@host/db",
    ],
)
def test_every_other_uri_stays_as_it_is(uri, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    monkeypatch.delenv("MLFLOW_TRACKING_USERNAME", raising=False)
    move_out_of_uri()
    assert os.environ["MLFLOW_TRACKING_URI"] == uri
    assert "MLFLOW_TRACKING_USERNAME" not in os.environ

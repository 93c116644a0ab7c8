"""A project with data, for the benchmarks that read it."""

import sys
from pathlib import Path

import pytest

from src import fetch, preprocess


@pytest.fixture
def processed(small_project: Path) -> Path:
    """A project with the sample fetched and preprocessed; it is the working directory."""
    fetch.main()
    preprocess.main()
    return small_project


@pytest.fixture
def words(monkeypatch: pytest.MonkeyPatch):
    """A function that sets the words of the command line."""
    return lambda *given: monkeypatch.setattr(sys, "argv", ["command", *given])

"""Configurations for the tests."""

from pathlib import Path

from src.config import compose, schema
from src.runtime import paths
from src.studies.planned_run import PlannedRun

# Small enough for a training of a second, whatever else is chosen.
TINY = ("model=mlp", "model.units=[8]", "epochs=2", "batch_size=64")


def configure(*overrides: str) -> schema.Config:
    """Return the checked configuration that the params.yaml of the working directory gives, but
    in float32 unless an override says otherwise: `auto` depends on the machine.
    """
    return compose.compose("precision=float32", *overrides)


def names(group: str) -> list[str]:
    """Return the choices of a group: the files of conf/<group>/, without .yaml."""
    return sorted(path.stem for path in (paths.CONF / group).glob("*.yaml"))


def planned(folder: Path, *overrides: str) -> PlannedRun:
    """Return a run of the configuration that `configure` returns, with its files in `folder`."""
    composed, choices = compose.composition("precision=float32", *overrides)
    return PlannedRun(composed, choices, folder, "", "a command")

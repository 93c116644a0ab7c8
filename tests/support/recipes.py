"""Configurations for the tests."""

from pathlib import Path

from src.config import compose, schema
from src.data import dataset
from src.experiments import run_spec
from src.experiments.run_spec import RunSpec
from src.runtime import paths

# Small enough for a training of a second, whatever else is chosen.
TINY = ("model=mlp", "model.units=[8]", "epochs=2", "batch_size=64")


def configure(*overrides: str) -> schema.Config:
    """Return the checked configuration that the params.yaml of the working directory gives, but
    in float32 unless told otherwise: `auto` depends on the machine.
    """
    return compose.compose("precision=float32", *overrides)


def names(group: str) -> list[str]:
    """Return what can be chosen in a group: the files of conf/<group>/, without .yaml."""
    return sorted(path.stem for path in (paths.CONF / group).glob("*.yaml"))


def spec(folder: Path, *overrides: str) -> RunSpec:
    """Return a run of the configuration that `configure` returns, on the data of the working
    directory, with its files in `folder`.
    """
    words = ("precision=float32", *overrides)
    composition = run_spec.Composition(*compose.composition(*words))
    return run_spec.build(composition, dataset.describe(), words, folder=folder)

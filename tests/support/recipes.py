"""Configurations for the tests."""

from pathlib import Path
from typing import Any

from src.config import compose, schema
from src.core import paths
from src.data import dataset
from src.data.dataset import Dataset
from src.experiments import run_spec
from src.experiments.run_spec import RunSpec

DATA = Dataset("files-any", "0f" * 32, {"train": 540, "valid": 60, "test": 200})
# Small enough for a training of a second, whatever else is chosen.
TINY = ("model=mlp", "model.units=[8]", "epochs=2", "batch_size=64")
STUDY = {
    "question": "Whether a study works.",
    "factor": "activation",
    "levels": ["relu", "swish"],
    "seeds": [1],
    "experiment": "default",
    "dataset": "files-any",
}
SPACE = {
    "optimizer.learning_rate": {"log_uniform": [0.001, 0.1]},
    "model.units": {"choices": [[16], [32]]},
}
SEARCH = {
    "question": "Whether a search works.",
    "experiment": "default",
    "dataset": "files-any",
    "space": SPACE,
    "trials": 4,
    "overrides": ["model=mlp", "epochs=2"],
}


def configure(*overrides: str) -> schema.Config:
    """Return the checked configuration that the params.yaml of the working directory gives, but
    in float32 unless an override says otherwise: `auto` depends on the machine.
    """
    return compose.compose("precision=float32", *overrides)


def names(group: str) -> list[str]:
    """Return the choices of a group: the files of conf/<group>/, without .yaml."""
    return sorted(path.stem for path in (paths.CONF / group).glob("*.yaml"))


def spec(*overrides: str, data: Dataset = DATA, **more: Any) -> RunSpec:
    """Return a run of the configuration that `configure` returns."""
    words = ("precision=float32", *overrides)
    return run_spec.build(compose.composition(*words), data, words, **more)


def ready(folder: Path, *overrides: str) -> RunSpec:
    """Return a run on the data of the working directory, with its files in `folder`."""
    return spec(*overrides, data=dataset.load_description(), folder=folder)

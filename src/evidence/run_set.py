"""What is compared: runs of one recipe with several activations and seeds."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pandas as pd

from src.runtime import metric_names

ACTIVATION = "activation."  # the prefix of the params that make the layer
FREE = ("seed", ACTIVATION, "mlflow.", "submission")  # params that may differ, or prefixes

NAMES = {
    "relu": "ReLU",
    "swish": "Swish",
    "swish_beta": "Swish-β",
    "e_swish": "E-Swish",
    "hard_swish": "Hard Swish",
    "gelu": "GELU",
    "mish": "Mish",
    "elu": "ELU",
    "selu": "SELU",
    "leaky_relu": "Leaky ReLU",
}  # any other is shown by its word


@dataclass(frozen=True)
class Training:
    """One finished run.

    Attributes:
        run_id: in MLflow.
        name: in MLflow, for example swish-seed1.
        seed: of the run.
        started: when, UTC.
        ended: when, UTC.
        params: the flat configuration, as text.
        tags: its environment and more, as MLflow has them.
        history: a row per epoch, with the columns named in src/runtime/metric_names.py.
        labels: true labels of the held-out images, uint8 (images,).
        predicted: predicted labels, uint8 (images,).
        probabilities: float32 (images, 10); rows sum to 1.
    """

    run_id: str
    name: str
    seed: int
    started: datetime
    ended: datetime
    params: Mapping[str, str]
    tags: Mapping[str, str]
    history: pd.DataFrame
    labels: np.ndarray
    predicted: np.ndarray
    probabilities: np.ndarray


@dataclass(frozen=True)
class RunSet:
    """Runs of several activations that differ only in activation and seed.

    Attributes:
        parent_id: their parent run in MLflow.
        title: the study's name, or the overrides of the multirun.
        folder: the name of the report's folder.
        tags: of the parent run.
        trainings: by activation, in the order of their first runs; all with the same seeds.
        remarks: sentences on what was left out, and on what may be wrong.
    """

    parent_id: str
    title: str
    folder: str
    tags: Mapping[str, str]
    trainings: Mapping[str, tuple[Training, ...]]
    remarks: tuple[str, ...]

    def __iter__(self) -> Iterator[Training]:
        """Yield every run."""
        return (one for ones in self.trainings.values() for one in ones)

    @property
    def first(self) -> Training:
        """One of the runs, for what they have in common."""
        return next(iter(self))

    @property
    def seeds(self) -> list[int]:
        """The seeds of every activation, ascending."""
        return [one.seed for one in next(iter(self.trainings.values()))]

    @property
    def labels(self) -> np.ndarray:
        """True labels of the held-out images, uint8 (images,)."""
        return self.first.labels

    @property
    def recipe(self) -> dict[str, str]:
        """The params that all runs share."""
        return {key: value for key, value in self.first.params.items() if not may_differ(key)}

    def settings(self, activation: str) -> dict[str, str]:
        """Return the params of an activation's layer, without their prefix."""
        params = self.trainings[activation][0].params
        return {
            key.removeprefix(ACTIVATION): value
            for key, value in params.items()
            if key.startswith(ACTIVATION)
        }

    def correct(self) -> dict[str, np.ndarray]:
        """Return which predictions are correct, bool (seeds, images), by activation."""
        return {
            name: np.stack([one.predicted == one.labels for one in ones])
            for name, ones in self.trainings.items()
        }

    def probabilities(self, activation: str) -> np.ndarray:
        """Return the class probabilities, float32 (seeds, images, 10)."""
        return np.stack([one.probabilities for one in self.trainings[activation]])

    def by_epoch(self, metric: str) -> dict[str, np.ndarray]:
        """Return a metric's values, float (seeds, epochs), by activation; NaN where missing.

        An activation whose runs all lack the metric is left out.
        """
        tables = {
            name: pd.concat(
                [
                    one.history.set_index(metric_names.EPOCH).reindex(columns=[metric])
                    for one in ones
                ],
                axis=1,
            )
            for name, ones in self.trainings.items()
            if any(metric in one.history for one in ones)
        }
        return {name: table.to_numpy(float).T for name, table in tables.items()}

    def betas(self, activation: str) -> dict[str, np.ndarray]:
        """Return the learned β of each layer in order of depth, float (seeds, epochs)."""
        columns = map(str, self.trainings[activation][0].history)
        return {
            name.removeprefix(metric_names.BETA): self.by_epoch(name)[activation]
            for name in columns
            if name.startswith(metric_names.BETA)
        }


def may_differ(param: str) -> bool:
    """Return whether runs may differ in a param and still be compared."""
    return any(param == free or (free[-1] == "." and param.startswith(free)) for free in FREE)

"""What is compared: runs of one recipe with several levels of a factor, and several seeds."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import cast

import numpy as np
import pandas as pd

from src.analysis.statistics import EFFECT_OF_INTEREST
from src.config.factor import Factor
from src.config.schema import CHOICES
from src.core import metric_names
from src.core.errors import InputError, did_you_mean
from src.data import sources
from src.tracking import run_tags
from src.training.history import kept_epoch

ACTIVATION = "activation"  # the factor with exhibits of its own, and a group of params
ALL = "all"  # every pair is compared, not only those with the reference
BASELINE = "relu"  # the reference of activations that name none
# Params that change nothing of the weights, or prefixes of such; seeds pair the runs.
# The data's digest tells the split; what a chosen word stands for is in the group's own params.
IGNORED = ("seed", "split_seed", "mlflow.", "submission", "checkpoints", *CHOICES)

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
}  # of activations; any other level is shown by its word


@dataclass(frozen=True)
class Training:
    """One finished run.

    Attributes:
        name: in MLflow, for example swish-seed1.
        started: UTC, like `ended`.
        params: the flat configuration, as text.
        history: a row per epoch, with the columns named in src/core/metric_names.py.
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

    @property
    def parameters(self) -> int | None:
        """The size of the model; None if that is not known."""
        count = self.tags.get(run_tags.PARAMETERS)
        return int(count) if count else None

    @property
    def processor(self) -> str | None:
        """The machine's processor; None if that is not known."""
        return self.tags.get(run_tags.PROCESSOR)

    @property
    def val_accuracy(self) -> float:
        """The validation accuracy of the model, a fraction."""
        best = self.params["restore_best_weights"] == "True"
        rows = cast(list[dict[str, float]], self.history.to_dict("records"))
        return kept_epoch(rows, best)[metric_names.VAL_ACCURACY]


@dataclass(frozen=True)
class RunSet:
    """Runs of several levels that differ only in a factor and the seed.

    Attributes:
        parent_id: their parent run in MLflow, which `tags` are of.
        title: the study's name, or the overrides of the multirun.
        folder: the name of the report's folder.
        trainings: by level (its label, as it is shown), in the study's order, or by value, or else
            in the order of their first runs; all with the same seeds.
        remarks: sentences on what was left out, and on what may be wrong.
        values: what each level stands for, as text: the choice, the number, or its overrides.
        reference: the level that the study compares the others with, if it names one.
        compare: `all` pairs, or those with the `reference`.
        smallest_effect: a difference in accuracy below it does not matter, a fraction.
        looks: after how many seeds the study was to be looked at; empty without such a plan.
        dataset: the data's name, as in mnist-kaggle; empty if that is not known.
    """

    parent_id: str
    title: str
    folder: str
    tags: Mapping[str, str]
    factor: Factor
    trainings: Mapping[str, tuple[Training, ...]]
    remarks: tuple[str, ...]
    values: Mapping[str, str] = field(default_factory=dict)
    reference: str | None = None
    compare: str = ALL
    smallest_effect: float = EFFECT_OF_INTEREST
    looks: tuple[int, ...] = ()
    question: str | None = None
    dataset: str = ""

    def __iter__(self) -> Iterator[Training]:
        """Yield every run."""
        return (one for ones in self.trainings.values() for one in ones)

    @property
    def first(self) -> Training:
        """One of the runs, for what they have in common."""
        return next(iter(self))

    @property
    def seeds(self) -> list[int]:
        """The seeds of every level, ascending."""
        return [one.seed for one in next(iter(self.trainings.values()))]

    @property
    def labels(self) -> np.ndarray:
        """True labels of the held-out images, uint8 (images,)."""
        return self.first.labels

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the ten classes."""
        return sources.class_names(self.dataset)

    @cached_property
    def recipe(self) -> dict[str, str]:
        """The params that all runs share."""
        return {
            key: value
            for key, value in self.first.params.items()
            if not is_ignored(key) and all(one.params.get(key) == value for one in self)
        }

    def level_named(self, wanted: str | None) -> str:
        """Return the level that others are compared with.

        Args:
            wanted: its label, or what it stands for; None for the study's own reference, for ReLU
                among activations, or else for the first level.

        Raises:
            InputError: the set does not have it.
        """
        labels = list(self.trainings)
        if wanted is None:
            own = self.reference or (NAMES[BASELINE] if self.factor.key == ACTIVATION else None)
            return own if own in labels else labels[0]
        if wanted in labels:
            return wanted
        for label in labels:
            if _same(self.values.get(label, label), wanted):
                return label
        raise InputError(
            f"--reference {wanted}: these runs have no such {self.factor.noun}. "
            f"{did_you_mean(wanted, labels)}They have {', '.join(labels)}."
        )

    def settings(self, level: str) -> dict[str, str]:
        """Return the params of a level's activation, without the group's name before them."""
        prefix = f"{ACTIVATION}."
        params = self.trainings[level][0].params.items()
        return {key.removeprefix(prefix): own for key, own in params if key.startswith(prefix)}

    @cached_property
    def correct(self) -> dict[str, np.ndarray]:
        """Return which predictions are correct, bool (seeds, images), by level."""
        return {
            name: np.stack([one.predicted == one.labels for one in ones])
            for name, ones in self.trainings.items()
        }

    def probabilities(self, level: str) -> np.ndarray:
        """Return the class probabilities, float32 (seeds, images, 10)."""
        return np.stack([one.probabilities for one in self.trainings[level]])

    def by_epoch(self, metric: str) -> dict[str, np.ndarray]:
        """Return a metric's values, float (seeds, epochs), by level; NaN where missing.

        A level whose runs all lack the metric is left out.
        """

        def column(one: Training) -> pd.DataFrame:
            return one.history.set_index(metric_names.EPOCH).reindex(columns=[metric])

        return {
            name: pd.concat(map(column, ones), axis=1).to_numpy(float).T
            for name, ones in self.trainings.items()
            if any(metric in one.history for one in ones)
        }

    def betas(self, level: str) -> dict[str, np.ndarray]:
        """Return the learned β of each layer in order of depth, float (seeds, epochs)."""
        beta = metric_names.BETA
        columns = map(str, self.trainings[level][0].history)
        return {
            name.removeprefix(beta): self.by_epoch(name)[level]
            for name in columns
            if name.startswith(beta)
        }


def is_ignored(param: str) -> bool:
    """Return whether runs that differ in a param are comparable nevertheless."""
    return any(param == one or (one[-1] == "." and param.startswith(one)) for one in IGNORED)


def _same(value: str, wanted: str) -> bool:
    """Return whether two texts mean one value: 0.010 is 0.01."""
    try:
        return float(value) == float(wanted)
    except ValueError:
        return value == wanted

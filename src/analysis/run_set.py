"""What is compared: runs of one recipe with several levels of a factor, and several seeds."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import cast

import numpy as np
import pandas as pd

from src.analysis.diagnostics import Reliability
from src.analysis.ensemble import EnsembleCurve
from src.analysis.statistics import EFFECT_OF_INTEREST
from src.config.factor import Factor
from src.config.schema import CHOICES, LUCK
from src.core import metric_names
from src.core.errors import InputError, did_you_mean
from src.tracking import run_tags
from src.training.history import kept_epoch

ACTIVATION = "activation"  # the factor with exhibits of its own, and a group of params
ALL = "all"  # every pair is compared, not only those with the reference
BASELINE = "relu"  # the reference of activations that name none
# Params that change nothing of the weights, or prefixes of such; seeds pair the runs.
# The data's digest tells the split; what a chosen word stands for is in the group's own params.
IGNORED = (*LUCK, "mlflow.", "submission", "checkpoints", *CHOICES)

NAMES = {  # of activations; any other level is shown by its word
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
}


@dataclass(frozen=True)
class Training:
    """One finished run."""

    run_id: str
    name: str  # in MLflow, for example swish-seed1
    seed: int
    started: datetime  # UTC
    ended: datetime
    params: Mapping[str, str]  # the flat configuration, as text
    tags: Mapping[str, str]
    history: pd.DataFrame  # a row per epoch, with the columns of src/core/metric_names.py
    labels: np.ndarray  # true labels of the held-out images, uint8 (images,)
    predicted: np.ndarray  # uint8 (images,)
    reliability: Reliability  # of its predictions

    @property
    def parameters(self) -> int | None:
        """The size of the model; None if unknown."""
        count = self.tags.get(run_tags.PARAMETERS)
        return int(count) if count else None

    @property
    def processor(self) -> str | None:
        """The machine's processor; None if unknown."""
        return self.tags.get(run_tags.PROCESSOR)

    @property
    def val_accuracy(self) -> float:
        """The validation accuracy of the model, a fraction."""
        best = self.params["restore_best_weights"] == "True"
        rows = cast(list[dict[str, float]], self.history.to_dict("records"))
        return kept_epoch(rows, best)[metric_names.VAL_ACCURACY]


@dataclass(frozen=True)
class RunSet:
    """Runs of several levels, in the order of the study or the sweep, that differ only in a factor
    and the seed. A level goes by its label, as it is shown; all have the same seeds.
    """

    parent_id: str  # in MLflow
    title: str  # the study's name, or the overrides of the sweep
    folder: str  # the name of the report's folder
    tags: Mapping[str, str]  # of the parent run
    factor: Factor
    trainings: Mapping[str, tuple[Training, ...]]  # by level
    remarks: tuple[str, ...]  # sentences on what was left out, and on what may be wrong
    values: Mapping[str, str] = field(default_factory=dict)  # the choice, number or overrides
    reference: str | None = None  # that the study compares the others with, if it names one
    compare: str = ALL  # `all` pairs, or those with the `reference`
    smallest_effect: float = EFFECT_OF_INTEREST  # differences below it do not matter; a fraction
    looks: tuple[int, ...] = ()  # planned looks at the study, as numbers of seeds
    question: str | None = None
    dataset: str = ""  # as in mnist-kaggle; empty if unknown
    images_by_seed: bool = False  # each seed has its own held-out images, the same for all levels
    ensembles: Mapping[str, EnsembleCurve] = field(default_factory=dict)  # by level

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

    @cached_property
    def recipe(self) -> dict[str, str]:
        """The params that all runs share."""
        return {
            key: value
            for key, value in self.first.params.items()
            if not is_ignored(key) and all(one.params.get(key) == value for one in self)
        }

    def level_named(self, wanted: str | None) -> str:
        """Return the level with this label or value; None for the study's own reference, ReLU among
        activations, or else the first level. Raise InputError if there is none.
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
        """Return the params of a level's activation, without the prefix `activation.`."""
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

    def by_epoch(self, metric: str) -> dict[str, np.ndarray]:
        """Return a metric's values, float (seeds, epochs), by level; NaN where missing, and without
        the levels whose runs all lack it.
        """
        found = {}
        for name, ones in self.trainings.items():
            if any(metric in one.history for one in ones):
                rows = [one.history.set_index(metric_names.EPOCH) for one in ones]
                columns = [each.reindex(columns=[metric]) for each in rows]
                found[name] = pd.concat(columns, axis=1).to_numpy(float).T
        return found

    def betas(self, level: str) -> dict[str, np.ndarray]:
        """Return the learned β of each layer in order of depth, float (seeds, epochs)."""
        names = map(str, self.trainings[level][0].history)
        found = [name for name in names if name.startswith(metric_names.BETA)]
        return {name.removeprefix(metric_names.BETA): self.by_epoch(name)[level] for name in found}


def is_ignored(param: str) -> bool:
    """Return whether runs that differ in a param are comparable nevertheless."""
    return any(param == one or (one[-1] == "." and param.startswith(one)) for one in IGNORED)


def _same(value: str, wanted: str) -> bool:
    """Return whether two texts mean one value: 0.010 is 0.01."""
    try:
        return float(value) == float(wanted)
    except ValueError:
        return value == wanted

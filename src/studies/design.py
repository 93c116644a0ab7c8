"""What a study consists of: its levels, its seeds, and the runs that they make in their order."""

import json
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from typing import Any, NamedTuple, cast

from omegaconf import DictConfig, OmegaConf

from src.config import compose, override
from src.config.factor import VARIANT
from src.config.schema import CHOICES, NON_TRAINING_KEYS
from src.config.study_file import SPLIT, Study
from src.data.dataset import Dataset
from src.runtime.errors import InputError, did_you_mean
from src.tracking import fingerprint

# Keys of the configuration that change nothing of what is learned, or that a study sets itself.
NO_FACTOR = (*NON_TRAINING_KEYS, "seed", "split_seed")


class RunKey(NamedTuple):
    """Which run of a study it is: the label of its level, and its seed."""

    variant: str
    seed: int

    def __str__(self) -> str:
        """Return the name that the run has in MLflow."""
        return f"{self.variant}-seed{self.seed}"


def in_turn(labels: Sequence[str], seeds: Sequence[int]) -> Iterator[RunKey]:
    """Yield the runs in the order in which to train them: seed by seed, and with each seed another
    level first, so that a noisy hour hits all alike.
    """
    for turn, seed in enumerate(seeds):
        first = turn % len(labels)
        for label in (*labels[first:], *labels[:first]):
            yield RunKey(label, seed)


def overrides(study: Study) -> list[str]:
    """Return the overrides that all runs of a study have in common."""
    experiment = [f"experiment={study.experiment}"] if study.experiment else []
    return [*experiment, *study.overrides]


def words(study: Study, label: str) -> list[str]:
    """Return the overrides of a level's runs: the common ones, but for an experiment that the
    level chooses itself, and its own.
    """
    own = study.levels[label]
    chosen = any(override.key(word) == "experiment" for word in own)
    return [*(study.overrides if chosen else overrides(study)), *own]


class Composition(NamedTuple):
    """What Hydra composed for a run, and the chosen file of each group."""

    composed: DictConfig
    choices: dict[str, str]


def compositions(study: Study) -> dict[RunKey, Composition]:
    """Return the configuration of each run of a study, checked.

    Raises:
        InputError: a run cannot be configured like this, no configuration has the factor, or two
            levels are the same.
    """
    _check_factor(study)
    found: dict[RunKey, Composition] = {}
    for label in study.levels:
        composed, choices = compose.composition(*words(study, label))
        for seed in study.seeds:
            own = deepcopy(composed)
            own.seed = seed
            own.split_seed = seed if SPLIT in study.vary else None
            found[RunKey(label, seed)] = Composition(own, choices)
        for seed in {min(study.seeds), max(study.seeds)}:  # the others are within their range
            if not compose.resolve(*found[RunKey(label, seed)]).mlflow.enabled:
                raise InputError(
                    "mlflow.enabled=false, but a study finds its finished runs in MLflow: set "
                    "mlflow.enabled: true in params.yaml."
                )
    _check_different(study, found)
    return found


def _check_factor(study: Study) -> None:
    """Refuse a factor that is no group of conf/ and no key of the common configuration."""
    key = study.factor.key
    if key in (*CHOICES, VARIANT):
        return
    composed, _ = compose.composition(*overrides(study))
    values = cast(dict[str, Any], OmegaConf.to_container(composed, throw_on_missing=False))
    keys = [
        name
        for name in override.flat(values)
        if name.partition(".")[0] not in NO_FACTOR and not name.endswith("._target_")
    ]
    if key not in keys:
        raise InputError(
            f"factor is {key}, which no configuration of this study has. "
            f"{did_you_mean(key, [*CHOICES, *keys])}Name a group ({', '.join(CHOICES)}), or a key "
            "as `python -m src.train --help` shows them, or give `variants` instead."
        )


def _check_different(study: Study, found: Mapping[RunKey, Composition]) -> None:
    """Refuse two levels that come to the same training."""
    labels: dict[str, str] = {}
    for label in study.levels:
        composed = found[RunKey(label, study.seeds[0])].composed
        settings = json.dumps(fingerprint.settings(composed), sort_keys=True)
        twin = labels.setdefault(settings, label)
        if twin != label:
            raise InputError(
                f"the levels {twin} and {label} come to the same configuration, so nothing can "
                "differ between their runs: change or delete one."
            )


def digests(compositions: Mapping[RunKey, Composition], data: Dataset) -> dict[RunKey, str]:
    """Return the digest of the training (src/tracking/fingerprint.py) that each run is."""
    return {key: fingerprint.of(one.composed, data) for key, one in compositions.items()}

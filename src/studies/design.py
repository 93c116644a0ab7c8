"""What a study consists of: its file in conf/study/, checked, and its runs in their order."""

from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import NamedTuple, cast

from omegaconf import MISSING, DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from src.config import compose, messages, schema
from src.data import digits
from src.data.dataset import Dataset
from src.runtime import paths
from src.runtime.errors import InputError, did_you_mean
from src.tracking import fingerprint

STUDIES = paths.CONF / "study"
MAX_WORKERS = 64
# What a study sets itself, by its own keys or because its runs belong together.
RESERVED = {"activation": "activations", "seed": "seeds", "experiment": "experiment"}


class RunKey(NamedTuple):
    """Which run of a study it is."""

    activation: str
    seed: int

    def __str__(self) -> str:
        """Return the name that the run has in MLflow."""
        return f"{self.activation}-seed{self.seed}"


@dataclass
class Study:
    """A study as its file defines it: every activation with every seed, all else alike."""

    description: str = MISSING  # what it answers, a sentence
    activations: list[str] = MISSING
    seeds: list[int] = MISSING
    experiment: str = MISSING
    dataset: str = MISSING  # the source and the layout of its data, as in mnist-kaggle
    overrides: list[str] = field(default_factory=list)
    workers: int = 1  # runs at a time

    def __post_init__(self) -> None:
        """Check the values; OmegaConf.to_object calls this."""
        for key in ("activations", "seeds"):
            values = getattr(self, key)
            if not values:
                raise InputError(f"{key} is empty: list at least one.")
            for value in values:
                if isinstance(value, list | dict):
                    raise InputError(f"{key} has {value}: list single values.")
            twice = [str(value) for value in dict.fromkeys(values) if values.count(value) > 1]
            if twice:
                raise InputError(f"{key} has {', '.join(twice)} twice: list each once.")
        source, _, layout = self.dataset.rpartition("-")
        if source not in digits.SOURCES or layout not in digits.LAYOUTS:
            raise InputError(
                f"dataset={self.dataset} is unknown: write a fetch.source, a hyphen and a "
                f"fetch.layout; {', '.join(digits.SOURCES)} with {', '.join(digits.LAYOUTS)}."
            )
        if not 1 <= self.workers <= MAX_WORKERS:
            raise InputError(
                f"workers={self.workers} is out of range: use a number from 1 to {MAX_WORKERS}."
            )
        for override in self.overrides:
            if not isinstance(override, str):
                raise InputError(f"overrides has {override}: write each as in epochs=1.")
            key = override.partition("=")[0].lstrip("+~")
            if key in RESERVED:
                raise InputError(f"overrides has {override}: give it under {RESERVED[key]}.")
            if key.startswith(("mlflow", "hydra", "submission")):
                raise InputError(f"overrides has {override}, which no study may set: delete it.")


def names() -> list[str]:
    """Return the studies that there are: the files of conf/study/, without .yaml."""
    return sorted(path.stem for path in STUDIES.glob("*.yaml"))


def load(name: str) -> Study:
    """Return the study of conf/study/NAME.yaml.

    Raises:
        InputError: there is none of that name, it is not YAML, a key is missing or unknown, a value
            is of another type or out of range.
    """
    if name not in names():
        raise InputError(
            f"There is no study {name!r}. {did_you_mean(name, names())}"
            f"Choose one of {', '.join(names())}, or add conf/study/{name}.yaml."
        )
    file = f"conf/study/{name}.yaml"
    try:
        given = OmegaConf.load(STUDIES / f"{name}.yaml")
    except YAMLError as error:
        raise InputError(f"{file} is not YAML ({' '.join(str(error).split())}): fix it.") from error
    if not OmegaConf.is_dict(given):
        raise InputError(f"{file} holds no `key: value` lines: see conf/study/default.yaml.")
    known = list(Study.__dataclass_fields__)
    schema.refuse_unknown(f"{file}: ", given, known, "A study")
    try:
        merged = OmegaConf.merge(OmegaConf.structured(Study), given)
        for key in known:
            if OmegaConf.is_missing(merged, key):
                raise InputError(f"{key} is missing: see conf/study/default.yaml.")
        study = cast(Study, OmegaConf.to_object(merged))
    except OmegaConfBaseException as error:
        raise InputError(f"{file}: {messages.describe(error, 'that file')}") from error
    except InputError as error:
        raise InputError(f"{file}: {error}") from error
    return study


def check_data(study: Study, found: Dataset) -> None:
    """Raise InputError if the preprocessed data is not the study's."""
    if found.name != study.dataset:
        source, _, layout = study.dataset.rpartition("-")
        raise InputError(
            f"This study is on {study.dataset}, but data/processed holds {found.name}: set "
            f"fetch.source: {source} and fetch.layout: {layout} in params.yaml, and run "
            "`dvc repro preprocess`."
        )


def in_turn(activations: Sequence[str], seeds: Sequence[int]) -> Iterator[RunKey]:
    """Yield the runs in the order in which to train them: seed by seed, and with each seed another
    activation first, so that a noisy hour hits all alike.
    """
    for turn, seed in enumerate(seeds):
        first = turn % len(activations)
        for activation in (*activations[first:], *activations[:first]):
            yield RunKey(activation, seed)


def overrides(study: Study) -> list[str]:
    """Return the overrides that all runs of a study have in common."""
    return [f"experiment={study.experiment}", *study.overrides]


class Composition(NamedTuple):
    """What Hydra composed for a run, and the chosen file of each group."""

    composed: DictConfig
    choices: dict[str, str]


def compositions(
    study: Study, activations: Sequence[str], seeds: Sequence[int]
) -> dict[RunKey, Composition]:
    """Return the configuration of each run of a study, checked.

    Args:
        study: its recipe counts.
        activations: these, with each of the
        seeds: be they the study's own or others.

    Raises:
        InputError: a run cannot be configured like this.
    """
    found: dict[RunKey, Composition] = {}
    for activation in activations:
        given = (*overrides(study), f"activation={activation}", f"seed={seeds[0]}")
        composed, choices = compose.composition(*given)
        for seed in seeds:
            own = deepcopy(composed)
            own.seed = seed
            if not compose.resolve(own, choices).mlflow.enabled:
                raise InputError(
                    "mlflow.enabled=false, but a study finds its finished runs in MLflow: set "
                    "mlflow.enabled: true in params.yaml."
                )
            found[RunKey(activation, seed)] = Composition(own, choices)
    return found


def digests(compositions: Mapping[RunKey, Composition], data: Dataset) -> dict[RunKey, str]:
    """Return the digest of the training (src/tracking/fingerprint.py) that each run is."""
    return {
        key: fingerprint.digest(fingerprint.settings(one.composed), data)
        for key, one in compositions.items()
    }

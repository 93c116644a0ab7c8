"""The schema of params.yaml and conf/, and of the keys that studies and searches share. A
validator's ValueError is the part of the sentence that follows `key=value` (messages.py).
"""

from collections.abc import Collection, Mapping
from dataclasses import field
from typing import Annotated, Any

from omegaconf import MISSING
from pydantic import AfterValidator, ConfigDict, Field
from pydantic.dataclasses import dataclass

from src.config import override
from src.core import checkpoint_place
from src.core.errors import InputError, did_you_mean
from src.data.sources import LAYOUTS, SET_PATH, SOURCES

PRECISIONS = ("auto", "float32", "mixed_bfloat16", "mixed_float16")
GROUPS = ("activation", "model", "optimizer", "schedule", "augmentation")
CHOICES = (*GROUPS, "experiment")
STAGES = ("fetch", "preprocess")  # the sections of params.yaml that are not train's
LUCK = ("seed", "split_seed", "data_seed")  # keys of no recipe, and never a factor
NON_TRAINING_KEYS = ("mlflow", "submission", "checkpoints")  # no weight depends on them

RANGES: dict[str, tuple[float, float]] = {
    "seed": (0, 2**31 - 1),  # of a training
    "data_seed": (0, 2**32 - 1),  # also of fetch, of preprocess, and split_seed
    "valid_fraction": (0.001, 0.9),
    "epochs": (1, 100_000),
    "batch_size": (1, 1_000_000),
    "label_smoothing": (0, 0.99),
    # Of studies and searches.
    "trials": (1, 10_000),
    "at_most": (5, 1000),  # seeds
    "workers": (1, 64),
    "cpus": (1, 1024),  # of each run on Ray, as gpus
    "gpus": (0, 64),
    "smallest_effect": (1e-9, 0.999999),  # of accuracy, a fraction
    # In the groups of conf/, by Keras's names.
    "learning_rate": (1e-12, 1e3),
    **dict.fromkeys(("min_lr", "weight_decay"), (0, 1e3)),
    **dict.fromkeys(("dropout", "factor", "warmup"), (0, 0.999)),
    **dict.fromkeys(("beta_1", "beta_2"), (0, 0.999999)),
    **dict.fromkeys(("initial_factor", "momentum"), (0, 1)),
    "patience": (0, 1e6),
    "rotation": (0, 180),
    "zoom": (0, 0.99),
    "shift": (0, 1),
    "displacement": (0, 28),
    "grid": (2, 28),
    "border": (0, 8),
    "first_kernel": (1, 28),
    **dict.fromkeys(("units", "filters"), (1, 1e6)),
}
EXECUTORS = ("local", "ray")
FORBIDDEN_OVERRIDES = ("mlflow", "hydra", "submission")  # of studies and searches
STRICT = ConfigDict(strict=True)  # true is not 1, and 3.0 is not 3


def bounded(name: str) -> AfterValidator:
    """Return the check that a number lies within `RANGES[name]`, its bounds included."""

    def check(found: float) -> float:
        if refusal := _out_of_range(name, found):
            raise ValueError(refusal)
        return found

    return AfterValidator(check)


def one_of(known: Collection[str]) -> AfterValidator:
    """Return the check that a text, or a list as Hydra writes it, is among those known."""

    def check(found: Any) -> Any:
        if (text := override.label(found)) not in known:
            raise ValueError(unknown(text, known))
        return found

    return AfterValidator(check)


def unknown(found: str, known: Collection[str], more: str = "") -> str:
    """Return the end of the sentence that refuses a text that is not among those known."""
    near = did_you_mean(found, list(known))
    return f"is unknown. {near}Choose one of {', '.join(known)}{more}."


@dataclass(config=STRICT)
class Fetch:
    """Where the data comes from."""

    source: Annotated[str, one_of(SOURCES)]
    layout: Annotated[str, one_of(LAYOUTS)]
    seed: Annotated[int, bounded("data_seed")]
    path: str | None = None

    def __post_init__(self) -> None:
        """Check the values together."""
        if self.source == "files" and not self.path:
            raise InputError(f"fetch.path is empty, but fetch.source=files needs it: {SET_PATH}")


@dataclass(config=STRICT)
class Preprocess:
    """How the labelled images are split."""

    valid_fraction: Annotated[float, bounded("valid_fraction")]
    seed: Annotated[int, bounded("data_seed")]


@dataclass(config=STRICT)
class Mlflow:
    """Whether and where a run is recorded."""

    enabled: bool = True
    experiment: str = MISSING
    parent_run_id: str | None = None
    resume: bool = True  # of a multirun, train only what is missing


@dataclass(config=STRICT)
class Config:
    """All that train reads: the chosen groups, with their values, and its own values."""

    activation: dict[str, Any] = field(default_factory=dict)
    model: dict[str, Any] = field(default_factory=dict)
    optimizer: dict[str, Any] = field(default_factory=dict)
    schedule: dict[str, Any] = field(default_factory=dict)
    augmentation: dict[str, Any] = field(default_factory=dict)
    seed: Annotated[int, bounded("seed")] = MISSING
    # Draws the validation images anew; null: as preprocess did.
    split_seed: Annotated[int, bounded("data_seed")] | None = None
    # Draws all three parts anew, the held-out images too; null: as fetch and preprocess did.
    data_seed: Annotated[int, bounded("data_seed")] | None = None
    epochs: Annotated[int, bounded("epochs")] = MISSING
    batch_size: Annotated[int, bounded("batch_size")] = MISSING
    label_smoothing: Annotated[float, bounded("label_smoothing")] = MISSING
    precision: Annotated[str, one_of(PRECISIONS)] = MISSING
    deterministic: bool = MISSING
    restore_best_weights: bool = MISSING
    submission: bool = True
    checkpoints: str | None = None  # a folder; null: checkpoints/
    mlflow: Mlflow = field(default_factory=Mlflow)

    def __post_init__(self) -> None:
        """Check the values together, and those whose keys the files of conf/ choose."""
        if None not in (self.split_seed, self.data_seed):
            raise InputError(
                f"split_seed={self.split_seed} and data_seed={self.data_seed} both draw the "
                "validation images: delete split_seed."
            )
        checkpoint_place.check(self.checkpoints)
        for group in GROUPS:
            _check_ranges(group, getattr(self, group))


DATASETS = [f"{source}-{layout}" for source in SOURCES for layout in LAYOUTS]
Words = Annotated[tuple[str, ...], Field(strict=False)]  # a list in YAML


@dataclass(config=STRICT, kw_only=True, frozen=True)
class RunSettings:
    """The keys that studies and searches share."""

    question: str  # which they answer, a sentence
    dataset: Annotated[str, one_of(DATASETS)]
    overrides: Words = ()  # of all runs
    workers: Annotated[int, bounded("workers")] = 1  # runs at a time on this machine
    executor: Annotated[str, one_of(EXECUTORS)] | None = None  # None: as the environment says
    cpus: Annotated[int, bounded("cpus")] = 1  # of each run on Ray, as gpus
    gpus: Annotated[float, bounded("gpus")] = 0.0


def refuse_key(start: str, key: str, remedies: Mapping[str, str]) -> None:
    """Raise InputError, beginning with `start`, if a dotted key or its group is in `remedies`."""
    for name in (key, key.partition(".")[0]):
        if name in remedies:
            raise InputError(f"{start}: {remedies[name]}.")


def _out_of_range(name: str, found: Any) -> str:
    """Return the reason to refuse a number, or an empty text."""
    low, high = RANGES[name]
    return "" if low <= found <= high else f"is out of range: use a number from {low} to {high}."


def _check_ranges(name: str, value: Any) -> None:
    """Refuse an empty list and a number out of its range, however deeply nested."""
    key = name.rpartition(".")[2]
    if isinstance(value, dict):
        for inner in value:
            _check_ranges(f"{name}.{inner}", value[inner])
    elif key in RANGES and isinstance(value, list):
        if not value:
            raise InputError(f"{name} has an empty list: give at least one number.")
        for member in value:
            _check_ranges(name, member)
    elif key in RANGES and type(value) in (int, float) and (refusal := _out_of_range(key, value)):
        raise InputError(f"{name}={value} {refusal}")

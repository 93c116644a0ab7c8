"""The schema of the configuration: names, types and ranges, checked when it is composed.

Nothing slow is imported for it, so that a mistake is refused within a second.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from numbers import Real
from typing import Any, cast

from omegaconf import MISSING, OmegaConf

from src.data.sources import LAYOUTS, SOURCES
from src.runtime import checkpoint_place
from src.runtime.errors import InputError, did_you_mean
from src.runtime.paths import CONF

PRECISIONS = ("auto", "float32", "mixed_bfloat16", "mixed_float16")
STRATEGIES = ("none", "mirrored")
GROUPS = ("activation", "model", "optimizer", "schedule", "augmentation")
CHOICES = (*GROUPS, "experiment")
NOT_LEARNING = ("mlflow", "submission", "checkpoints")  # change nothing of what is learned

# Ranges of the numbers in conf/'s groups, by the names that Keras gives them: (low, high).
RANGES = {
    "learning_rate": (1e-12, 1e3),
    "dropout": (0, 0.999),
    "min_lr": (0, 1e3),
    "factor": (0, 0.999),
    "patience": (0, 1e6),
    "warmup": (0, 0.999),
    "initial_factor": (0, 1),
    "beta_1": (0, 0.999999),
    "beta_2": (0, 0.999999),
    "momentum": (0, 1),
    "weight_decay": (0, 1e3),
    "rotation": (0, 180),
    "zoom": (0, 0.99),
    "shift": (0, 1),
    "displacement": (0, 28),
    "grid": (2, 28),
    "border": (0, 8),
    "first_kernel": (1, 28),
    "units": (1, 1e6),
    "filters": (1, 1e6),
}


@dataclass
class Fetch:
    """Where the data comes from."""

    source: str = MISSING
    layout: str = MISSING
    path: str | None = None
    seed: int = MISSING

    def __post_init__(self) -> None:
        """Check the values; OmegaConf.to_object calls this."""
        _one_of("fetch.source", self.source, SOURCES)
        _one_of("fetch.layout", self.layout, LAYOUTS)
        _within("fetch.seed", self.seed, 0, 2**32 - 1)
        if self.source == "files" and not self.path:
            raise InputError(
                "fetch.path is empty, but fetch.source=files reads the CSVs from a folder: set "
                "fetch.path in params.yaml to the folder, or the zip archive, with train.csv and "
                "test.csv."
            )


@dataclass
class Preprocess:
    """How the labelled images are split."""

    valid_fraction: float = MISSING
    seed: int = MISSING

    def __post_init__(self) -> None:
        """Check the values."""
        _within("preprocess.valid_fraction", self.valid_fraction, 0.001, 0.9)
        _within("preprocess.seed", self.seed, 0, 2**32 - 1)


@dataclass
class Mlflow:
    """Whether and where a run is recorded."""

    enabled: bool = True
    experiment: str = MISSING
    parent_run_id: str | None = None
    resume: bool = True  # a multirun goes on with what is made of it already
    named_by: list[str] = field(default_factory=lambda: ["activation"])  # whose values name a run


@dataclass
class Config:
    """What train reads: the chosen groups, with their values, and its own values."""

    activation: dict[str, Any] = field(default_factory=dict)
    model: dict[str, Any] = field(default_factory=dict)
    optimizer: dict[str, Any] = field(default_factory=dict)
    schedule: dict[str, Any] = field(default_factory=dict)
    augmentation: dict[str, Any] = field(default_factory=dict)
    seed: int = MISSING
    split_seed: int | None = None  # draws the validation images anew; null: as preprocess did
    epochs: int = MISSING
    batch_size: int = MISSING
    label_smoothing: float = MISSING
    precision: str = MISSING
    deterministic: bool = MISSING
    restore_best_weights: bool = MISSING
    strategy: str = "none"
    submission: bool = True
    checkpoints: str | None = None  # a folder or s3://BUCKET/PREFIX; null: checkpoints/
    mlflow: Mlflow = field(default_factory=Mlflow)

    def __post_init__(self) -> None:
        """Check the values."""
        _within("seed", self.seed, 0, 2**31 - 1)
        if self.split_seed is not None:
            _within("split_seed", self.split_seed, 0, 2**32 - 1)
        _within("epochs", self.epochs, 1, 100_000)
        _within("batch_size", self.batch_size, 1, 1_000_000)
        _within("label_smoothing", self.label_smoothing, 0, 0.99)
        _one_of("precision", self.precision, PRECISIONS)
        _one_of("strategy", self.strategy, STRATEGIES)
        checkpoint_place.check(self.checkpoints)
        for group in GROUPS:
            _check_ranges(group, getattr(self, group))


STAGES: dict[str, type[Fetch] | type[Preprocess]] = {"fetch": Fetch, "preprocess": Preprocess}


def refuse_unknown(prefix: str, found: Iterable[Any], known: Iterable[str], where: str) -> None:
    """Raise InputError for the first key of `found` that is not `known`.

    Args:
        prefix: of the key's full name.
        found: keys.
        known: keys.
        where: what knows them, for the sentence.
    """
    known = list(known)
    for key in found:
        if key not in known:
            raise InputError(
                f"{prefix}{key} is unknown. {did_you_mean(str(key), known)}"
                f"{where} knows {', '.join(known)}."
            )


def kind_of(value: Any) -> str:
    """Return what a value is, in words."""
    kinds = {
        bool: "true/false",
        int: "a whole number",
        float: "a number",
        str: "a text",
        list: "a list of lists" if nested(value) else "a list",
        dict: "a group of keys",
    }
    return kinds.get(type(value), "empty" if value is None else f"a {type(value).__name__}")


def nested(value: Any) -> bool:
    """Return whether a value is a list of lists."""
    return isinstance(value, list) and bool(value) and all(isinstance(one, list) for one in value)


def check_types(group: str, choice: str, node: dict[str, Any]) -> None:
    """Refuse a key that the group's own file lacks, or a value of another type than its."""
    path = CONF / group / f"{choice}.yaml"
    loaded = OmegaConf.to_container(OmegaConf.load(path), resolve=False)
    defaults = cast(dict[str, Any], loaded)
    refuse_unknown(f"{group}.", node, defaults, f"conf/{group}/{choice}.yaml")
    for key, default in defaults.items():
        value = node.get(key)
        if default is None or (isinstance(default, str) and "${" in default):
            continue
        kind = Real if type(default) is float else type(default)  # 5 may stand where 5.0 does
        fits = isinstance(value, kind) and isinstance(value, bool) == isinstance(default, bool)
        if not fits or (nested(value) != nested(default)):
            raise InputError(
                f"{group}.{key}={value} is {kind_of(value)}, but conf/{group}/{choice}.yaml has "
                f"{kind_of(default)} there ({default}): give a value of that kind."
            )


def _one_of(name: str, found: str, known: Any) -> None:
    if found != MISSING and found not in known:
        raise InputError(
            f"{name}={found} is unknown. {did_you_mean(found, list(known))}"
            f"Choose one of {', '.join(known)}."
        )


def _within(name: str, found: Any, low: float, high: float) -> None:
    if found != MISSING and not low <= found <= high:
        raise InputError(f"{name}={found} is out of range: use a number from {low} to {high}.")


def _check_ranges(name: str, node: Any) -> None:
    children = node.items() if isinstance(node, dict) else []
    for key, value in children:
        if key in RANGES and isinstance(value, list) and [] in [value, *value]:
            raise InputError(f"{name}.{key}={value} has an empty list: give at least one number.")
        for number in _numbers(value) if key in RANGES else ():
            _within(f"{name}.{key}", number, *RANGES[key])
        _check_ranges(f"{name}.{key}", value)


def _numbers(value: Any) -> Iterator[Real]:
    """Yield a number, or the numbers of a list, however deep they lie in it."""
    if isinstance(value, list):
        for member in value:
            yield from _numbers(member)
    elif isinstance(value, Real) and not isinstance(value, bool):
        yield value

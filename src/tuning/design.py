"""What a search consists of: its file in conf/search/, checked."""

import importlib.util
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import log10
from typing import Any

from omegaconf import MISSING

from src.config import compose, named_file
from src.config.schema import GROUPS, NOT_LEARNING
from src.data import sources
from src.data.dataset import Dataset
from src.runtime import metric_names, paths
from src.runtime.errors import InputError, did_you_mean
from src.studies import level
from src.studies.design import Composition
from src.studies.executors import choice
from src.tracking import fingerprint

SEARCHES = paths.CONF / "search"
EXPERIMENTS = paths.CONF / "experiment"
MAX_TRIALS = 10_000
DIGITS = 4  # significant ones of a number that is drawn: more would only look exact
MOST_CHECKED = 200  # configurations that are composed before a search begins

LOG_UNIFORM, UNIFORM, INTEGER, CHOICES = KINDS = ("log_uniform", "uniform", "integer", "choices")
TPE, RANDOM, GP = SAMPLERS = ("tpe", "random", "gp")
MEDIAN, HYPERBAND, HALVING, NO_PRUNER = PRUNERS = (
    "median",
    "hyperband",
    "successive_halving",
    "none",
)
OBJECTIVES = (metric_names.BEST_VAL_ACCURACY,)
EXAMPLE = "see conf/search/learning_rate_and_decay.yaml"


@dataclass(frozen=True)
class Range:
    """The values that a key may have.

    Attributes:
        kind: log_uniform, uniform, integer or choices.
        values: the lowest and the highest value, or of choices each.
    """

    kind: str
    values: tuple[Any, ...]

    @property
    def numeric(self) -> bool:
        """Whether it is an interval of numbers."""
        return self.kind != CHOICES

    def rounded(self, value: float) -> float | int:
        """Return a value that was drawn with `DIGITS` significant digits, within the bounds."""
        if self.kind == INTEGER:
            return int(value)
        low, high = self.values
        places = DIGITS - 1 - int(log10(abs(value)) // 1) if value else 0
        return min(max(round(float(value), places), float(low)), float(high))

    def __str__(self) -> str:
        """Return it in words: `0.001 to 0.03 (log-uniform)`."""
        if not self.numeric:
            return ", ".join(level.override_value(value) for value in self.values)
        low, high = self.values
        return f"{low:g} to {high:g} ({self.kind.replace('_', '-')})"


@dataclass
class Search:
    """A search as its file defines it: so many trials, drawn from a space, all else alike."""

    question: str = MISSING  # what it answers, a sentence
    experiment: str = MISSING
    dataset: str = MISSING  # the source and the layout of its data, as in mnist-kaggle
    space: dict[str, Any] = field(default_factory=dict)  # key: {kind: values}
    trials: int = MISSING  # in all, however often the command is started
    sampler: str = TPE
    pruner: str = MEDIAN
    objective: str = metric_names.BEST_VAL_ACCURACY
    overrides: list[str] = field(default_factory=list)
    workers: int = 1  # trials at a time on this machine
    executor: str | None = None  # what makes the trials; None leaves it to the environment
    cpus: int = 1  # of each trial on Ray
    gpus: float = 0.0  # of each trial on Ray
    seed: int = 1  # of what is drawn, and of every training

    def __post_init__(self) -> None:
        """Check the values; OmegaConf.to_object calls this."""
        if not self.space:
            raise InputError(f"space is empty: give at least one key and its range; {EXAMPLE}.")
        for key, given in self.space.items():
            _check_key(key)
            _check_range(key, given)
        _within("trials", self.trials, 1, MAX_TRIALS)
        choice.check(self)
        _within("seed", self.seed, 0, 2**31 - 1)
        _one_of("sampler", self.sampler, SAMPLERS)
        _one_of("pruner", self.pruner, PRUNERS)
        if self.sampler == GP and importlib.util.find_spec("torch") is None:
            raise InputError(
                f"sampler={GP} needs PyTorch, which is not installed: use {TPE} or {RANDOM}."
            )
        if self.objective.startswith("test") or "kaggle" in self.objective:
            raise InputError(
                f"objective={self.objective} would choose by the held-out images, which then "
                f"measure nothing any more: use {OBJECTIVES[0]}."
            )
        _one_of("objective", self.objective, OBJECTIVES)
        source, _, layout = self.dataset.rpartition("-")
        if source not in sources.SOURCES or layout not in sources.LAYOUTS:
            raise InputError(
                f"dataset={self.dataset} is unknown: write a fetch.source, a hyphen and a "
                f"fetch.layout; {', '.join(sources.SOURCES)} with {', '.join(sources.LAYOUTS)}."
            )
        for override in self.overrides:
            if not isinstance(override, str) or "=" not in override:
                raise InputError(f"overrides has {override}: write each as in epochs=1.")
            key = level.key(override)
            if key in self.space:
                raise InputError(f"{key} is in space and in overrides: delete one of the two.")
            if key in RESERVED:
                raise InputError(f"overrides has {override}: {RESERVED[key]}.")
            if key.startswith(OUTSIDE):
                raise InputError(f"overrides has {override}, which no search may set: delete it.")

    @cached_property
    def ranges(self) -> dict[str, Range]:
        """The values that each key may have."""
        found = {}
        for key, given in self.space.items():
            [(kind, values)] = given.items()
            found[key] = Range(kind, tuple(values))
        return found


RESERVED = {"seed": "give it under seed", "experiment": "give it under experiment"}
OUTSIDE = ("mlflow", "hydra", "submission", "split_seed")


def _check_key(key: str) -> None:
    if key == "seed":
        raise InputError("space has seed, which is luck and cannot be tuned: delete it.")
    if key == "experiment" or key.partition(".")[0] in (*OUTSIDE, *NOT_LEARNING):
        raise InputError(f"space has {key}, which no search may vary: delete it.")


def _check_range(key: str, given: Any) -> None:
    if not isinstance(given, dict) or len(given) != 1:
        raise InputError(
            f"space.{key} is {given}, expected one kind of range, as in {{log_uniform: [0.001, "
            f"0.1]}}: use {', '.join(KINDS)}."
        )
    [(kind, values)] = given.items()
    if kind not in KINDS:
        raise InputError(
            f"space.{key}.{kind} is unknown. {did_you_mean(str(kind), list(KINDS))}"
            f"Use one of {', '.join(KINDS)}."
        )
    if not isinstance(values, list) or not values:
        raise InputError(f"space.{key}.{kind} is {values}: give a list of values.")
    if kind == CHOICES:
        texts = [level.override_value(value) for value in values]
        twice = [one for one in dict.fromkeys(texts) if texts.count(one) > 1]
        if twice:
            raise InputError(f"space.{key} has {', '.join(twice)} twice: list each once.")
        return
    numbers = (int,) if kind == INTEGER else (int, float)
    if len(values) != 2 or any(type(value) not in numbers for value in values):
        what = "whole numbers" if kind == INTEGER else "numbers"
        raise InputError(f"space.{key}.{kind} is {values}: give two {what}, low and high.")
    low, high = values
    if low >= high:
        raise InputError(
            f"space.{key}.{kind} is {values}, whose lower bound is not below the upper: write "
            f"[{high}, {low}]."
            if low > high
            else f"space.{key}.{kind} is {values}, which is one value: give it under overrides."
        )
    if kind == LOG_UNIFORM and low <= 0:
        raise InputError(
            f"space.{key}.{kind} is {values}, but a logarithm needs a lower bound above 0: raise "
            "it, or use uniform."
        )


def _within(name: str, found: int, low: int, high: int) -> None:
    if not low <= found <= high:
        raise InputError(f"{name}={found} is out of range: use a number from {low} to {high}.")


def _one_of(name: str, found: str, known: Sequence[str]) -> None:
    if found not in known:
        raise InputError(
            f"{name}={found} is unknown. {did_you_mean(found, list(known))}"
            f"Choose one of {', '.join(known)}."
        )


def names() -> list[str]:
    """Return the searches that there are: the files of conf/search/, without .yaml."""
    return named_file.names(SEARCHES)


def load(name: str) -> Search:
    """Return the search of conf/search/NAME.yaml.

    Raises:
        InputError: there is none of that name, it is not YAML, a key is missing or unknown, a value
            is of another type or out of range.
    """
    return named_file.load("search", SEARCHES, name, Search, lambda found: found, example=EXAMPLE)


def file_of(name: str) -> str:
    """Return how a sentence names a search's file."""
    return f"conf/search/{name}.yaml"


def base(search: Search) -> list[str]:
    """Return the overrides that all trials of a search have in common."""
    return [f"experiment={search.experiment}", *search.overrides]


def words(params: Mapping[str, Any]) -> list[str]:
    """Return the overrides of a trial, groups first: a group's file comes before its keys."""
    keys = sorted(params, key=lambda key: key not in GROUPS)
    return [f"{key}={level.override_value(params[key])}" for key in keys]


def composition(common: Sequence[str], params: Mapping[str, Any], seed: int) -> Composition:
    """Return the configuration of a trial, checked.

    Args:
        common: overrides that all trials share.
        params: what was drawn.
        seed: of the training.

    Raises:
        InputError: it cannot be configured like this.
    """
    composed, choices = compose.composition(*common, *words(params), f"seed={seed}")
    # No trial is scored on the held-out images: the search shall not see them.
    composed.submission = False
    if not compose.resolve(composed, choices).mlflow.enabled:
        raise InputError(
            "mlflow.enabled=false, but a search finds its trials in MLflow: set mlflow.enabled: "
            "true in params.yaml."
        )
    return Composition(composed, choices)


def corners(search: Search, common: Sequence[str]) -> list[Composition]:
    """Return configurations from the edges of a space, checked: each choice of a group with each
    of another's, all numbers at their lowest and at their highest, and every other choice once.

    Raises:
        InputError: a key does not exist, or a value is refused; the sentence names the file's key.
    """
    found = []
    for params in itertools.islice(_edges(search.ranges), MOST_CHECKED):
        try:
            found.append(composition(common, params, search.seed))
        except InputError as error:
            raise InputError(f"space: {error}") from error
    return found


def _edges(ranges: Mapping[str, Range]) -> Iterator[dict[str, Any]]:
    groups = {key: one.values for key, one in ranges.items() if key in GROUPS}
    others = {key: one for key, one in ranges.items() if key not in GROUPS}
    most = max((len(one.values) for one in others.values()), default=1)
    for chosen in itertools.product(*groups.values()):
        for place in range(most):
            edge = {key: one.values[min(place, len(one.values) - 1)] for key, one in others.items()}
            yield {**dict(zip(groups, chosen, strict=True)), **edge}


def definition(search: Search, common: Sequence[str], data: Dataset) -> dict[str, Any]:
    """Return what makes two searches the same, in plain JSON values. Not among it is how many
    trials there are, so that a search can be extended.

    Args:
        search: the search.
        common: overrides that all its trials share.
        data: the data.
    """
    composed, _ = composition(common, {}, search.seed)
    return {
        "training": fingerprint.digest(fingerprint.settings(composed), data),
        "space": {key: search.space[key] for key in sorted(search.space)},
        "sampler": search.sampler,
        "pruner": search.pruner,
        "objective": search.objective,
        "seed": search.seed,
    }

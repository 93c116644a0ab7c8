"""The file of a study in conf/study/: read, checked, and turned into a `Study`."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from omegaconf import MISSING

from src.config import named_file, schema
from src.data import sources
from src.runtime import paths
from src.runtime.errors import InputError, did_you_mean
from src.studies import factor, level, seed_plan
from src.studies.design import SEED, SPLIT, Study
from src.studies.executors import choice

STUDIES = paths.CONF / "study"
MAX_LABEL = 60  # characters
EXAMPLE = "see conf/study/learning_rate.yaml"
COMPARISONS = ("reference", "all")
# Of accuracy, a fraction. MNIST's runs differ by hundredths of a percentage point, Fashion-MNIST's
# by tenths.
SMALLEST_EFFECT = 0.0002
SMALLEST_EFFECTS = {"fashion_mnist": 0.002}
# What a study sets by keys of its own.
RESERVED = {"seed": "seeds", "split_seed": "vary: [seed, split]", "experiment": "experiment"}
NOT_ITS_BUSINESS = ("mlflow", "hydra", "submission")
DATA = ("fetch", "preprocess", "dataset", "split_seed")  # what decides on which data a run is


@dataclass
class StudyFile:
    """The keys of a study's file. `Any` stands where several kinds of values are known."""

    question: str = MISSING
    experiment: str | None = None
    dataset: str = MISSING
    factor: str | None = None
    levels: Any = None
    variants: Any = None
    reference: Any = None
    compare: str = "reference"
    seeds: Any = MISSING
    smallest_effect: float | None = None
    vary: list[str] = field(default_factory=lambda: [SEED])
    overrides: list[str] = field(default_factory=list)
    workers: int = 1
    executor: str | None = None
    cpus: int = 1
    gpus: float = 0.0
    tune: str | None = None
    description: str | None = None  # the question, in older files
    activations: Any = None  # the levels of the factor activation, in older files


def names() -> list[str]:
    """Return the studies that there are: the files of conf/study/, without .yaml."""
    return named_file.names(STUDIES)


def load(name: str) -> Study:
    """Return the study of conf/study/NAME.yaml.

    Raises:
        InputError: there is none of that name, it is not YAML, a key is missing or unknown, a value
            is of another type or out of range.
    """
    return named_file.load(
        "study",
        STUDIES,
        name,
        StudyFile,
        _study,
        example=EXAMPLE,
        renamed={"description": "question"},
    )


def _study(given: StudyFile) -> Study:
    """Return the study that a file's keys define.

    Raises:
        InputError: a value makes no sense.
    """
    source, _, layout = given.dataset.rpartition("-")
    if source not in sources.SOURCES or layout not in sources.LAYOUTS:
        raise InputError(
            f"dataset={given.dataset} is unknown: write a fetch.source, a hyphen and a "
            f"fetch.layout; {', '.join(sources.SOURCES)} with {', '.join(sources.LAYOUTS)}."
        )
    choice.check(given)
    key, values = _factor(given)
    levels = _levels(key, values)
    _check_overrides(given.overrides, key, levels)
    if given.experiment is None and key != "experiment":
        raise InputError(f"experiment is missing: {EXAMPLE}.")
    if given.experiment is not None and key == "experiment":
        raise InputError("experiment is the factor, so its levels choose it: delete experiment.")
    if given.compare not in COMPARISONS:
        raise InputError(
            f"compare={given.compare} is unknown: write reference, each level with that one, or "
            "all, every pair."
        )
    seeds = seed_plan.read(given.seeds)
    if seeds.looks and len(levels) < 2:
        raise InputError("seeds until decided need 2 levels or more to decide between: list them.")
    return Study(
        question=given.question,
        factor=factor.of(key, list(values.values())),
        levels=levels,
        reference=_reference(given.reference, key, levels),
        seeds=seeds.seeds,
        looks=seeds.looks,
        experiment=given.experiment,
        dataset=given.dataset,
        smallest_effect=_smallest_effect(given.smallest_effect, source),
        compare=given.compare,
        vary=_vary(given.vary),
        overrides=tuple(given.overrides),
        workers=given.workers,
        tune=given.tune,
        executor=given.executor,
        cpus=given.cpus,
        gpus=given.gpus,
    )


def _factor(given: StudyFile) -> tuple[str, dict[str, Any]]:
    """Return the key of the factor, and its values by their labels; of variants, lists of words."""
    named = [
        key for key in ("levels", "variants", "activations") if getattr(given, key) is not None
    ]
    if len(named) != 1:
        found = f"has {' and '.join(named)}" if named else "has no levels"
        raise InputError(
            f"it {found}: give either factor with levels, or variants, each with its overrides."
        )
    if named == ["levels"]:
        if not given.factor:
            raise InputError(
                "factor is missing: name the group of conf/, or the key of the configuration, "
                "whose levels these are."
            )
        if given.factor.partition(".")[0] in DATA:
            raise InputError(
                f"factor is {given.factor}, but all runs of a study are on the same data: make "
                "a study of each data set, and show them on one page with `python -m src.report`."
            )
        if given.factor.partition(".")[0] in (*NOT_ITS_BUSINESS, *RESERVED.keys() - {"experiment"}):
            raise InputError(
                f"factor is {given.factor}, at which nothing is learned or which a study sets "
                "itself: name a group of conf/, or a key that the training depends on."
            )
        return given.factor, _by_label("levels", given.levels)
    wanted = {"variants": factor.VARIANT, "activations": "activation"}[named[0]]
    if given.factor not in (None, wanted):
        raise InputError(f"factor is {given.factor}, but {named[0]} are given: give its levels.")
    if named == ["activations"]:
        return wanted, _by_label("activations", given.activations)
    if not isinstance(given.variants, Mapping):
        raise InputError(
            "variants is no group of keys: give each a label and its overrides, as in "
            "AdamW: [optimizer=adamw, schedule=one_cycle]."
        )
    return wanted, _by_label("variants", given.variants)


def _by_label(name: str, given: Any) -> dict[str, Any]:
    """Return what a file lists, or maps labels to, by the labels."""
    if not isinstance(given, list | Mapping):
        raise InputError(f"{name} is {schema.kind_of(given)} ({given}): write a list.")
    if not given:
        raise InputError(f"{name} is empty: list at least one.")
    pairs: Iterable[tuple[Any, Any]] = (
        given.items() if isinstance(given, Mapping) else ((value, value) for value in given)
    )
    found: dict[str, Any] = {}
    for key, value in pairs:
        if isinstance(value, Mapping):
            raise InputError(f"{name} has {value}: list single values, or map a label to each.")
        label = level.label(key)
        if label in found:
            raise InputError(f"{name} has {label} twice: list each once.")
        if not label.isprintable() or not 0 < len(label.strip()) <= MAX_LABEL:
            raise InputError(
                f"{name} has the label {label!r}: write 1 to {MAX_LABEL} characters in one line."
            )
        found[label] = value
    return found


def _levels(key: str, values: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """Return the overrides of each level, by its label."""
    if key == factor.VARIANT:
        for label, words in values.items():
            _check_variant(label, words)
        return {label: tuple(words) for label, words in values.items()}
    if key in schema.CHOICES:
        for value in values.values():
            if not isinstance(value, str):
                raise InputError(
                    f"levels has {value}, {schema.kind_of(value)}, but the factor {key} chooses a "
                    f"file: give the names of files in conf/{key}/, without .yaml."
                )
        return {label: (f"{key}={value}",) for label, value in values.items()}
    return {label: (f"{key}={level.override_value(value)}",) for label, value in values.items()}


def _check_variant(label: str, words: Any) -> None:
    if not isinstance(words, list):
        raise InputError(
            f"variants.{label} is {schema.kind_of(words)} ({words}): list its overrides, as in "
            "[optimizer=adamw, schedule=one_cycle]."
        )
    for word in words:
        if not isinstance(word, str):
            raise InputError(f"variants.{label} has {word}: write each as in epochs=1.")
        key = level.key(word)
        if key.partition(".")[0] in DATA:
            raise InputError(
                f"variants.{label} has {word}, but all runs of a study are on the same data: make "
                "a study of each data set, and show them on one page with `python -m src.report`."
            )
        if key == "seed":
            raise InputError(f"variants.{label} has {word}: give it under seeds.")
        if key.startswith(NOT_ITS_BUSINESS):
            raise InputError(f"variants.{label} has {word}, which no study may set: delete it.")


def _check_overrides(
    overrides: Sequence[str], factor_key: str, levels: Mapping[str, Sequence[str]]
) -> None:
    """Refuse a common override that a level sets, or that no study may set."""
    setters = {level.key(word): label for label, words in levels.items() for word in words}
    for override in overrides:
        key = level.key(override)
        if key == factor_key:
            where = "activations or levels" if key == "activation" else "levels"
            raise InputError(f"overrides has {override}, the factor: give it under {where}.")
        if key in setters:
            raise InputError(
                f"overrides has {override}, but the variant {setters[key]} sets {key} too: give it "
                "in every variant, or in none."
            )
        if key in RESERVED:
            raise InputError(f"overrides has {override}: give it under {RESERVED[key]}.")
        if key.partition(".")[0] in DATA:
            raise InputError(f"overrides has {override}: give the data under dataset.")
        if key.startswith(NOT_ITS_BUSINESS):
            raise InputError(f"overrides has {override}, which no study may set: delete it.")


def _reference(given: Any, key: str, levels: Mapping[str, object]) -> str:
    """Return the label of the reference: the given one, else ReLU where there is that activation,
    else the first.
    """
    labels = list(levels)
    if given is None:
        return "relu" if key == "activation" and "relu" in levels else labels[0]
    label = level.label(given)
    if label not in levels:
        raise InputError(
            f"reference is {label}, which is no level. {did_you_mean(label, labels)}"
            f"Choose one of {', '.join(labels)}."
        )
    return label


def _smallest_effect(given: float | None, source: str) -> float:
    if given is None:
        return SMALLEST_EFFECTS.get(source, SMALLEST_EFFECT)
    if not 0 < given < 1:
        raise InputError(
            f"smallest_effect={given} is out of range: write the difference of accuracy that "
            "matters as a fraction, 0.0002 for 0.02 percentage points."
        )
    return given


def _vary(given: Sequence[str]) -> tuple[str, ...]:
    if list(given) not in ([SEED], [SEED, SPLIT]):
        raise InputError(
            f"vary is [{', '.join(map(str, given))}]: write [seed], or [seed, split] to draw the "
            "validation images anew with each seed."
        )
    return tuple(given)

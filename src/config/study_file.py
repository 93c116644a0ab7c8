"""Studies: what the files of conf/study/ may say, and what they define."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, ValidationInfo
from pydantic.dataclasses import dataclass as pydantic_dataclass

from src.config import factor, messages, override, plan_file, seed_plan, yaml_files
from src.config.factor import VARIANT, Factor
from src.config.plan_file import FORBIDDEN_OVERRIDES, PlanFile, Words
from src.config.schema import CHOICES, STRICT, one_of
from src.config.seed_plan import SeedPlan
from src.runtime import paths
from src.runtime.errors import InputError, did_you_mean

STUDIES = paths.CONF / "study"
SEED, SPLIT = "seed", "split"  # what may differ between the runs of a level
MAX_LABEL = 60  # characters
EXAMPLE = "see conf/study/learning_rate.yaml"
# Of accuracy, a fraction. MNIST's runs differ by hundredths of a percentage point, Fashion-MNIST's
# by tenths.
SMALLEST_EFFECT = 0.0002
SMALLEST_EFFECTS = {"fashion_mnist": 0.002}
# What to do instead of setting a key.
REMEDIES = {
    **dict.fromkeys(FORBIDDEN_OVERRIDES, "no study may set it, so delete it"),
    **dict.fromkeys(
        ("fetch", "preprocess", "dataset"),
        "all runs of a study are on the same data, so give it under dataset; study other data in "
        "another file, and show both on one page with `python -m src.report`",
    ),
    "seed": "give it under seeds",
    "split_seed": "give it under vary: [seed, split]",
    "experiment": "give it under experiment",
}
RECIPE_REMEDIES = {key: text for key, text in REMEDIES.items() if key != "experiment"}


@dataclass(frozen=True)
class Study:
    """Every level of a factor with every seed, all else alike."""

    question: str  # that the study answers, a sentence
    factor: Factor
    levels: Mapping[str, tuple[str, ...]]  # the overrides of each level, by its label
    reference: str  # the label of the level that the others are compared with
    seeds: tuple[int, ...]  # of each level; with `looks`, at most these
    experiment: str | None  # the recipe; None where the factor is the recipe
    dataset: str  # source-layout, as in mnist-kaggle
    smallest_effect: float  # of accuracy, a fraction; a smaller one does not matter
    compare: str = "reference"  # each level with the reference; or "all", every pair
    looks: tuple[int, ...] = ()  # planned looks: after how many seeds, ascending
    vary: tuple[str, ...] = (SEED,)  # what differs between the runs of a level
    overrides: tuple[str, ...] = ()  # of all runs
    workers: int = 1  # runs at a time on this machine
    tune: str | None = None  # the search that tunes each level first
    tuned: Mapping[str, Any] | None = None  # its results by label, in plain JSON values
    executor: str | None = None  # None: as the environment says
    cpus: int = 1  # of each run on Ray, as gpus
    gpus: float = 0.0


def _by_label(given: Any, info: ValidationInfo) -> dict[str, Any] | None:
    """Return the members of a list, or of a mapping from labels to them, by their labels."""
    name = info.field_name
    if given is None:
        return None
    if not isinstance(given, list | dict):
        raise InputError(f"{name} is {messages.kind_of(given)} ({given}): write a list.")
    if not given:
        raise InputError(f"{name} is empty: list at least one.")
    found: dict[str, Any] = {}
    for key in given:
        value = given[key] if isinstance(given, dict) else key
        if isinstance(value, dict):
            raise InputError(f"{name} has {value}: list single values, or map a label to each.")
        label = override.label(key)
        if label in found:
            raise InputError(f"{name} has {label} twice: list each once.")
        if not label.isprintable() or not 0 < len(label.strip()) <= MAX_LABEL:
            raise InputError(
                f"{name} has the label {label!r}: write 1 to {MAX_LABEL} characters in one line."
            )
        found[label] = value
    return found


def _check_effect(found: float) -> float:
    if not 0 < found < 1:
        raise ValueError(
            "is out of range: write the difference of accuracy that matters as a fraction, 0.0002 "
            "for 0.02 percentage points."
        )
    return found


def _check_vary(found: tuple[str, ...]) -> tuple[str, ...]:
    if found not in ((SEED,), (SEED, SPLIT)):
        raise ValueError(
            "is unknown: write [seed], or [seed, split] to draw the validation images anew with "
            "each seed."
        )
    return found


@pydantic_dataclass(config=STRICT, kw_only=True)
class StudyFile(PlanFile):
    """The keys of a study's file."""

    experiment: str | None = None
    factor: str | None = None
    levels: Annotated[dict[str, Any] | None, BeforeValidator(_by_label)] = None
    variants: Annotated[dict[str, Words] | None, BeforeValidator(_by_label)] = None
    reference: Any = None
    compare: Annotated[str, one_of(("reference", "all"))] = "reference"
    seeds: Annotated[SeedPlan, BeforeValidator(seed_plan.read)]
    smallest_effect: Annotated[float, AfterValidator(_check_effect)] | None = None
    vary: Annotated[Words, AfterValidator(_check_vary)] = (SEED,)
    tune: str | None = None


def names() -> list[str]:
    """Return the names of the files of conf/study/, without .yaml."""
    return yaml_files.names(STUDIES)


def load(name: str) -> Study:
    """Return the study of conf/study/NAME.yaml.

    Raises:
        InputError: there is none of that name, it is not YAML, a key is missing or unknown, or a
            value is refused.
    """
    given = plan_file.read("study", STUDIES, name)
    with plan_file.errors_in(f"conf/study/{name}.yaml"):
        return _study(messages.validated(StudyFile, given, where="A study", missing=EXAMPLE))


def _study(given: StudyFile) -> Study:
    key = _factor_key(given)
    if given.experiment is None and key != "experiment":
        raise InputError(f"experiment is missing: {EXAMPLE}.")
    if given.experiment is not None and key == "experiment":
        raise InputError("experiment is the factor, so its levels choose it: delete experiment.")
    levels = _levels(key, given)
    _check_overrides(given, key, levels)
    if given.seeds.looks and len(levels) < 2:
        raise InputError("seeds until decided need 2 levels or more to decide between: list them.")
    source = given.dataset.rpartition("-")[0]
    default = SMALLEST_EFFECTS.get(source, SMALLEST_EFFECT)
    effect = given.smallest_effect
    values = {name: value for name, value in vars(given).items() if name != "variants"} | {
        "factor": factor.of(key, list((given.levels or {}).values())),
        "levels": levels,
        "reference": _reference(given.reference, key, list(levels)),
        "seeds": given.seeds.seeds,
        "looks": given.seeds.looks,
        "smallest_effect": default if effect is None else effect,
    }
    return Study(**values)


def _factor_key(given: StudyFile) -> str:
    """Return the key of a study's factor."""
    if (given.levels is None) == (given.variants is None):
        found = "no levels" if given.levels is None else "levels and variants"
        raise InputError(
            f"it has {found}: give either factor with levels, or variants, each with its overrides."
        )
    if given.variants is not None:
        if given.factor not in (None, VARIANT):
            raise InputError(f"factor is {given.factor}, but variants are given: give its levels.")
        return VARIANT
    if not given.factor:
        raise InputError(
            "factor is missing: name the group of conf/, or the key of the configuration, whose "
            "levels these are."
        )
    plan_file.refuse_key(f"factor is {given.factor}", given.factor, RECIPE_REMEDIES)
    return given.factor


def _levels(key: str, given: StudyFile) -> dict[str, tuple[str, ...]]:
    """Return the overrides of each level, by its label."""
    if given.variants is not None:
        for label, words in given.variants.items():
            for word in words:
                start = f"variants.{label} has {word}"
                plan_file.refuse_key(start, override.key(word), RECIPE_REMEDIES)
        return given.variants
    levels = given.levels or {}
    for value in levels.values() if key in CHOICES else ():
        if not isinstance(value, str):
            raise InputError(
                f"levels has {value}, {messages.kind_of(value)}, but the factor {key} chooses a "
                f"file: give the names of files in conf/{key}/, without .yaml."
            )
    return {label: (f"{key}={override.value(value)}",) for label, value in levels.items()}


def _check_overrides(given: StudyFile, factor_key: str, levels: Mapping[str, Words]) -> None:
    """Refuse a common override that a level sets, or that no study may set."""
    setters = {override.key(word): label for label, words in levels.items() for word in words}
    for word in given.overrides:
        key, start = override.key(word), f"overrides has {word}"
        if key == factor_key:
            raise InputError(f"{start}, the factor: give it under levels.")
        if key in setters:
            raise InputError(
                f"{start}, but the variant {setters[key]} sets {key} too: give it in every "
                "variant, or in none."
            )
        plan_file.refuse_key(start, key, REMEDIES)


def _reference(given: Any, key: str, labels: list[str]) -> str:
    """Return the label of the reference: the given one, else ReLU where there is that activation,
    else the first.
    """
    if given is None:
        return "relu" if key == "activation" and "relu" in labels else labels[0]
    label = override.label(given)
    if label not in labels:
        raise InputError(
            f"reference is {label}, which is not a level. {did_you_mean(label, labels)}"
            f"Choose one of {', '.join(labels)}."
        )
    return label

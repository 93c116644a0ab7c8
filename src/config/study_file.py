"""Studies: the files of conf/study/, checked."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, TypeAdapter, ValidationError, ValidationInfo
from pydantic.dataclasses import dataclass

from src.config import factor, messages, named_file, override, schema
from src.config.factor import VARIANT, Factor
from src.config.schema import STRICT, Words, bounded, one_of, refuse_key, unknown
from src.core import paths
from src.core.errors import InputError
from src.data import sources

STUDIES = paths.CONF / "study"
# What may differ between the runs of a level, in the order in which a file lists them.
SEED, SPLIT, DATA, SEARCH = "seed", "split", "data", "search"
VARIED = [
    [SEED, *more]
    for size in range(4)
    for more in itertools.combinations((SPLIT, DATA, SEARCH), size)
]
MAX_LABEL = 60  # characters
EXAMPLE = "see conf/study/learning_rate.yaml"
SEED_PLAN = "write {until: decided, at_most: 30, looks: [5, 10, 20, 30]}"
FIRST_LOOK = 5  # seeds: the fewest, and where a plan names no looks
# Of accuracy, a fraction. MNIST's runs differ by hundredths of a percentage point, Fashion-MNIST's
# by tenths.
SMALLEST_EFFECT = 0.0002
SMALLEST_EFFECTS = {"fashion_mnist": 0.002}
# Remedies for a key that must not be set in variants, and in overrides.
RECIPE_REMEDIES = {
    **dict.fromkeys(schema.FORBIDDEN_OVERRIDES, "no study may set it, so delete it"),
    **dict.fromkeys(
        ("fetch", "preprocess", "dataset"),
        "all runs of a study are on the same data, so give it under dataset; study other data in "
        "another file, and show both on one page with `python -m src.report`",
    ),
    "seed": "give it under seeds",
    "split_seed": "give it under vary: [seed, split]",
    "data_seed": "give it under vary: [seed, data]",
}
REMEDIES = RECIPE_REMEDIES | {"experiment": "give it under experiment"}


@dataclass(config=STRICT, kw_only=True, frozen=True)
class _Settings(schema.RunSettings):
    """The keys of a study's file whose values are used as they are."""

    experiment: str | None = None  # the recipe; None where the factor is the recipe
    compare: Annotated[str, one_of(("reference", "all"))] = "reference"  # or "all", every pair
    # What differs between the runs of a level.
    vary: Annotated[Words, one_of([override.value(one) for one in VARIED])] = (SEED,)
    tune: str | None = None  # the search that tunes each level first
    because: str | None = None  # why smallest_effect is what it is, for the report
    fetch_seed: Annotated[int, bounded("data_seed")] | None = None  # of the data; None: any


@dataclass(config=STRICT, kw_only=True, frozen=True)
class Study(_Settings):
    """Every level of a factor with every seed, all else alike."""

    factor: Factor
    levels: Mapping[str, tuple[str, ...]]  # the overrides of each level, by its label
    reference: str  # the label of the level that the others are compared with
    seeds: tuple[int, ...]  # of each level; with `looks`, at most these
    looks: tuple[int, ...] = ()  # planned looks: after how many seeds, ascending
    smallest_effect: float  # of accuracy, a fraction; a smaller one does not matter
    # The results of `tune` in plain JSON values, by label; by label and seed if each seed has its
    # own searches.
    tuned: Mapping[str, Any] | None = None
    searched: Mapping[tuple[str, int], Any] | None = None


def _enough(found: int) -> int:
    if found < FIRST_LOOK:
        raise ValueError(
            f"is too few: below {FIRST_LOOK} seeds, planned looks do not hold false alarms at 5%, "
            f"so plan {FIRST_LOOK} or more."
        )
    return found


LookSeeds = Annotated[int, AfterValidator(_enough), bounded("at_most")]


@dataclass(config=STRICT)
class _SeedPlan:
    until: Annotated[str, one_of(("decided",))]
    at_most: LookSeeds | None = None
    looks: list[LookSeeds] | None = None

    def numbers(self) -> tuple[int, ...]:
        """Return the numbers of seeds to look at; by default, each look doubles them."""
        looks, at_most = self.looks, self.at_most
        if looks is None:
            if at_most is None:
                raise InputError(f"seeds has no at_most, the largest number of seeds: {SEED_PLAN}.")
            doubled = [FIRST_LOOK * 2**power for power in range(10)]
            looks = [*(look for look in doubled if look < at_most), at_most]
        if not looks or sorted(set(looks)) != looks:
            raise InputError(f"seeds.looks is {looks}: each look needs more seeds, so {SEED_PLAN}.")
        if at_most not in (None, looks[-1]):
            raise InputError(
                f"seeds.at_most={at_most}, but the last look is after {looks[-1]} seeds: let both "
                "be the same."
            )
        return tuple(looks)


def _read_seeds(given: Any) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the seeds of a list, or of a plan, and the plan's looks."""
    if isinstance(given, dict):
        looks = messages.validated(_SeedPlan, given, SEED_PLAN, "seeds").numbers()
        return tuple(range(1, looks[-1] + 1)), looks
    try:
        seeds = TypeAdapter(list[int]).validate_python(given, strict=True)
    except ValidationError as error:
        raise messages.rejected(error, "seeds") from error
    messages.refuse_twice("seeds", list(map(str, seeds)))
    return tuple(seeds), ()


def _by_label(given: Any, info: ValidationInfo) -> dict[str, Any] | None:
    """Return the members of a list, or of a mapping from labels to them, by their labels."""
    name = str(info.field_name)
    if given is None:
        return None
    if not isinstance(given, list | dict):
        raise InputError(f"{name} is {messages.kind_of(given)} ({given}): write a list.")
    labels = list(map(override.label, given))
    messages.refuse_twice(name, labels)
    values = given.values() if isinstance(given, dict) else given
    for label, value in zip(labels, values, strict=True):
        if not label.isprintable() or not 0 < len(label.strip()) <= MAX_LABEL:
            remedy = f"write 1 to {MAX_LABEL} characters in one line."
            raise InputError(f"{name} has the label {label!r}: {remedy}")
        if isinstance(value, dict):
            raise InputError(f"{name} has {value}: list single values, or map a label to each.")
    return dict(zip(labels, values, strict=True))


@dataclass(config=STRICT, kw_only=True, frozen=True)
class StudyFile(_Settings):
    """The keys of a study's file."""

    factor: str | None = None
    levels: Annotated[dict[str, Any] | None, BeforeValidator(_by_label)] = None
    variants: Annotated[dict[str, Words] | None, BeforeValidator(_by_label)] = None
    reference: Any = None
    seeds: Annotated[Any, BeforeValidator(_read_seeds)]
    smallest_effect: Annotated[float, bounded("smallest_effect")] | None = None


def names() -> list[str]:
    """Return the names of the files of conf/study/, without .yaml."""
    return named_file.names(STUDIES)


def load(name: str) -> Study:
    """Return the study of conf/study/NAME.yaml; raise InputError if it is missing or wrong."""
    with named_file.definition("study", STUDIES, name) as given:
        return _study(messages.validated(StudyFile, given, EXAMPLE))


def _study(given: StudyFile) -> Study:
    key, levels = _levels(given)
    if given.experiment is None and key != "experiment":
        raise InputError(f"experiment is missing: {EXAMPLE}.")
    if given.experiment is not None and key == "experiment":
        raise InputError("experiment is the factor, so its levels choose it: delete experiment.")
    setters = {override.key(word): label for label, words in levels.items() for word in words}
    for word in given.overrides:
        if (name := override.key(word)) in setters:
            raise InputError(
                f"overrides has {word}, but the level {setters[name]} sets {name} too: give it in "
                "every level, or in none."
            )
        refuse_key(f"overrides has {word}", name, REMEDIES)
    seeds, looks = given.seeds
    if looks and len(levels) < 2:
        raise InputError("seeds until decided need 2 levels or more to decide between: list them.")
    _check_searches(given, bool(looks))
    default = "relu" if key == "activation" and "relu" in levels else next(iter(levels))
    reference = default if given.reference is None else override.label(given.reference)
    if reference not in levels:
        raise InputError(f"reference={reference} {unknown(reference, levels)}")
    if given.smallest_effect is not None and not (given.because or "").strip():
        raise InputError(
            f"smallest_effect={given.smallest_effect} is given without a reason: add the key "
            "because, a sentence that says why smaller differences do not matter."
        )
    if given.fetch_seed is not None and not sources.is_drawn(given.dataset):
        raise InputError(
            f"fetch_seed={given.fetch_seed}, but fetch.seed draws nothing of {given.dataset}: "
            "delete fetch_seed."
        )
    usual = SMALLEST_EFFECTS.get(given.dataset.rpartition("-")[0], SMALLEST_EFFECT)
    return Study(
        **{one.name: getattr(given, one.name) for one in fields(_Settings)},
        factor=factor.of(key, list((given.levels or {}).values())),
        levels=levels,
        reference=reference,
        seeds=seeds,
        looks=looks,
        smallest_effect=given.smallest_effect or usual,  # 0 is out of range
    )


def _check_searches(given: StudyFile, planned: bool) -> None:
    """Refuse sources of luck that do not fit the tuning of the levels."""
    vary = f"vary={override.label(given.vary)}"
    if SEARCH in given.vary and given.tune is None:
        raise InputError(f"{vary}, but no search tunes the levels: name it under tune.")
    if SEARCH in given.vary and planned:
        raise InputError(
            f"{vary}, but a study with planned looks may end before its last seed, and the "
            "searches of all seeds come first: list the seeds."
        )
    if given.tune is not None and DATA in given.vary and SEARCH not in given.vary:
        raise InputError(
            f"{vary}, but one search per level would choose by images that another draw holds out: "
            f"add {SEARCH}."
        )


def draws(vary: Sequence[str], seed: int) -> dict[str, int]:
    """Return the keys that draw the data of a seed's runs. `data` includes `split`: it draws the
    validation images too.
    """
    if DATA in vary:
        return {"data_seed": seed}
    return {"split_seed": seed} if SPLIT in vary else {}


def _levels(given: StudyFile) -> tuple[str, dict[str, tuple[str, ...]]]:
    """Return the factor's key, and the overrides of each level by its label."""
    if (given.levels is None) == (given.variants is None):
        found = "no levels" if given.levels is None else "levels and variants"
        remedy = "give either factor with levels, or variants, each with its overrides."
        raise InputError(f"it has {found}: {remedy}")
    if given.levels is None:
        if given.factor not in (None, VARIANT):
            raise InputError(f"factor is {given.factor}, but variants are given: give its levels.")
        for label, words in (given.variants or {}).items():
            for word in words:
                start = f"variants.{label} has {word}"
                refuse_key(start, override.key(word), RECIPE_REMEDIES)
        return VARIANT, given.variants or {}
    if not (key := given.factor):
        remedy = "name the group of conf/, or the key of the configuration, whose levels these are."
        raise InputError(f"factor is missing: {remedy}")
    refuse_key(f"factor is {key}", key, RECIPE_REMEDIES)
    for value in given.levels.values() if key in schema.CHOICES else ():
        if not isinstance(value, str):
            raise InputError(
                f"levels has {value}, {messages.kind_of(value)}, but the factor {key} chooses a "
                f"file: give the names of files in conf/{key}/, without .yaml."
            )
    return key, {label: (f"{key}={override.value(one)}",) for label, one in given.levels.items()}

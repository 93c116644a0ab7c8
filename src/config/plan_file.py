"""The files of conf/study/ and conf/search/: found and read, and the keys that both have."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, Field
from pydantic.dataclasses import dataclass

from src.config import messages, yaml_files
from src.config.schema import STRICT, bounded, one_of
from src.data.dataset import Dataset
from src.data.digits import LAYOUTS, SOURCES
from src.runtime.errors import InputError, did_you_mean

EXECUTORS = ("local", "ray")
FORBIDDEN_OVERRIDES = ("mlflow", "hydra", "submission")  # with all keys below them

Words = Annotated[tuple[str, ...], Field(strict=False)]  # a list in YAML


def _check_dataset(found: str) -> str:
    source, _, layout = found.rpartition("-")
    if source not in SOURCES or layout not in LAYOUTS:
        raise ValueError(
            "is unknown: write a fetch.source, a hyphen and a fetch.layout; "
            f"{', '.join(SOURCES)} with {', '.join(LAYOUTS)}."
        )
    return found


@dataclass(config=STRICT, kw_only=True)
class PlanFile:
    """The keys that studies and searches have in common."""

    question: str  # a sentence
    dataset: Annotated[str, AfterValidator(_check_dataset)]  # source-layout, as in mnist-kaggle
    overrides: Words = ()  # of all runs
    workers: Annotated[int, bounded("workers")] = 1  # runs at a time on this machine
    executor: Annotated[str, one_of(EXECUTORS)] | None = None  # None: as the environment says
    cpus: Annotated[int, bounded("cpus")] = 1
    gpus: Annotated[float, bounded("gpus")] = 0.0


def read(noun: str, folder: Path, name: str) -> dict[Any, Any]:
    """Return the keys and values of folder/NAME.yaml, which defines a study or a search.

    Raises:
        InputError: there is no such file, or it is not YAML.
    """
    file, known = f"conf/{noun}/{name}.yaml", yaml_files.names(folder)
    if name not in known:
        raise InputError(
            f"There is no {noun} {name!r}. {did_you_mean(name, known)}"
            f"Choose one of {', '.join(known)}, or add {file}."
        )
    return yaml_files.read(folder / f"{name}.yaml", file, resolve=True)


@contextmanager
def errors_in(file: str) -> Iterator[None]:
    """Name a file of conf/ as the place of any InputError that is raised inside."""
    try:
        yield
    except InputError as error:
        text = str(error).replace(messages.AT_HAND, "that file")
        raise InputError(f"{file}: {text}") from error


def refuse_key(start: str, key: str, remedies: Mapping[str, str]) -> None:
    """Raise InputError, a sentence with that start, for a key that a file may not set.

    Args:
        start: names the place and the key.
        key: dotted.
        remedies: what to do instead, by the keys, or groups of keys, that it may not set.
    """
    for name in (key, key.partition(".")[0]):
        if name in remedies:
            raise InputError(f"{start}: {remedies[name]}.")


def check_data(noun: str, wanted: str, found: Dataset) -> None:
    """Raise InputError if the preprocessed data is not that of a study or a search."""
    if found.name != wanted:
        source, _, layout = wanted.rpartition("-")
        raise InputError(
            f"This {noun} is on {wanted}, but data/processed holds {found.name}: set "
            f"fetch.source: {source} and fetch.layout: {layout} in params.yaml, and run "
            "`dvc repro preprocess`."
        )

"""The YAML files of the configuration; studies and searches go by their names."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from omegaconf import OmegaConf

from src.config import messages
from src.core.errors import InputError, did_you_mean, one_line

if TYPE_CHECKING:  # NumPy: only where data is read
    from src.data.dataset import Dataset


def names(folder: Path) -> list[str]:
    """Return the names of a folder's files, without .yaml."""
    return sorted(path.stem for path in folder.glob("*.yaml"))


def read(path: Path, shown: str) -> dict[Any, Any]:
    """Return the keys and values of a YAML file; raise InputError, which calls it `shown`."""
    try:
        found = OmegaConf.to_container(OmegaConf.load(path))
    except Exception as error:  # those of YAML, OmegaConf and decoding have no common type
        raise InputError(f"{shown} is not readable as YAML ({one_line(error)}): fix it.") from error
    if not isinstance(found, dict):
        kind = messages.kind_of(found)
        raise InputError(f"{shown} holds {kind}, expected `key: value` lines: fix it.")
    return found


@contextmanager
def definition(noun: str, folder: Path, name: str) -> Iterator[dict[Any, Any]]:
    """Yield the contents of folder/NAME.yaml, a study or search, which the block's errors name."""
    file, known = f"conf/{noun}/{name}.yaml", names(folder)
    if name not in known:
        raise InputError(
            f"There is no {noun} {name!r}. {did_you_mean(name, known)}"
            f"Choose one of {', '.join(known)}, or add {file}."
        )
    given = read(folder / f"{name}.yaml", file)
    with errors_in(file):
        yield given


@contextmanager
def errors_in(file: str) -> Iterator[None]:
    """Name a file of conf/ as the place of any InputError that the block raises."""
    try:
        yield
    except InputError as error:
        text = str(error).replace(messages.AT_HAND, "that file")
        raise InputError(f"{file}: {text}") from error


def check_data(noun: str, wanted: str, found: "Dataset", fetch_seed: int | None = None) -> None:
    """Raise InputError if the preprocessed data is not that of a study or a search, or not the draw
    of the given `fetch_seed`.
    """
    if found.name != wanted:
        source, _, layout = wanted.rpartition("-")
        raise InputError(
            f"This {noun} is on {wanted}, but data/processed holds {found.name}: set "
            f"fetch.source: {source} and fetch.layout: {layout} in params.yaml, and run "
            "`dvc repro preprocess`."
        )
    if fetch_seed not in (None, found.fetch_seed):
        draw = "with no recorded seed"
        if found.fetch_seed is not None:
            draw = f"drawn with fetch.seed={found.fetch_seed}"
        raise InputError(
            f"This {noun} is on the draw of fetch_seed={fetch_seed}, but data/processed holds "
            f"{found.name} {draw}: set fetch.seed: {fetch_seed} in params.yaml, and run `dvc repro "
            "preprocess`."
        )

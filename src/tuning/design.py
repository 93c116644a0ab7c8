"""What the trials of a search consist of: their overrides, their configurations, their identity."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from src.config import compose, override
from src.config.schema import GROUPS
from src.config.search_file import Range, Search
from src.data.dataset import Dataset
from src.runtime import paths
from src.runtime.errors import InputError
from src.studies.design import Composition
from src.tracking import fingerprint

EXPERIMENTS = paths.CONF / "experiment"
MOST_CHECKED = 200  # configurations that are composed before a search begins


def base(search: Search) -> list[str]:
    """Return the overrides that all trials of a search have in common."""
    return [f"experiment={search.experiment}", *search.overrides]


def words(params: Mapping[str, Any]) -> list[str]:
    """Return the overrides of a trial, groups first: a group's file comes before its keys."""
    keys = sorted(params, key=lambda key: key not in GROUPS)
    return [f"{key}={override.value(params[key])}" for key in keys]


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

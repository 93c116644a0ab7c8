"""The exhibits that make sense for some factors only."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from mlflow import MlflowClient

from src.analysis.findings import Findings
from src.analysis.run_set import ACTIVATION, RunSet
from src.reporting import (
    activation_exhibits,
    cost_exhibits,
    ensemble_exhibits,
    number_exhibits,
    tuning_exhibits,
)
from src.reporting.activation_exhibits import Profile
from src.reporting.exhibits import Exhibit
from src.runtime import heavy_imports
from src.studies.factor import VARIANT

MODEL = "model"


@dataclass(frozen=True)
class Brought:
    """The contribution of a factor to its report.

    Attributes:
        exhibits: beside those of any comparison.
        profile: of activations by themselves; None for another factor.
        parameters: the number of each model's parameters, where that matters and is known.
    """

    exhibits: Sequence[Exhibit]
    profile: Profile | None = None
    parameters: Mapping[str, int] = field(default_factory=dict)


def of(client: MlflowClient, runs: RunSet, found: Findings) -> Brought:
    """Return the contribution of the factor of a set of runs, given the findings on it."""
    more = [*tuning_exhibits.of(client, runs, found), *ensemble_exhibits.of(runs, found)]
    if found.factor.key == ACTIVATION:
        heavy_imports.load()
        from src.reporting import activation_profile  # TensorFlow

        own = activation_profile.profile(runs, found)
        return Brought([*activation_exhibits.of(found, own), *more], own)
    if found.factor.numeric:
        return Brought([*number_exhibits.of(runs, found), *more])
    if found.factor.key == MODEL or _differ_in_model(runs):
        parameters = cost_exhibits.parameters(client, runs)
        return Brought([*cost_exhibits.of(found, parameters), *more], None, parameters)
    return Brought(more)


def _differ_in_model(runs: RunSet) -> bool:
    """Return whether the levels are variants, each with another model."""
    words = [ones[0].params.get(MODEL) for ones in runs.trainings.values()]
    return runs.factor.key == VARIANT and None not in words and len(set(words)) == len(words)

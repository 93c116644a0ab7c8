"""What a factor brings along to its report: exhibits that make sense for this factor only."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from mlflow import MlflowClient

from src.analysis.findings import Findings
from src.analysis.run_set import ACTIVATION, RunSet
from src.config.factor import VARIANT
from src.reporting import cost_exhibits, ensemble_exhibits, number_exhibits, tuning_exhibits
from src.reporting.activation_measures import Profile
from src.reporting.exhibits import Exhibit
from src.runtime import heavy_imports

MODEL = "model"


@dataclass(frozen=True)
class Brought:
    """What a factor brings along.

    Attributes:
        exhibits: beside those of any comparison.
        profile: of activations by themselves; None for another factor.
        parameters: how many numbers each model has, where that is a question and known.
    """

    exhibits: Sequence[Exhibit]
    profile: Profile | None = None
    parameters: Mapping[str, int] = field(default_factory=dict)


def of(client: MlflowClient, runs: RunSet, found: Findings) -> Brought:
    """Return what the factor of a set of runs brings along.

    Args:
        client: of the store that the runs are in.
        runs: the set.
        found: the findings on it.
    """
    more = [*tuning_exhibits.of(client, runs, found), *ensemble_exhibits.of(runs, found)]
    if found.factor.key == ACTIVATION:
        heavy_imports.load()
        from src.reporting import activation_exhibits, activation_profile  # TensorFlow

        own = activation_profile.profile(runs, found)
        return Brought([*activation_exhibits.of(found, own), *more], own)
    if found.factor.numeric:
        return Brought([*number_exhibits.of(runs, found), *more])
    if found.factor.key == MODEL or _each_its_own_model(runs):
        parameters = cost_exhibits.parameters(client, runs)
        return Brought([*cost_exhibits.of(found, parameters), *more], None, parameters)
    return Brought(more)


def _each_its_own_model(runs: RunSet) -> bool:
    """Whether the levels are variants, no two of which have the same word for their model."""
    words = [ones[0].params.get(MODEL) for ones in runs.trainings.values()]
    return runs.factor.key == VARIANT and None not in words and len(set(words)) == len(words)

"""`hydra/sweeper=listed`: a multirun of given jobs in their order, where the basic sweeper makes
every combination. Hydra looks for such plugins in a package of this name only.

python -m src.train -m hydra/sweeper=listed \
    'hydra.sweeper.jobs=[["activation=relu","seed=1"],["activation=swish","seed=2"]]'
"""

from collections.abc import Sequence
from dataclasses import dataclass

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.config_store import ConfigStore
from hydra.core.override_parser.types import Override
from omegaconf import MISSING


@dataclass
class ListedSweeperConf:
    """What the sweeper is given: for each job, the overrides that are its own."""

    _target_: str = "hydra_plugins.listed_sweeper.ListedSweeper"
    jobs: list[list[str]] = MISSING


class ListedSweeper(BasicSweeper):
    """Runs the jobs that it is given; the command's other overrides are common to all.

    Args:
        jobs: for each job, the overrides that are its own.
    """

    def __init__(self, jobs: Sequence[Sequence[str]]):
        super().__init__(max_batch_size=None)
        self.jobs = jobs

    def split_arguments(
        self, overrides: list[Override], max_batch_size: int | None
    ) -> list[list[list[str]]]:
        """Return one batch: each combination of the common overrides with each of the jobs."""
        [combinations] = BasicSweeper.split_arguments(overrides, max_batch_size)
        return [[[*common, *job] for common in combinations for job in self.jobs]]


ConfigStore.instance().store(group="hydra/sweeper", name="listed", node=ListedSweeperConf)

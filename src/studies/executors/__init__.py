"""Where the runs of a study or a search are made: in processes on this machine, or on Ray.

An executor knows nothing of what its runs show, and nothing of MLflow: a run logs itself.
"""

from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager, redirect_stdout
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:  # a Ray worker imports this package before it knows what its node has installed
    from src.studies.planned_run import PlannedRun

LOG = "train.log"  # what a run prints, in its folder
THREADS = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")  # TensorFlow's variables


class Outcome(NamedTuple):
    """A run that ended, and the error that it ended with; None if it ended well."""

    run: "PlannedRun"
    error: BaseException | None


class Executor(Protocol):
    """What a study or a search asks of whatever makes its runs."""

    @property
    def keeps_files(self) -> bool:
        """Whether the files of a run stay in its folder on this machine."""
        ...

    def prepare(self) -> None:
        """Make sure that runs can be made; called before anything is recorded.

        Raises:
            InputError: they cannot.
        """
        ...

    def at_a_time(self) -> int:
        """Return how many runs can be made side by side now."""
        ...

    def execute(self, runs: "Iterable[PlannedRun]") -> Generator[Outcome, None, None]:
        """Make the runs, begun in their order, and yield each as soon as it ends.

        Where the iteration is given up, the runs that are being made end as after Ctrl-C.
        """
        ...


@contextmanager
def printing_to_log(run: "PlannedRun") -> Iterator[None]:
    """Make a run's folder, and collect what is printed in a file there."""
    run.folder.mkdir(parents=True, exist_ok=True)
    with (run.folder / LOG).open("a") as log, redirect_stdout(log):
        yield

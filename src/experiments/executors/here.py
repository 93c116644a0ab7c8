"""Runs in this process, one after another, with their output on the terminal."""

from collections.abc import Callable, Generator, Iterable
from typing import TYPE_CHECKING, Any

from src.core import heavy_imports
from src.experiments import executors
from src.experiments.executors import Outcome

if TYPE_CHECKING:
    from src.experiments.run_spec import RunSpec


class Here:
    """This process."""

    logs = None

    def call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """See `Executor`."""
        heavy_imports.load(mlflow=False)
        return function(*arguments)

    def prepare(self) -> None:
        """See `Executor`: nothing to prepare."""

    def at_a_time(self) -> int:
        """See `Executor`."""
        return 1

    def execute(self, specs: "Iterable[RunSpec]") -> Generator[Outcome, None, None]:
        """See `Executor`. KeyboardInterrupt passes."""
        for spec in specs:
            error = None
            try:
                executors.train_here(spec)
            except Exception as raised:
                error = raised
            yield Outcome(spec, error)

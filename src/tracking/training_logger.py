"""The logger of a training: to its run in MLflow, or to nothing (`mlflow.enabled=false`)."""

from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

from src.config.schema import Mlflow

if TYPE_CHECKING:  # MLflow, which an untracked training does without
    from src.tracking.run_logger import RunLogger


class NullLogger:
    """Logs nothing, with the methods of RunLogger."""

    run_id = None

    def start(self, *_: Any, **__: Any) -> None:
        """Do nothing."""

    lost_epochs = prepare = epoch = trained = predicted = start


def opened(
    settings: Mlflow, name: str, run_id: str | None, digest: str
) -> AbstractContextManager["RunLogger | NullLogger"]:
    """Return the context of a training's logger; see `src.tracking.run_logger.opened`."""
    if not settings.enabled:
        return nullcontext(NullLogger())
    from src.tracking import run_logger

    return run_logger.opened(settings, name, run_id, digest)

"""What a training tells of itself: to its run in MLflow, or to nobody (`mlflow.enabled=false`)."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from src.config.schema import Mlflow
from src.data.dataset import Dataset


class TrainingLogger:
    """Keeps nothing; `src.tracking.run_logger.RunLogger` is the one that logs to MLflow.

    Attributes:
        run_id: the run's id in MLflow; None where there is none.
    """

    run_id: str | None = None

    def start(
        self,
        settings: Mapping[str, Any],
        tags: Mapping[str, str],
        data: Dataset,
        images: Mapping[str, np.ndarray],
    ) -> None:
        """Log what the training is.

        Args:
            settings: the configuration, as far as the training depends on it: a training that is
                resumed must find its params as they were.
            tags: what one finds runs by.
            data: the data.
            images: what is trained and validated on, uint8 (N, 28, 28), by what it is used for.
        """

    def lost_epochs(self, history: Sequence[Mapping[str, float]]) -> None:
        """Log the epochs of a resumed training which the run lacks: each is kept in the checkpoint
        before it is logged, and the process may have ended in between.
        """

    def prepare(self) -> None:
        """Make ready what `trained` will need, in a thread beside the training: log nothing."""

    def epoch(self, values: Mapping[str, float], step: int) -> None:
        """Log an epoch's metrics; steps count from 1."""

    def trained(
        self, model: Any, example: np.ndarray, final: Mapping[str, float], out: Path
    ) -> None:
        """Log what a training leaves: metrics, files, and the model.

        Args:
            model: the Keras model; it is logged so that it loads and serves elsewhere.
            example: raw pixels, uint8 (1, 28, 28).
            final: the final metrics.
            out: the folder with history and figures.
        """

    def predicted(self, files: Mapping[Path, str], scores: Mapping[str, float]) -> None:
        """Log predictions: each file with its folder inside the run ("" for the top), and scores,
        where the held-out labels are known.
        """


@contextmanager
def opened(
    settings: Mlflow, name: str, run_id: str | None, digest: str
) -> Iterator[TrainingLogger]:
    """Open the run of a training, and yield its logger.

    Args:
        settings: which experiment and parent run; or that nothing shall be tracked.
        name: of a new run.
        run_id: of the run to go on with, None for a new one.
        digest: the training's (src/tracking/fingerprint.py).
    """
    if not settings.enabled:
        yield TrainingLogger()
        return
    from src.tracking import run_logger  # MLflow, which an untracked training does without

    with run_logger.opened(settings, name, run_id, digest) as logger:
        yield logger

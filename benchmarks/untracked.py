"""`python -m src.train` without MLflow: nothing is imported of it, and nothing logged.

python -m benchmarks.untracked epochs=1

The product has no such switch. Here this module stands in for
src/tracking/run_logger.py, with the functions that a training calls.
"""

import runpy
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from src.data.dataset import Dataset

RUN_ID = "untracked"


@contextmanager
def training_run(
    experiment: str, name: str, run_id: str | None, parent_run_id: str | None
) -> Iterator[str]:
    """Yield an id, of no run."""
    yield RUN_ID


def log_settings(
    settings: Mapping[str, Any],
    choices: Mapping[str, str],
    data: Dataset,
    tags: Mapping[str, str],
    digest: str,
) -> None:
    """Log nothing."""


def log_lost_epochs(run_id: str, history: Sequence[Mapping[str, float]]) -> None:
    """Log nothing."""


def log_inputs(data: Dataset, training: np.ndarray, validation: np.ndarray) -> None:
    """Log nothing."""


def log_epoch(values: Mapping[str, float], step: int) -> None:
    """Log nothing."""


def log_training(model: Any, example: np.ndarray, final: Mapping[str, float], out: Path) -> None:
    """Log nothing."""


def log_to_training_run(
    origin: Mapping[str, str],
    *,
    files: Mapping[Path, str] | None = None,
    metrics: Mapping[str, float] | None = None,
    tags: Mapping[str, str] | None = None,
) -> tuple[str, bool]:
    """Log nothing; return the id of `training_run`."""
    return RUN_ID, True


def main() -> None:
    """Run src.train as `python -m` does, with the stand-ins."""
    sys.modules["src.tracking.run_logger"] = sys.modules[__name__]
    sys.modules["mlflow"] = ModuleType("mlflow")  # src/runtime/heavy_imports.py imports it
    runpy.run_module("src.train", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()

"""A run that is ready to be made: in this process, or in another on this or another machine."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from hydra.errors import HydraException
from omegaconf import DictConfig

from src.config.compose import resolve
from src.config.messages import explain
from src.data import dataset
from src.runtime import checkpoint_place, heavy_imports
from src.studies.run_name import run_name
from src.tracking import fingerprint
from src.training import precision

INTERRUPTED = "Interrupted: the same command goes on after the last epoch that ended."


class EndsEarly(Protocol):
    """Says after each epoch whether a training shall end there; it goes to a worker's process."""

    def __call__(self, run_id: str | None, accuracies: Mapping[int, float]) -> bool:
        """Return whether to end.

        Args:
            run_id: the run's in MLflow.
            accuracies: of validation, by epoch, from 1 to the epoch that has ended.
        """
        ...


@dataclass(frozen=True)
class PlannedRun:
    """All that a run needs but data and code.

    Attributes:
        composed: the configuration, as Hydra composed it.
        choices: the chosen file of each group.
        folder: where its files go, relative to the project's root.
        job: the words that it shares with the runs that differ by the seed alone.
        command: what the user typed.
        label: of its level in a study; None for a run that no study makes.
        tags: that it has in MLflow beside its own.
        title: its name in MLflow; None for that of its choices.
        trial: which trial of which search it is: its training may end early, and so is never taken
            for one that has the same settings.
        ends_early: whether to end after an epoch; None for a whole training.
        alone: whether it is all that the user asked for, and is told what to do next.
    """

    composed: DictConfig
    choices: dict[str, str]
    folder: Path
    job: str
    command: str
    label: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    title: str | None = None
    trial: str | None = None
    ends_early: EndsEarly | None = None
    alone: bool = False

    @property
    def name(self) -> str:
        """The name that the run has in MLflow."""
        return self.title or run_name(self.composed, self.choices, self.label)

    def digest(self, data: dataset.Dataset) -> str:
        """Return the digest of the run's training (src/tracking/fingerprint.py)."""
        trial = {} if self.trial is None else {"trial": self.trial}
        return fingerprint.digest({**fingerprint.settings(self.composed), **trial}, data)

    def execute(self) -> float:
        """Make the run; return its best validation accuracy.

        Raises:
            InputError: the configuration or the data cannot be used.
            OSError: the disk is full or may not be written.
        """
        cfg = resolve(self.composed, self.choices)
        heavy_imports.load(mlflow=cfg.mlflow.enabled)
        from src.studies import training_run  # TensorFlow: the one late import of a training

        try:
            return training_run.run(self, cfg)
        except HydraException as error:  # a _target_ of conf/ cannot be called like this
            raise explain(error) from error

    def announce(self) -> None:
        """Print what is about to be trained, before the seconds that importing TensorFlow takes."""
        announce(self.composed, self.choices, self.name)


def announce(composed: DictConfig, choices: Mapping[str, str], name: str) -> None:
    """Print what is about to be trained.

    Args:
        composed: the configuration, as Hydra composed it.
        choices: the chosen file of each group.
        name: that the run has in MLflow.
    """
    data = dataset.load_description()
    images = f"{data.counts['train']:,} images of {data.name}"
    epochs = f"{composed.epochs} epoch{'s' if composed.epochs > 1 else ''}"
    print(f"{name} · {choices['model']} · {images} · {epochs}", flush=True)
    if composed.precision == precision.BFLOAT16 and not precision.has_bfloat16():
        print("Note: bfloat16 is emulated on this hardware; precision=float32 is faster.")


def forget_checkpoint(composed: DictConfig, digest: str, run_id: str) -> None:
    """Delete what a finished run left where its process was killed at the very end.

    Args:
        composed: the run's configuration.
        digest: of the training.
        run_id: the run's in MLflow.

    Raises:
        InputError: the store of the checkpoints cannot be used.
    """
    folder = checkpoint_place.of(digest, composed.checkpoints)
    if isinstance(folder, str) or folder.exists():
        from src.training import checkpoint  # Keras: hardly ever needed

        checkpoint.forget(folder, run_id)


def job_words(overrides: list[str]) -> str:
    """Return the overrides that a run shares with those that differ by the seed alone."""
    return " ".join(word for word in overrides if not word.startswith(("seed=", "mlflow.")))

"""What lets a killed training go on: all its state after an epoch, in one file.

Keras's BackupAndRestore keeps weights and optimizer, but not the history, the best weights, or
where ReduceLROnPlateau stands; with those a resumed training ends in the very same weights.
"""

import json
import shutil
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import keras
import numpy as np
import pandas as pd
from filelock import FileLock, Timeout

from src.runtime import atomic_write, metric_names
from src.runtime.errors import InputError
from src.training.history import best_epoch

PLATEAU_STATE = ("best", "wait", "cooldown_counter")


@dataclass
class State:
    """How far a training has come.

    `history` holds a row of metrics per finished epoch, `best` the model's variables after the
    best of them, `current` all variables after the last, `plateaus` what the callbacks know.
    """

    run_id: str | None = None
    history: list[dict[str, float]] = field(default_factory=list)
    plateaus: list[dict[str, float]] = field(default_factory=list)
    best: list[np.ndarray] = field(default_factory=list)
    current: list[np.ndarray] = field(default_factory=list)

    def table(self) -> pd.DataFrame:
        """Return the history, a row per epoch."""
        return pd.DataFrame(self.history)


@contextmanager
def opened(folder: Path) -> Iterator[tuple[Path, State]]:
    """Yield the file that keeps a training's state, and the state it holds.

    Raises:
        InputError: another process has it open: it trains the same.
    """
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(f"{folder}.lock", timeout=0):
            file = folder / "state.npz"
            yield file, load(file)
    except Timeout:
        raise InputError(
            "This very training (settings, data and code) is running in another process: wait "
            "for it to end, or choose another seed."
        ) from None


def load(file: Path) -> State:
    """Return the state kept in `file`; a new one where there is none, or none that is readable."""
    try:
        with np.load(file) as arrays:
            state = State(**json.loads(str(arrays["plain"])))
            state.best = [arrays[name] for name in arrays if name.startswith("best")]
            state.current = [arrays[name] for name in arrays if name.startswith("current")]
            return state
    except (FileNotFoundError, EOFError, zipfile.BadZipFile, ValueError, KeyError, TypeError):
        return State()


def save(file: Path, state: State) -> None:
    """Write the state, whole or not at all."""
    plain = {"run_id": state.run_id, "history": state.history, "plateaus": state.plateaus}
    arrays = {f"best{i}": value for i, value in enumerate(state.best)}
    arrays |= {f"current{i}": value for i, value in enumerate(state.current)}
    with atomic_write.writing(file) as [aside]:
        np.savez(aside, allow_pickle=False, plain=np.array(json.dumps(plain)), **arrays)


def delete(file: Path) -> None:
    """Forget the training: it is finished."""
    shutil.rmtree(file.parent)


class CheckpointCallback(keras.callbacks.Callback):
    """Puts a state back before training, and keeps it after each epoch.

    Args:
        file: where.
        state: how far the training has come; it is brought up to date.
        others: the training's other callbacks; a ReduceLROnPlateau's state is kept too.
    """

    def __init__(self, file: Path, state: State, others: Sequence[keras.callbacks.Callback]):
        super().__init__()
        self.file, self.state = file, state
        self.plateaus = [
            other for other in others if isinstance(other, keras.callbacks.ReduceLROnPlateau)
        ]

    def _current(self) -> list:
        """Return all that training changes: weights, dropout's random state, the optimizer's."""
        return [*self.model.variables, *self.model.optimizer.variables]

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Put the state into the model, its optimizer and the callbacks."""
        self.model.optimizer.build(self.model.trainable_variables)
        if self.state.history:
            for variable, value in zip(self._current(), self.state.current, strict=True):
                variable.assign(value)
            for plateau, attributes in zip(self.plateaus, self.state.plateaus, strict=True):
                vars(plateau).update(attributes)

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Keep the state after this epoch."""
        found = {name: float(value) for name, value in (logs or {}).items()}
        row = {metric_names.EPOCH: epoch + 1, **found}
        self.state.history.append(row)
        if best_epoch(self.state.history) is row:
            self.state.best = [variable.numpy() for variable in self.model.variables]
        self.state.current = [variable.numpy() for variable in self._current()]
        self.state.plateaus = [
            {name: float(getattr(plateau, name)) for name in PLATEAU_STATE}
            for plateau in self.plateaus
        ]
        save(self.file, self.state)

    def restore_best(self, model: keras.Model) -> None:
        """Give the model the variables of its best epoch."""
        for variable, value in zip(model.variables, self.state.best, strict=True):
            variable.assign(value)

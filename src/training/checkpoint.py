"""The checkpoint of a training: all its state after an epoch, in one file, to resume it from.

Keras's BackupAndRestore keeps weights and optimizer, but not the history, the best weights, or the
state of ReduceLROnPlateau; with those, a resumed training ends in exactly the same weights.
"""

import hashlib
import io
import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import keras
import numpy as np
import pandas as pd

from src.core import metric_names
from src.core.alone import held
from src.core.atomic_write import writing
from src.core.errors import InputError
from src.training.history import kept_epoch

STATE, BEFORE = "state", "state-before"  # the names of the file and its predecessor
DIGEST = hashlib.sha256().digest_size
PLATEAU_STATE = ("best", "wait", "cooldown_counter")


@dataclass
class State:
    """The progress of a training."""

    run_id: str | None = None
    folder: str | None = None  # for the files of the last process that trained
    history: list[dict[str, float]] = field(default_factory=list)  # a row per finished epoch
    plateaus: list[dict[str, float]] = field(default_factory=list)  # of ReduceLROnPlateau
    best: list[np.ndarray] = field(default_factory=list)  # the model's variables that are kept
    current: list[np.ndarray] = field(default_factory=list)  # all variables after the last epoch

    def table(self) -> pd.DataFrame:
        """Return the history, a row per epoch."""
        return pd.DataFrame(self.history)


@contextmanager
def opened(folder: Path) -> Iterator[tuple[Path, State]]:
    """Yield the file in a folder that keeps a training's state, and the state.

    Raises:
        InputError: another process has it open, and so trains the same.
    """
    with _locked(folder) as file:
        yield file, load(file)


@contextmanager
def _locked(folder: Path) -> Iterator[Path]:
    with held(
        Path(f"{folder}.lock"),
        "This very training (settings, data and code) is running in another process: wait for it "
        "to end, or choose another seed.",
    ):
        folder.mkdir(parents=True, exist_ok=True)
        yield folder / STATE


def load(file: Path) -> State:
    """Return the state kept in `file`, or the previous one if it is damaged, or that of a new
    training. Damage of any kind is reported in one line.
    """
    damaged = False
    for kept in (file, file.with_name(BEFORE)):
        try:
            state = _unpack(kept.read_bytes())
        except FileNotFoundError:
            continue
        except (OSError, ValueError) as error:
            damaged = True
            print(f"The checkpoint {kept} is damaged ({error}).", flush=True)
            continue
        if damaged:
            print(f"Training resumes after epoch {len(state.history)}.", flush=True)
        return state
    if damaged:
        print("Training starts again at epoch 1, in a new run.", flush=True)
    return State()


def save(file: Path, state: State) -> None:
    """Write the state, whole or not at all, and keep the previous one.

    Raises:
        OSError: the disk is full or cannot be written.
    """
    with writing(file) as [temporary]:
        temporary.write_bytes(_pack(state))
        if file.is_file():
            file.replace(file.with_name(BEFORE))


def delete(file: Path) -> None:
    """Delete the checkpoint of a finished training.

    The previous state goes first: left alone, it would be resumed.
    """
    file.with_name(BEFORE).unlink(missing_ok=True)
    shutil.rmtree(file.parent)


def forget(folder: Path, run_id: str) -> None:
    """Delete the checkpoint of a finished run whose process was killed before it could.

    That of another run is left alone, and so is one that another process has open.
    """
    if not folder.exists():
        return
    with suppress(InputError), _locked(folder) as file:
        if load(file).run_id in (None, run_id):
            delete(file)


def variables(model: keras.Model) -> list:
    """Return all that training changes: weights, dropout's random state, the optimizer's."""
    return [*model.variables, *model.optimizer.variables]


def _pack(state: State) -> bytes:
    """Return a state as the SHA-256 of what follows, and an uncompressed npz archive."""
    plain = {
        "run_id": state.run_id,
        "folder": state.folder,
        "history": state.history,
        "plateaus": state.plateaus,
    }
    arrays = {f"best{i}": value for i, value in enumerate(state.best)}
    arrays |= {f"current{i}": value for i, value in enumerate(state.current)}
    packed = io.BytesIO()
    np.savez(packed, allow_pickle=False, plain=np.array(json.dumps(plain)), **arrays)
    return hashlib.sha256(packed.getbuffer()).digest() + packed.getvalue()


def _unpack(content: bytes) -> State:
    """Return the state that `_pack` packed.

    Raises:
        ValueError: a byte has changed or is missing; nothing was parsed.
    """
    digest, packed = content[:DIGEST], content[DIGEST:]
    if hashlib.sha256(packed).digest() != digest:
        raise ValueError(
            f"its {len(content):,} bytes do not have the checksum that they begin with"
        )
    with np.load(io.BytesIO(packed)) as arrays:
        state = State(**json.loads(str(arrays["plain"])))
        state.best = [arrays[name] for name in arrays if name.startswith("best")]
        state.current = [arrays[name] for name in arrays if name.startswith("current")]
        return state


class CheckpointCallback(keras.callbacks.Callback):
    """Restores a state before training, and keeps it after each epoch.

    Args:
        file: keeps it.
        state: the progress of the training, which is updated.
        others: the training's other callbacks; the state of ReduceLROnPlateau is kept too.
        restore_best_weights: keep the weights of the epoch with the highest validation accuracy,
            not the last ones.
    """

    def __init__(
        self,
        file: Path,
        state: State,
        others: Sequence[keras.callbacks.Callback],
        restore_best_weights: bool = True,
    ):
        super().__init__()
        self.file, self.state = file, state
        self.restore_best_weights = restore_best_weights
        self.plateaus = [
            other for other in others if isinstance(other, keras.callbacks.ReduceLROnPlateau)
        ]

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Restore the model, its optimizer and the callbacks."""
        self.model.optimizer.build(self.model.trainable_variables)
        if self.state.history:
            for variable, value in zip(variables(self.model), self.state.current, strict=True):
                variable.assign(value)
            for plateau, attributes in zip(self.plateaus, self.state.plateaus, strict=True):
                vars(plateau).update(attributes)

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Keep the state after this epoch."""
        metrics = {name: float(value) for name, value in (logs or {}).items()}
        row = {metric_names.EPOCH: epoch + 1, **metrics}
        self.state.history.append(row)
        if kept_epoch(self.state.history, self.restore_best_weights) is row:
            self.state.best = [variable.numpy() for variable in self.model.variables]
        self.state.current = [variable.numpy() for variable in variables(self.model)]
        self.state.plateaus = [
            {name: float(getattr(plateau, name)) for name in PLATEAU_STATE}
            for plateau in self.plateaus
        ]
        save(self.file, self.state)

    def restore_kept(self, model: keras.Model) -> None:
        """Give a model the weights that are kept."""
        for variable, value in zip(model.variables, self.state.best, strict=True):
            variable.assign(value)

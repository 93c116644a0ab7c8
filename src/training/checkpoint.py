"""What lets a killed training go on: all its state after an epoch, in one file.

Keras's BackupAndRestore keeps weights and optimizer, but not the history, the best weights, or
where ReduceLROnPlateau stands; with those a resumed training ends in the very same weights.
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
from filelock import FileLock, Timeout

from src.runtime import metric_names, object_lock
from src.runtime.atomic_write import writing
from src.runtime.errors import InputError
from src.runtime.object_lock import Lock
from src.runtime.object_store import StoredObject, UnreachableError
from src.training.history import kept_epoch

STATE, BEFORE = "state", "state-before"  # the file's name, and that of its predecessor
DIGEST = hashlib.sha256().digest_size
PLATEAU_STATE = ("best", "wait", "cooldown_counter")


class LockedObject(StoredObject):
    """A state in an S3 store, and the lock that keeps other processes off it."""

    def __init__(self, uri: str, lock: Lock):
        super().__init__(uri)
        self.lock = lock


File = Path | LockedObject  # what keeps a state


@dataclass
class State:
    """How far a training has come.

    `history` holds a row of metrics per finished epoch, `best` the model's variables after the
    one whose weights are kept, `current` all variables after the last, `plateaus` what the
    callbacks know. `folder` is where the process that trained last puts its files.
    """

    run_id: str | None = None
    folder: str | None = None
    history: list[dict[str, float]] = field(default_factory=list)
    plateaus: list[dict[str, float]] = field(default_factory=list)
    best: list[np.ndarray] = field(default_factory=list)
    current: list[np.ndarray] = field(default_factory=list)

    def table(self) -> pd.DataFrame:
        """Return the history, a row per epoch."""
        return pd.DataFrame(self.history)


@contextmanager
def opened(folder: Path | str) -> Iterator[tuple[File, State]]:
    """Yield the file that keeps a training's state, and the state it holds.

    Args:
        folder: where it lies: a path, or a URI that starts with s3://.

    Raises:
        InputError: another process has it open: it trains the same; or the store cannot be used.
    """
    try:
        with _locked(folder) as file:
            yield file, load(file)
    except (Timeout, object_lock.TakenError) as error:
        who = f" ({error})" if isinstance(error, object_lock.TakenError) else ""
        raise InputError(
            f"This very training (settings, data and code) is running in another process{who}: "
            "wait for it to end, or choose another seed."
        ) from None


@contextmanager
def _locked(folder: Path | str, *, wait: bool = True) -> Iterator[File]:
    """Yield a training's file while no other process may have it.

    Raises:
        Timeout, TakenError: another process has it.
    """
    if isinstance(folder, str):
        with object_lock.held(f"{folder}.lock", wait=wait) as lock:
            yield LockedObject(f"{folder}/{STATE}", lock)
        return
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{folder}.lock", timeout=0):
        yield folder / STATE


def load(file: File) -> State:
    """Return the state kept in `file`, or if that is damaged the one before it.

    Without a usable one it is that of a new training. Damage of any kind is told in one line.
    """
    damaged = False
    for kept in (file, file.with_name(BEFORE)):
        try:
            state = _unpack(kept.read_bytes())
        except FileNotFoundError:
            continue
        except (OSError, ValueError) as error:
            damaged = True
            if isinstance(kept, StoredObject):
                kept.usable = False
            print(f"The checkpoint {kept} is damaged ({error}).", flush=True)
            continue
        if damaged:
            print(f"Training goes on after epoch {len(state.history)}.", flush=True)
        return state
    if damaged:
        print("Training starts again at epoch 1, in a new run.", flush=True)
    return State()


def save(file: File, state: State) -> None:
    """Write the state, whole or not at all, and keep the one before it.

    Raises:
        InputError: the S3 store cannot be used, or another process has taken the training over.
        OSError: the disk is full or may not be written.
    """
    if isinstance(file, LockedObject):
        file.lock.renew()
        if file.usable:  # or a damaged one would take the place of the good one before it
            file.copy_to(file.with_name(BEFORE))
        file.write_bytes(_pack(state))
        file.usable = True
        return
    with writing(file) as [aside]:
        aside.write_bytes(_pack(state))
        if file.is_file():
            file.replace(file.with_name(BEFORE))


def delete(file: File) -> None:
    """Forget the training: it is finished.

    The state before goes first: left alone, it would be resumed.
    """
    file.with_name(BEFORE).unlink(missing_ok=True)
    if isinstance(file, Path):
        shutil.rmtree(file.parent)
    else:
        file.unlink()


def forget(folder: Path | str, run_id: str) -> None:
    """Delete the checkpoint of a finished run, whose process was killed before it did.

    One of another run is left alone, and so is one that another process has open.
    """
    if not _exists(folder):
        return
    with suppress(Timeout, object_lock.TakenError), _locked(folder, wait=False) as file:
        if load(file).run_id in (None, run_id):
            delete(file)


def _exists(folder: Path | str) -> bool:
    """Return whether a checkpoint may be there."""
    if isinstance(folder, Path):
        return folder.exists()
    return any(StoredObject(f"{folder}/{name}").exists() for name in (STATE, BEFORE))


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
        ValueError: a byte of it has changed, or is missing; nothing was read of it.
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
    """Puts a state back before training, and keeps it after each epoch.

    Args:
        file: where.
        state: how far the training has come; it is brought up to date.
        others: the training's other callbacks; a ReduceLROnPlateau's state is kept too.
        restore_best_weights: keep those of the epoch with the highest validation accuracy, not of
            the last.
    """

    def __init__(
        self,
        file: File,
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
        if kept_epoch(self.state.history, self.restore_best_weights) is row:
            self.state.best = [variable.numpy() for variable in self.model.variables]
        self.state.current = [variable.numpy() for variable in self._current()]
        self.state.plateaus = [
            {name: float(getattr(plateau, name)) for name in PLATEAU_STATE}
            for plateau in self.plateaus
        ]
        try:
            save(self.file, self.state)
        except UnreachableError as error:  # it costs an epoch, and only if the process is killed
            print(f"{error} Training goes on, and the next epoch is kept again.", flush=True)

    def restore_kept(self, model: keras.Model) -> None:
        """Give the model the variables of the epoch whose weights are kept."""
        for variable, value in zip(model.variables, self.state.best, strict=True):
            variable.assign(value)

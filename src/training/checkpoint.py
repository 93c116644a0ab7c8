"""The checkpoint of a training: all its state after an epoch, in one file. Unlike Keras's, it has
history, best weights and ReduceLROnPlateau's state: a resumed training ends in the same weights.
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
from keras.callbacks import Callback, ReduceLROnPlateau

from src.core import metric_names
from src.core.alone import held
from src.core.atomic_write import writing
from src.core.errors import InputError
from src.training.history import kept_epoch

STATE, BEFORE = "state", "state-before"  # the names of the file and its predecessor
DIGEST = hashlib.sha256().digest_size
PLATEAU_STATE = ("best", "wait", "cooldown_counter")
ARRAYS = ("best", "current")  # of a state; the rest is JSON
RUNNING = (
    "This very training (settings, data and code) is running in another process: wait for it to "
    "end, or choose another seed."
)


@dataclass
class State:
    """The progress of a training."""

    run_id: str | None = None
    folder: str | None = None  # for the files of the last process that trained
    history: list[dict[str, float]] = field(default_factory=list)  # a row per finished epoch
    plateaus: list[dict[str, float]] = field(default_factory=list)  # of ReduceLROnPlateau
    best: list[np.ndarray] = field(default_factory=list)  # the model's variables that are kept
    current: list[np.ndarray] = field(default_factory=list)  # all variables after the last epoch


@contextmanager
def opened(folder: Path) -> Iterator[tuple[Path, State]]:
    """Yield the file of a training's state, and the state; raise InputError if that is in use."""
    with held(Path(f"{folder}.lock"), RUNNING):
        folder.mkdir(parents=True, exist_ok=True)
        yield folder / STATE, load(folder / STATE)


def load(file: Path) -> State:
    """Return the state in `file`, else in its predecessor, else an empty one; print damage."""
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
    """Write the state, whole or not at all, and keep the previous one."""
    with writing(file) as [temporary]:
        temporary.write_bytes(_pack(state))
        if file.is_file():
            file.replace(file.with_name(BEFORE))


def delete(file: Path) -> None:
    """Delete the checkpoint of a finished training."""
    file.with_name(BEFORE).unlink(missing_ok=True)  # first: left alone, it would be resumed
    shutil.rmtree(file.parent)


def forget(folder: Path, run_id: str) -> None:
    """Delete the checkpoint of a finished run, unless it is another run's, or in use."""
    if folder.exists():
        with suppress(InputError), opened(folder) as (file, state):
            if state.run_id in (None, run_id):
                delete(file)


def variables(model: keras.Model) -> list:
    """Return all that training changes: weights, dropout's random state, the optimizer's."""
    return [*model.variables, *model.optimizer.variables]


def _pack(state: State) -> bytes:
    """Return a state as the SHA-256 of what follows, and an uncompressed npz archive."""
    plain = dict(vars(state))
    lists = {name: plain.pop(name) for name in ARRAYS}
    arrays = {f"{name}{i}": one for name, all_ in lists.items() for i, one in enumerate(all_)}
    packed = io.BytesIO()
    np.savez(packed, allow_pickle=False, plain=np.array(json.dumps(plain)), **arrays)
    return hashlib.sha256(packed.getbuffer()).digest() + packed.getvalue()


def _unpack(content: bytes) -> State:
    """Return the state that `_pack` packed; raise ValueError if a byte changed or is missing."""
    digest, packed = content[:DIGEST], content[DIGEST:]
    if hashlib.sha256(packed).digest() != digest:
        size = f"{len(content):,} bytes"
        raise ValueError(f"its {size} do not have the checksum that they begin with")
    with np.load(io.BytesIO(packed)) as arrays:
        lists = {kind: [arrays[one] for one in arrays if one.startswith(kind)] for kind in ARRAYS}
        return State(**{**json.loads(str(arrays["plain"])), **lists})


class CheckpointCallback(Callback):
    """Restores a state before training; after each epoch, updates it and keeps it in `file`: the
    weights to keep are those of the best epoch (`best_weights`) or of the last.
    """

    def __init__(
        self, file: Path, state: State, others: Sequence[Callback], best_weights: bool = True
    ):
        super().__init__()
        self.file, self.state, self.best_weights = file, state, best_weights
        self.plateaus = [one for one in others if isinstance(one, ReduceLROnPlateau)]

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
        row = {metric_names.EPOCH: epoch + 1, **{k: float(v) for k, v in (logs or {}).items()}}
        self.state.history.append(row)
        if kept_epoch(self.state.history, self.best_weights) is row:
            self.state.best = [variable.numpy() for variable in self.model.variables]
        self.state.current = [variable.numpy() for variable in variables(self.model)]
        plateaus = [{key: float(vars(one)[key]) for key in PLATEAU_STATE} for one in self.plateaus]
        self.state.plateaus = plateaus
        save(self.file, self.state)

    def restore_kept(self, model: keras.Model) -> None:
        """Give a model the weights that are kept."""
        for variable, value in zip(model.variables, self.state.best, strict=True):
            variable.assign(value)

"""Keras callbacks of a run: MLflow's log, the progress line, pruning, and imports ahead of time."""

import importlib
import threading
import time
from collections.abc import Callable
from contextlib import suppress

import keras
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from src.core import formatting, metric_names
from src.experiments.run_spec import EarlyStop
from src.training.checkpoint import State

# Matplotlib, and what it imports only when it draws.
FIGURES = ("src.evaluation.figures", "matplotlib.backends.backend_agg")
WIDTH = 80  # columns of a line: the loss and the rate are in history.csv and in MLflow


class EpochLog(keras.callbacks.Callback):
    """Calls `log(metrics, step)` after each epoch; steps count from 1."""

    def __init__(self, log: Callable[[dict[str, float], int], None]):
        super().__init__()
        self.log = log

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Log the epoch's metrics."""
        self.log({name: float(value) for name, value in (logs or {}).items()}, epoch + 1)


class ProgressLine(keras.callbacks.Callback):
    """A bar with the time left on a terminal, and everywhere a line per epoch; `first_epoch` of the
    `epochs` are finished already.
    """

    def __init__(self, title: str, epochs: int, first_epoch: int = 0):
        super().__init__()
        self.title, self.epochs, self.first_epoch = title, epochs, first_epoch
        console = Console(highlight=False)
        hidden = not console.is_terminal
        left = (TimeRemainingColumn(elapsed_when_finished=True), TextColumn("left"))
        columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), *left)
        self.progress = Progress(*columns, console=console, transient=True, disable=hidden)

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Show the bar."""
        self.began = time.perf_counter()
        self.task = self.progress.add_task(self.title, total=self.epochs * self.params["steps"])
        self.progress.start()

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """Show the number of the epoch."""
        self.done, text = epoch * self.params["steps"], f"epoch {epoch + 1}/{self.epochs}"
        described = f"{self.title} · {text}"
        self.progress.update(self.task, description=described, completed=self.done)

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Move the bar."""
        self.progress.update(self.task, completed=self.done + batch + 1)

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Print the epoch's line."""
        logs = logs or {}
        done = epoch + 1 - self.first_epoch
        left = (time.perf_counter() - self.began) / done * (self.epochs - epoch - 1)
        facts = (
            f" · epoch {epoch + 1:>{len(str(self.epochs))}}/{self.epochs}"
            f" · val_acc {logs[metric_names.VAL_ACCURACY]:.4f}"
            f" · {logs[metric_names.EPOCH_SECONDS]:.1f} s"
            + (f" · {formatting.duration(left)} left" if left else "")
        )
        title = formatting.shortened(self.title, WIDTH - len(facts))
        self.progress.console.print(title + facts, soft_wrap=True)

    def close(self) -> None:
        """Remove the bar, also after an interruption."""
        self.progress.stop()


class Preload(keras.callbacks.Callback):
    """Imports what draws the figures and prepares the logging, in a thread beside the training.

    TensorFlow's kernels release Python's lock. The thread writes no file and changes no result; an
    import that fails here fails again where it is needed, and is reported there.
    """

    def __init__(self, prepare_logging: Callable[[], None]):
        super().__init__()
        self.prepare_logging = prepare_logging
        self.thread: threading.Thread | None = None

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Start after the first step: before, TensorFlow traces, which holds Python's lock."""
        if self.thread is None:
            self.thread = threading.Thread(target=self._load, daemon=True)
            self.thread.start()

    def on_train_end(self, logs: dict | None = None) -> None:
        """Wait for the thread."""
        if self.thread is not None:
            self.thread.join()

    def _load(self) -> None:
        with suppress(Exception):
            for module in FIGURES:
                importlib.import_module(module)
            self.prepare_logging()


class StopEarly(keras.callbacks.Callback):
    """Ends the training after an epoch if `early_stop` says so; that epoch is kept and logged."""

    def __init__(self, early_stop: EarlyStop, run_id: str | None, state: State):
        super().__init__()
        self.early_stop, self.run_id, self.state = early_stop, run_id, state

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Ask, with the accuracies of all epochs, those before an interruption included."""
        epoch_of, accuracy = metric_names.EPOCH, metric_names.VAL_ACCURACY
        accuracies = {int(row[epoch_of]): row[accuracy] for row in self.state.history}
        if self.early_stop(self.run_id, accuracies):
            self.model.stop_training = True

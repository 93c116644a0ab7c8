"""Who watches a training: MLflow's log, and the user, who sees a line per epoch."""

import time
from collections.abc import Callable

import keras
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from src.runtime import formatting, metric_names

WIDTH = 80  # columns of a line: the loss and the rate are in history.csv and in MLflow


class EpochLog(keras.callbacks.Callback):
    """Hands each epoch's metrics to `log`, as `log(metrics, step)`; steps count from 1."""

    def __init__(self, log: Callable[[dict[str, float], int], None]):
        super().__init__()
        self.log = log

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Hand the metrics on."""
        self.log({name: float(value) for name, value in (logs or {}).items()}, epoch + 1)


class ProgressLine(keras.callbacks.Callback):
    """A bar with the time left on a terminal, and everywhere a line per epoch.

    Args:
        title: what is trained.
        epochs: of the whole training.
        first_epoch: how many are done already.
    """

    def __init__(self, title: str, epochs: int, first_epoch: int = 0):
        super().__init__()
        self.title, self.epochs, self.first_epoch = title, epochs, first_epoch
        console = Console(highlight=False)
        self.progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TimeRemainingColumn(elapsed_when_finished=True),
            TextColumn("left"),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Show the bar."""
        self.began = time.perf_counter()
        self.steps_per_epoch = self.params["steps"]
        total = self.epochs * self.steps_per_epoch
        done = self.first_epoch * self.steps_per_epoch
        self.task = self.progress.add_task(self.title, total=total, completed=done)
        self.progress.start()

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """Say which epoch it is."""
        self.epoch = epoch
        description = f"{self.title} · epoch {epoch + 1}/{self.epochs}"
        self.progress.update(self.task, description=description)

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Move the bar."""
        done = self.epoch * self.steps_per_epoch + batch + 1
        self.progress.update(self.task, completed=done)

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Print the epoch's line."""
        logs = logs or {}
        done = epoch + 1 - self.first_epoch
        left = (time.perf_counter() - self.began) / done * (self.epochs - epoch - 1)
        told = (
            f" · epoch {epoch + 1:>{len(str(self.epochs))}}/{self.epochs}"
            f" · val_acc {logs[metric_names.VAL_ACCURACY]:.4f}"
            f" · {logs[metric_names.EPOCH_SECONDS]:.1f} s"
            + (f" · {formatting.duration(left)} left" if left else "")
        )
        title = formatting.shortened(self.title, WIDTH - len(told))
        self.progress.console.print(title + told, soft_wrap=True)

    def on_train_end(self, logs: dict | None = None) -> None:
        """Take the bar away."""
        self.close()

    def close(self) -> None:
        """Give the terminal back, also after an interruption."""
        self.progress.stop()

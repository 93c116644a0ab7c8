"""What the end of a run needs, made ready while it trains."""

import importlib
import threading
from collections.abc import Callable
from contextlib import suppress

import keras

# Matplotlib, and what it imports only when it draws.
FIGURES = ("src.evaluation.figures", "matplotlib.backends.backend_agg")


class Preparation(keras.callbacks.Callback):
    """Imports what draws the figures, and makes the logging ready, in a thread beside the training.

    TensorFlow's kernels leave Python free. Nothing here writes a file or changes a result; what
    fails fails again where it is needed, and is told there.

    Args:
        prepare_logging: makes ready what logs the model.
    """

    def __init__(self, prepare_logging: Callable[[], None]):
        super().__init__()
        self.prepare_logging = prepare_logging
        self.thread: threading.Thread | None = None

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Start after the first step: before, TensorFlow traces, which is Python's work too."""
        if self.thread is None:
            self.thread = threading.Thread(target=self._prepare, daemon=True)
            self.thread.start()

    def on_train_end(self, logs: dict | None = None) -> None:
        """Wait for it."""
        if self.thread is not None:
            self.thread.join()

    def _prepare(self) -> None:
        with suppress(Exception):
            for module in FIGURES:
                importlib.import_module(module)
            self.prepare_logging()

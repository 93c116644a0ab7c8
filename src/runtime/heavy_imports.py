"""TensorFlow, Keras and MLflow, imported in half of the time."""

import atexit
import functools
import gc
import importlib
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from src.runtime import quiet

# Keras imports them if it can, for its wrappers and galleries, which nothing here uses.
NOT_FOR_KERAS = {"sklearn", "matplotlib"}


@functools.cache
def load(*, mlflow: bool = True) -> None:
    """Import the frameworks, quietly; what imports them afterwards finds them there.

    They leave hundreds of thousands of objects that live as long as the process. Python's garbage
    collector would walk over them again and again while they come, and when the process ends; here
    it waits, and then sets them aside for good. That is done once, because what a training leaves
    behind, in a sweep, is garbage for the collector; and again when the process ends, which frees
    everything at once.

    Args:
        mlflow: MLflow too; a training that is not tracked does without.
    """
    gc.disable()
    try:
        with quiet.stderr():
            with _hidden(*NOT_FOR_KERAS):
                importlib.import_module("keras")
            if mlflow:
                importlib.import_module("mlflow")
    finally:
        gc.freeze()
        gc.enable()
    atexit.register(gc.freeze)
    for library in ("tensorflow", "absl"):  # Hydra's logging would show their notes
        logging.getLogger(library).setLevel(logging.ERROR)


@contextmanager
def _hidden(*names: str) -> Iterator[None]:
    """Let packages look as if they were not installed, unless they have been imported already."""
    hidden = [name for name in names if name not in sys.modules]
    for name in hidden:
        sys.modules[name] = None  # type: ignore[assignment]  # Python's own way to say so
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]

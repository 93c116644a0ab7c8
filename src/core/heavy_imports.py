"""Imports Keras with TensorFlow, and MLflow, in half the time."""

import atexit
import functools
import gc
import importlib
import logging
import sys

from src.core import quiet

# Keras imports them if it can, for wrappers and galleries that nothing here uses.
NOT_FOR_KERAS = {"sklearn", "matplotlib"}


@functools.cache
def load(*, mlflow: bool = True) -> None:
    """Import the frameworks quietly, so that later imports are free.

    They create hundreds of thousands of objects that live as long as the process. Python's garbage
    collector would traverse them again and again during the import and at exit; instead it is
    paused, and they are frozen. Garbage of the trainings that follow is collected as usual.
    """
    hidden = [name for name in NOT_FOR_KERAS if name not in sys.modules]
    gc.disable()
    try:
        with quiet.stderr():
            for name in hidden:  # as if it were not installed
                sys.modules[name] = None  # type: ignore[assignment]
            try:
                importlib.import_module("keras")
            finally:
                for name in hidden:
                    del sys.modules[name]
            if mlflow:
                importlib.import_module("mlflow")
    finally:
        gc.freeze()
        gc.enable()
    atexit.register(gc.freeze)
    for library in ("tensorflow", "absl"):  # Hydra's logging would show their notes
        logging.getLogger(library).setLevel(logging.ERROR)

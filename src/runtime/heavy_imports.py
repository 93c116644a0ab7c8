"""TensorFlow, Keras and MLflow, imported in two thirds of the time."""

import atexit
import functools
import gc
import importlib
import logging

from src.runtime import quiet


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
            for name in ("keras", *(["mlflow"] if mlflow else [])):
                importlib.import_module(name)
    finally:
        gc.freeze()
        gc.enable()
    atexit.register(gc.freeze)
    for library in ("tensorflow", "absl"):  # Hydra's logging would show their notes
        logging.getLogger(library).setLevel(logging.ERROR)

"""The processes that the benchmarks start; each prints its figures as JSON, in its last line.

python -m benchmarks.probes memory src.preprocess
    seconds and peak resident memory of `python -m src.preprocess`
python -m benchmarks.probes evaluation epochs=1
    seconds that `python -m src.train epochs=1` evaluates
python -m benchmarks.probes step --steps 100 experiment=notebook batch_size=86
    images/s of the training step

Only `step` imports more than a training itself does: memory that a probe holds when it starts a
command counts as the command's, and its imports are part of the time of benchmarks.startup.
"""

import argparse
import functools
import json
import resource
import runpy
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from src.core import errors, heavy_imports, metric_names

SECONDS, MEGABYTES = "seconds", "megabytes"
EVALUATION_SECONDS = "evaluation_seconds"
NOTEBOOK = ("experiment=notebook", "augmentation=none")  # the CNN whose step is reported
UNIT = 1 if sys.platform == "darwin" else 1024  # bytes that ru_maxrss counts in


def memory(module: str, *words: str) -> dict[str, float]:
    """Run `python -m <module> <words>`; return its wall time in seconds, and its peak of resident
    memory in MB. Of a command that starts processes, the largest one counts.

    This process ends with status 1 if the command fails.
    """
    began = time.perf_counter()
    status = subprocess.run([sys.executable, "-m", module, *words]).returncode
    seconds = time.perf_counter() - began
    if status:
        sys.exit(1)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * UNIT
    return {SECONDS: seconds, MEGABYTES: peak / 1e6}


def time_evaluation(spans: list[float]) -> None:
    """Make Keras append to `spans` the seconds of each validation, and of each prediction of a data
    set.

    A validation begins where the training's clock stops (src/training/fit.py).
    """
    import keras
    import tensorflow as tf

    fit, predict = keras.Model.fit, keras.Model.predict

    class Clock(keras.callbacks.Callback):
        """Times the validations of a fit."""

        def on_test_begin(self, logs: dict | None = None) -> None:
            """Start."""
            self.began = time.perf_counter()

        def on_test_end(self, logs: dict | None = None) -> None:
            """Stop."""
            spans.append(time.perf_counter() - self.began)

    def timed_fit(model, *arguments, callbacks, **more):
        return fit(model, *arguments, callbacks=[*callbacks, Clock()], **more)

    def timed_predict(model, x, **more):
        began = time.perf_counter()
        output = predict(model, x, **more)
        if isinstance(x, tf.data.Dataset):  # MLflow predicts an array, its example: that is logging
            spans.append(time.perf_counter() - began)
        return output

    keras.Model.fit, keras.Model.predict = timed_fit, timed_predict


def evaluation(*overrides: str) -> dict[str, float]:
    """Run `python -m src.train <overrides>` in this process; return its seconds of evaluation."""
    spans: list[float] = []
    load = heavy_imports.load

    @functools.cache
    def load_and_time(*, mlflow: bool = True) -> None:
        load(mlflow=mlflow)
        time_evaluation(spans)

    heavy_imports.load = load_and_time
    sys.argv[1:] = overrides
    runpy.run_module("src.train", run_name="__main__", alter_sys=True)
    return {EVALUATION_SECONDS: sum(spans)}


def step(steps: int, *overrides: str) -> dict[str, float]:
    """Return the images/s of a training's second epoch; the first one compiles.

    Args:
        steps: in an epoch, on real images.
        overrides: of the configuration, as `python -m src.train` takes them.
    """
    import numpy as np

    from src.config import compose
    from src.core import paths
    from src.data import dataset
    from src.data.digits import SIDE

    cfg = compose.compose(*overrides, "epochs=2")
    heavy_imports.load(mlflow=False)
    from src.training import checkpoint, fit

    count = steps * cfg.batch_size
    images, labels = dataset.load(paths.TRAIN).values()
    epoch = {
        "images": np.resize(images, (count, SIDE, SIDE)),  # from the start again, if too few
        "labels": np.resize(labels, count),
    }
    validation = {"images": images[:10], "labels": labels[:10]}
    state = checkpoint.State()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "state.npz"
        fit.fit(cfg, epoch, validation, file, state)
    return {
        metric_names.IMAGES_PER_SECOND: state.history[-1][metric_names.IMAGES_PER_SECOND],
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one of the probes; print its figures."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.probes",
        description="Measure in this process; print JSON in the last line.",
    )
    probes = parser.add_subparsers(dest="probe", required=True)
    of_memory = probes.add_parser("memory", help="seconds and peak memory of a command, in MB")
    of_memory.add_argument("module", help="of `python -m MODULE ...`")
    of_memory.add_argument("words", nargs=argparse.REMAINDER, help="its arguments")
    of_evaluation = probes.add_parser("evaluation", help="seconds that src.train evaluates")
    of_step = probes.add_parser("step", help="images/s of the training step")
    of_step.add_argument("--steps", type=int, default=100, help="timed in a row (default: 100)")
    for of_training in (of_evaluation, of_step):
        of_training.add_argument("overrides", nargs="*", help="of src.train, such as epochs=1")
    given = parser.parse_args(arguments)
    if given.probe == "memory":
        figures = memory(given.module, *given.words)
    elif given.probe == "evaluation":
        figures = evaluation(*given.overrides)
    else:
        figures = step(given.steps, *given.overrides)
    print(json.dumps(figures))


if __name__ == "__main__":
    errors.run(main)

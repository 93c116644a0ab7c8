"""Python processes, and project folders that last as long as a benchmark: the user's own runs,
checkpoints and data stay as they are.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from src.core import metric_names, paths
from src.core.errors import InputError
from src.data import dataset
from src.evaluation import held_out_labels

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Training:
    """The time and the accuracy of a training.

    Args:
        seconds: of its epochs, evaluation excluded.
        accuracy: on the held-out images, a fraction; None where it is not known.
    """

    seconds: float
    accuracy: float | None = None

    def __str__(self) -> str:
        """Return both as text."""
        known = "" if self.accuracy is None else f", accuracy {self.accuracy:.4f}"
        return f"{self.seconds:.1f} s of training{known}"


@dataclass(frozen=True, kw_only=True)
class TrainingProcess(Training):
    """A training of ours, as a whole process.

    Args:
        wall_seconds: from its start to its end.
        out: the folder of its files.
        printed: its standard output.
    """

    wall_seconds: float
    out: Path
    printed: str

    def __str__(self) -> str:
        """Return the times and the accuracy as text."""
        return f"{self.wall_seconds:.1f} s, {super().__str__()}"


def run(
    *words: str, folder: Path | None = None, environment: Mapping[str, str] | None = None
) -> tuple[float, str]:
    """Run `python <words>` to its end; return its wall time in seconds, and its standard output.

    Its standard output also appears on standard error while it runs; its standard error appears
    only if it fails. MLflow's store is the one of the folder.

    Args:
        words: of the command line, such as "-m", "src.train", "seed=1".
        folder: where to run it; the working directory if None.
        environment: variables to set beside those of this process.

    Raises:
        InputError: it failed.
    """
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    began = time.perf_counter()
    lines = []
    with (
        tempfile.TemporaryFile("w+") as complaints,
        subprocess.Popen(
            [sys.executable, *words],
            cwd=folder,
            env={
                **os.environ,
                "PYTHONPATH": path,
                "MLFLOW_TRACKING_URI": "",  # so, mlflow.db in that folder
                **(environment or {}),
            },
            stdout=subprocess.PIPE,
            stderr=complaints,
            text=True,
        ) as process,
    ):
        assert process.stdout
        for line in process.stdout:
            lines.append(line)
            print(f"    {line}", end="", file=sys.stderr, flush=True)
        process.wait()
        seconds = time.perf_counter() - began
        if process.returncode:
            complaints.seek(0)
            sys.stderr.write(complaints.read())
            raise InputError(
                f"`python {' '.join(words)}` failed with status {process.returncode}, for the "
                "reason above."
            )
    return seconds, "".join(lines)


def answer(
    *words: str, folder: Path | None = None, environment: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Run `python <words>` as `run` does; return the JSON object of its last line."""
    return last_line(run(*words, folder=folder, environment=environment)[1])


def last_line(printed: str) -> dict[str, Any]:
    """Return the JSON object that a process printed in its last line."""
    return json.loads(printed.splitlines()[-1])


def train(
    folder: Path, *overrides: str, command: tuple[str, ...] = ("src.train",)
) -> TrainingProcess:
    """Train in a project folder, in a process.

    Args:
        folder: the project.
        overrides: of its configuration.
        command: a module and its first arguments, which trains as `python -m src.train` does.
    """
    out = Path(tempfile.mkdtemp(dir=folder))
    words = ("-m", *command, f"hydra.run.dir={out}", *overrides)
    wall_seconds, printed = run(*words, folder=folder)
    seconds = json.loads((out / paths.TIMINGS).read_text())[metric_names.TRAIN_SECONDS]
    scores = out / paths.PREDICTIONS / paths.METRICS
    accuracy = None
    if scores.is_file():
        accuracy = json.loads(scores.read_text())[metric_names.TEST_ACCURACY]
    return TrainingProcess(seconds, accuracy, wall_seconds=wall_seconds, out=out, printed=printed)


def copy_code(folder: Path) -> None:
    """Copy the code as it is now, with uncommitted changes, and conf/ to a folder."""
    for name in ("src", "conf"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, folder / name, ignore=ignored)


@contextmanager
def project_with_our_data() -> Iterator[Path]:
    """Yield a new project folder with params.yaml and data/ of the working directory.

    Raises:
        InputError: the data is not preprocessed, or its held-out labels are not known.
    """
    if held_out_labels.read(dataset.load_description().counts["test"]) is None:
        raise InputError(
            "The labels of the held-out images are not known, so no test accuracy can be compared: "
            "set fetch.source to mnist in params.yaml and run `dvc repro preprocess`."
        )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / paths.PARAMS).write_bytes(paths.PARAMS.read_bytes())
        (folder / paths.RAW.parent).symlink_to(paths.RAW.parent.resolve())
        yield folder


@contextmanager
def project_with_mnist() -> Iterator[Path]:
    """Yield a new project folder with MNIST in its official split of 60,000 and 10,000.

    Raises:
        InputError: it cannot be downloaded; fetch.path in params.yaml may name a folder with it.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        params = OmegaConf.load(paths.PARAMS)
        params.fetch.update(source="mnist", layout="mnist")
        OmegaConf.save(params, folder / paths.PARAMS)
        for stage in ("src.fetch", "src.preprocess"):
            run("-m", stage, folder=folder)
        yield folder

"""Project folders for the length of a benchmark, so that none touches the user's own: their runs,
checkpoints and data stay as they are.
"""

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from omegaconf import OmegaConf

from benchmarks import turns
from src.data import dataset, read_csv
from src.runtime import metric_names, paths
from src.runtime.errors import InputError

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Training:
    """What a training took, in seconds without evaluation, and its test accuracy, if known."""

    seconds: float
    accuracy: float | None

    def __str__(self) -> str:
        """Return both as text."""
        known = "" if self.accuracy is None else f", accuracy {self.accuracy:.4f}"
        return f"{self.seconds:.1f} s{known}"


@contextmanager
def with_our_data() -> Iterator[Path]:
    """Yield a new project folder with params.yaml and data/ of the working directory.

    Raises:
        InputError: the data is not preprocessed, or its held-out labels are not known.
    """
    dataset.describe()
    if read_csv.solution(paths.SOLUTION_CSV) is None:
        raise InputError(
            f"{paths.SOLUTION_CSV} holds no labels, so no test accuracy can be compared: set "
            "fetch.source to mnist in params.yaml and run `dvc repro preprocess`."
        )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / paths.PARAMS).write_bytes(paths.PARAMS.read_bytes())
        (folder / paths.RAW.parent).symlink_to(paths.RAW.parent.resolve())
        yield folder


@contextmanager
def with_mnist() -> Iterator[Path]:
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
            turns.run("-m", stage, folder=folder, PYTHONPATH=str(ROOT))
        yield folder


@dataclass(frozen=True)
class Process:
    """A whole process of `python -m src.train`.

    Args:
        seconds: its wall time.
        train_seconds: what it says of its training, without evaluation.
        printed: its standard output.
        out: the folder with what it wrote.
    """

    seconds: float
    train_seconds: float
    printed: str
    out: Path

    def __str__(self) -> str:
        """Return both times as text."""
        return f"{self.seconds:.1f} s, of it training {self.train_seconds:.1f} s"


def process(folder: Path, *overrides: str, module: str = "src.train") -> Process:
    """Run `python -m src.train` with overrides in a project folder, with an MLflow store there.

    Args:
        folder: the project.
        overrides: of its configuration.
        module: what to run in its place: one of this package that runs it differently.
    """
    out = Path(tempfile.mkdtemp(dir=folder))
    seconds, printed = turns.run(
        *("-m", module, f"hydra.run.dir={out}", *overrides),
        folder=folder,
        PYTHONPATH=str(ROOT),
        MLFLOW_TRACKING_URI="",  # so, mlflow.db in that folder
    )
    final = json.loads((out / paths.METRICS).read_text())
    return Process(seconds, final[metric_names.TRAIN_SECONDS], printed, out)


def train(folder: Path, *overrides: str) -> Training:
    """Train with overrides in a project folder, as `process` does."""
    done = process(folder, *overrides)
    scores = json.loads((done.out / paths.PREDICTIONS / paths.METRICS).read_text())
    return Training(done.train_seconds, scores[metric_names.TEST_ACCURACY])

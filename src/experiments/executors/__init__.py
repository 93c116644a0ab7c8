"""Where runs train: in this process, in processes of this machine, on Ray, or on Slurm.

An executor uses neither results nor MLflow: each run logs itself.
"""

import os
import pickle
import signal
import traceback
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager, redirect_stdout
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from src.core.errors import InputError

if TYPE_CHECKING:  # a Ray worker imports this package before its node's packages are verified
    from src.experiments.run_spec import RunSpec

LOG = "train.log"  # the output of a run, in its folder
LOGS = f"{{root}}/RUN/{LOG}"  # where `root` is the folder of a plan's runs
THREADS = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")  # TensorFlow's variables
RUNS_PER_WORKER = 10  # then it is replaced, because TensorFlow's memory grows with each run


class Outcome(NamedTuple):
    """A run that ended, and its error; None if it succeeded."""

    spec: "RunSpec"
    error: BaseException | None


class WorkerLostError(InputError):
    """The process or the node that trained a run is gone; the run can resume."""


class Executor(Protocol):
    """Trains the runs of a plan."""

    @property
    def logs(self) -> str | None:
        """Where the runs' output is, with {root} for the folder of their folders; None: printed."""
        return LOGS

    def call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Return the result of a function that needs TensorFlow, in a process that may load it."""
        ...

    def prepare(self) -> None:
        """Raise InputError if runs cannot be trained; called before anything is recorded."""
        return

    def at_a_time(self) -> int:
        """Return how many runs can train side by side now."""
        ...

    def execute(self, specs: "Iterable[RunSpec]") -> Generator[Outcome, None, None]:
        """Train runs, started in their order, and yield each as soon as it ends; when the generator
        is closed, the runs in progress end as after Ctrl-C.
        """
        ...


def thread_variables(count: int) -> dict[str, str]:
    """Return the variables by which a worker's TensorFlow uses this many threads, or as many as the
    user has set for it.
    """
    return {name: os.environ.get(name, str(count)) for name in THREADS}


def train_here(spec: "RunSpec") -> None:
    """Announce a run and train it, in this process."""
    from src.core import heavy_imports
    from src.data import dataset
    from src.experiments import run_spec

    run_spec.announce(spec, dataset.load_description())
    heavy_imports.load(mlflow=spec.cfg.mlflow.enabled)
    from src.experiments import train_run  # TensorFlow

    train_run.run(spec)


def train(spec: "RunSpec") -> None:
    """Train a run in this process, with its output in a file of its folder, which is created."""
    spec.folder.mkdir(parents=True, exist_ok=True)
    with (spec.folder / LOG).open("a") as log, redirect_stdout(log):
        train_here(spec)


@contextmanager
def interruptible() -> Iterator[None]:
    """Let SIGTERM, which ends a worker's run, interrupt it as Ctrl-C does."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def portable(error: BaseException) -> BaseException:
    """Return an error that can be pickled, with its traceback as a note."""
    trace = "".join(traceback.format_exception(error))
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        error = RuntimeError(f"{type(error).__name__}: {error}")
    error.add_note(trace)
    return error

"""Where the runs of a study are made.

An executor takes planned runs and yields each that ends, in whatever order. It knows nothing of
MLflow: a run logs itself.
"""

import multiprocessing
import os
import signal
import threading
from collections.abc import Generator, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import redirect_stdout
from dataclasses import dataclass
from types import FrameType
from typing import NamedTuple, Protocol

from src.runtime.errors import InputError
from src.studies.planned_run import PlannedRun

LOG = "train.log"  # what a run prints, in its folder
RUNS_PER_PROCESS = 10  # then a fresh one takes its place: what TensorFlow keeps of each run grows
THREADS = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")

# In a worker process: whether a run is being made, and whether it shall make no more.
_training = False
_ending = False


class Outcome(NamedTuple):
    """A run that ended, and the error that it ended with; None if it ended well."""

    run: PlannedRun
    error: BaseException | None


class Executor(Protocol):
    """What a study asks of whatever makes its runs."""

    def execute(self, runs: Iterable[PlannedRun]) -> Generator[Outcome, None, None]:
        """Make the runs, begun in their order, and yield each as soon as it ends.

        Where the iteration is given up, the runs that are being made end as after Ctrl-C.
        """
        ...


@dataclass(frozen=True)
class LocalProcesses:
    """Processes on this machine, each with its share of the cores.

    Attributes:
        workers: how many.
        threads: TensorFlow's in each; None for its own choice.
    """

    workers: int
    threads: int | None = None

    def execute(self, runs: Iterable[PlannedRun]) -> Generator[Outcome, None, None]:
        """See `Executor`. A worker that is killed costs its own run only."""
        # A tracker that outlives a parent killed outright would warn of what that left behind.
        os.environ.setdefault("PYTHONWARNINGS", "ignore:resource_tracker:UserWarning")
        waiting = iter(runs)
        running: dict[Future, tuple[PlannedRun, _Worker]] = {}

        def begin_next(worker: _Worker) -> None:
            if (run := next(waiting, None)) is not None:
                worker = worker.fresh()
                running[worker.submit(run)] = run, worker
            else:
                worker.pool.shutdown(wait=False)

        try:
            for _ in range(self.workers):
                begin_next(_Worker(self.threads))
            while running:
                done, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    run, worker = running.pop(future)
                    error = future.exception()
                    if isinstance(error, BrokenProcessPool):
                        worker.broken = True
                        error = InputError(
                            "its worker process was killed, perhaps because memory ran out: run "
                            "the same command again, with fewer workers if need be."
                        )
                    begin_next(worker)  # before anyone looks at what has ended
                    yield Outcome(run, error)
        finally:
            for process in multiprocessing.active_children():
                process.terminate()  # a run ends as after Ctrl-C
            for _, worker in running.values():
                worker.pool.shutdown(cancel_futures=True)


class _Worker:
    """A process that makes one run after another, and how many it has made."""

    def __init__(self, threads: int | None):
        self.threads = threads
        self.made = 0
        self.broken = False
        self.pool = ProcessPoolExecutor(
            1, multiprocessing.get_context("spawn"), initializer=_begin, initargs=(threads,)
        )

    def fresh(self) -> "_Worker":
        """Return itself, or if it is broken or worn out another in its place."""
        if not self.broken and self.made < RUNS_PER_PROCESS:
            return self
        self.pool.shutdown(wait=False)
        return _Worker(self.threads)

    def submit(self, run: PlannedRun) -> Future:
        self.made += 1
        return self.pool.submit(_make, run)


def _begin(threads: int | None) -> None:
    """Set up a worker process: its threads, its signals, and that it ends with its parent."""
    for variable in THREADS if threads else ():
        os.environ.setdefault(variable, str(threads))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent hears Ctrl-C, and passes it on
    signal.signal(signal.SIGTERM, _interrupt)
    threading.Thread(target=_end_with_the_parent, daemon=True).start()


def _interrupt(number: int, frame: FrameType | None) -> None:
    global _ending
    _ending = True
    if _training:
        raise KeyboardInterrupt


def _end_with_the_parent() -> None:
    """Wait for the parent's end, be it by `kill -9`: this process would train on, and lock the
    checkpoint from which the next start shall go on.
    """
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _make(run: PlannedRun) -> None:
    """Make a run, with what it prints in a file of its folder."""
    global _training
    run.folder.mkdir(parents=True, exist_ok=True)
    with (run.folder / LOG).open("a") as log, redirect_stdout(log):
        _training = True
        try:
            if _ending:  # since before the run began
                raise KeyboardInterrupt
            run.announce()
            run.execute()
        finally:
            _training = False

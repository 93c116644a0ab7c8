"""Runs as processes on this machine.

Worker processes are forks of one that has imported TensorFlow and MLflow, and called nothing of
them: so they are as fresh as new ones, but start at once and share what it imported.
"""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import forkserver
from types import FrameType
from typing import Any, ClassVar

import psutil

from src.runtime.errors import InputError
from src.experiments.executors import THREADS, Outcome, printing_to_log
from src.experiments.run_spec import PlannedRun

RUNS_PER_PROCESS = 10  # then a fresh one takes its place: what TensorFlow keeps of each run grows
PRELOADED = "src.experiments.preloaded"

# In a worker process: whether a run is being made, and whether it shall make no more.
_training = False
_ending = False


@contextmanager
def server() -> Iterator[None]:
    """Start the process that the workers are forked from, so that it imports while this one does
    other things. It ends with the block, even if it has not come to the end of its imports.
    """
    _ensure_server()
    try:
        yield
    finally:
        for child in psutil.Process().children():
            with suppress(psutil.Error):
                if any(forkserver.__name__ in word for word in child.cmdline()):
                    child.terminate()


def _ensure_server() -> None:
    # A tracker that outlives a parent killed outright would warn of what that left behind.
    os.environ.setdefault("PYTHONWARNINGS", "ignore:resource_tracker:UserWarning")
    multiprocessing.set_forkserver_preload([PRELOADED])
    # Ctrl-C is for this process; one that imports would answer it with a stack trace.
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        forkserver.ensure_running()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def in_a_process(function: Callable[..., Any], *arguments: Any) -> Any:
    """Call a function in a process of its own, as fresh as a worker's; return what it returns.

    Raises:
        InputError: the process was killed.
        BaseException: whatever the function raises.
    """
    with _pool(None) as pool:
        try:
            return pool.submit(function, *arguments).result()
        except BrokenProcessPool as error:
            raise InputError(
                "The process that checks the runs was killed, perhaps because memory ran out: run "
                "the same command again."
            ) from error


def _pool(threads: int | None) -> ProcessPoolExecutor:
    """Return a pool of one process."""
    _ensure_server()
    context = multiprocessing.get_context("forkserver")
    # The server has the environment of the moment in which it began.
    return ProcessPoolExecutor(1, context, initializer=_begin, initargs=(threads, dict(os.environ)))


@dataclass(frozen=True)
class LocalProcesses:
    """Processes on this machine, each with its share of the cores.

    Attributes:
        workers: how many.
        threads: TensorFlow's in each; None for its own choice.
    """

    workers: int
    threads: int | None = None

    keeps_files: ClassVar[bool] = True

    def prepare(self) -> None:
        """See `Executor`: processes need no preparation."""

    def at_a_time(self) -> int:
        """See `Executor`."""
        return self.workers

    def execute(self, runs: Iterable[PlannedRun]) -> Generator[Outcome, None, None]:
        """See `Executor`. A worker that is killed costs its own run only."""
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
        self.pool = _pool(threads)

    def fresh(self) -> "_Worker":
        """Return itself, or if it is broken or worn out another in its place."""
        if not self.broken and self.made < RUNS_PER_PROCESS:
            return self
        self.pool.shutdown(wait=False)
        return _Worker(self.threads)

    def submit(self, run: PlannedRun) -> Future:
        self.made += 1
        return self.pool.submit(_make, run)


def _begin(threads: int | None, environment: Mapping[str, str]) -> None:
    """Set up a worker process: its environment, its threads, its signals, and that it ends with its
    parent.
    """
    os.environ.clear()
    os.environ.update(environment)
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
    with printing_to_log(run):
        _training = True
        try:
            if _ending:  # since before the run began
                raise KeyboardInterrupt
            run.announce()
            run.execute()
        finally:
            _training = False

"""Runs in this process, or in worker processes of this machine.

The workers are forks of a process that has imported TensorFlow and MLflow and called neither: so
they are as fresh as new processes, but start at once and share the imported memory.
"""

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import forkserver
from typing import TYPE_CHECKING, Any

import joblib
import psutil

from src.core import heavy_imports
from src.core.errors import InputError
from src.experiments import executors
from src.experiments.executors import RUNS_PER_WORKER, Executor, Outcome, WorkerLostError

if TYPE_CHECKING:
    from src.experiments.run_spec import RunSpec

PRELOAD = "src.experiments.executors.preload"
SECONDS_TO_END = 5.0  # for a server after SIGTERM


class Here(Executor):
    """This process: runs one after another, with their output on the terminal."""

    logs = None

    def call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """See `Executor`."""
        heavy_imports.load(mlflow=False)
        return function(*arguments)

    def at_a_time(self) -> int:
        """See `Executor`."""
        return 1

    def execute(self, specs: "Iterable[RunSpec]") -> Generator[Outcome, None, None]:
        """See `Executor`. KeyboardInterrupt passes."""
        for spec in specs:
            error = None
            try:
                executors.train_here(spec)
            except Exception as raised:
                error = raised
            yield Outcome(spec, error)


@contextmanager
def server() -> Iterator[None]:
    """Start the process that workers are forked from, so that it imports while this one checks
    its input; end it with the block, even amid its imports.
    """
    _ensure_server()
    try:
        yield
    finally:
        for child in psutil.Process().children():
            with suppress(psutil.Error):
                if any(forkserver.__name__ in word for word in child.cmdline()):
                    child.terminate()
                    _wait_for_end(child)


def _wait_for_end(child: psutil.Process) -> None:
    """Wait until a process has ended, and leave its exit status to multiprocessing, which would
    otherwise take a server that is about to end for one that runs.
    """
    latest = time.monotonic() + SECONDS_TO_END
    while child.status() != psutil.STATUS_ZOMBIE and time.monotonic() < latest:
        time.sleep(0.01)


def _ensure_server() -> None:
    # The resource tracker of a process that was killed would warn of its leftovers.
    os.environ.setdefault("PYTHONWARNINGS", "ignore:resource_tracker:UserWarning")
    multiprocessing.set_forkserver_preload([PRELOAD])
    # Ctrl-C is for this process; one that is importing would print a traceback.
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        forkserver.ensure_running()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def in_a_process(function: Callable[..., Any], *arguments: Any) -> Any:
    """Call a function in a fresh process with TensorFlow; return its result, or raise its error, or
    InputError if the process was killed.
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
    given = (threads, dict(os.environ))  # the server's environment is that of its own start
    return ProcessPoolExecutor(1, context, _begin, given, max_tasks_per_child=RUNS_PER_WORKER)


@dataclass(frozen=True)
class LocalProcesses(Executor):
    """Worker processes of this machine, which share its cores."""

    workers: int  # at a time
    train: Callable[["RunSpec"], None] = executors.train

    call = staticmethod(in_a_process)

    def at_a_time(self) -> int:
        """See `Executor`."""
        return self.workers

    def execute(self, specs: "Iterable[RunSpec]") -> Generator[Outcome, None, None]:
        """See `Executor`. A worker that is killed costs its own run only."""
        waiting = iter(specs)
        # Each worker has its share of the cores; a single one has TensorFlow's own choice.
        threads = None if self.workers == 1 else max(1, joblib.cpu_count() // self.workers)
        running: dict[Future, tuple[RunSpec, ProcessPoolExecutor]] = {}  # a pool for each worker

        def begin_next(pool: ProcessPoolExecutor) -> None:
            if (spec := next(waiting, None)) is not None:
                running[pool.submit(_train, self.train, spec)] = spec, pool
            else:
                pool.shutdown(wait=False)

        try:
            for _ in range(self.workers):
                begin_next(_pool(threads))
            while running:
                done, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    spec, pool = running.pop(future)
                    error = future.exception()
                    if isinstance(error, BrokenProcessPool):
                        pool.shutdown(wait=False)
                        pool = _pool(threads)
                        error = WorkerLostError(
                            "its worker process was killed, perhaps because memory ran out: run "
                            "the same command again, with fewer workers if need be."
                        )
                    begin_next(pool)  # before the caller handles the outcome
                    yield Outcome(spec, error)
        finally:
            for process in multiprocessing.active_children():
                process.terminate()  # a run ends as after Ctrl-C
            for _, pool in running.values():
                pool.shutdown(cancel_futures=True)


def _begin(threads: int | None, environment: Mapping[str, str]) -> None:
    """Set up a worker process: environment, threads, signals, and an end with its parent."""
    os.environ.clear()
    os.environ.update(environment)
    if threads is not None:
        os.environ.update(executors.thread_variables(threads))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent gets Ctrl-C, and passes it on
    # It would outlive a parent that is gone, even by `kill -9`, and hold the lock of the checkpoint
    # that the next start resumes from.
    parent = multiprocessing.parent_process()
    assert parent is not None

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _train(train: "Callable[[RunSpec], None]", spec: "RunSpec") -> None:
    with executors.interruptible():
        train(spec)

"""Runs as jobs of submitit, for `hydra/launcher=submitit_slurm` or `submitit_local` of a sweep."""

import subprocess
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import submitit
from submitit.core.utils import UncompletedJobError

from src.core.errors import InputError, one_line
from src.experiments import executors
from src.experiments.executors import Executor, Outcome, WorkerLostError
from src.experiments.executors.local import in_a_process
from src.experiments.run_spec import RunSpec

POLL_SECONDS = 2
GRACE_SECONDS = 30  # for interrupted runs, to record that
FOLDER, TIMEOUTS = "submitit_folder", "max_num_timeout"  # settings of the constructor
# Settings of every cluster; submitit wants the others prefixed by the cluster's name.
SHARED = (
    *("name", "timeout_min", "mem_gb", "nodes", "cpus_per_task", "gpus_per_node"),
    *("tasks_per_node", "stderr_to_stdout"),
)


@dataclass
class Job(submitit.helpers.Checkpointable):
    """Trains a run; requeued after a preemption or time-out, it resumes from its checkpoint."""

    train: Callable[[RunSpec], None]

    def __call__(self, spec: RunSpec) -> BaseException | None:
        """Return the error that the run ended with."""
        try:
            self.train(spec)
        except (Exception, KeyboardInterrupt) as error:
            return executors.portable(error)
        return None


@dataclass
class Submitit(Executor):
    """Jobs of a cluster, one for each run."""

    cluster: str  # slurm, or local for processes of this machine
    settings: Mapping[str, Any]  # Hydra's values of hydra.launcher
    train: Callable[[RunSpec], None] = executors.train
    _jobs: Any = None  # submitit's executor

    call = staticmethod(in_a_process)

    def prepare(self) -> None:
        """See `Executor`: the cluster is there, and the values of hydra.launcher are right."""
        given = {
            key if key in SHARED else f"{self.cluster}_{key}": value
            for key, value in self.settings.items()
            if key not in ("_target_", FOLDER)
        }
        first = {key: given.pop(key) for key in list(given) if key.endswith(TIMEOUTS)}
        with self._failing_in_a_sentence():
            self._jobs = submitit.AutoExecutor(self.settings[FOLDER], self.cluster, **first)
            self._jobs.update_parameters(**given)

    def at_a_time(self) -> int:
        """See `Executor`: the limit that the sweep sets itself; the cluster's is unknown."""
        return self.settings.get("array_parallelism", 256)

    def execute(self, specs: Iterable[RunSpec]) -> Generator[Outcome, None, None]:
        """See `Executor`. All runs are submitted at once, as an array of jobs."""
        waiting = list(specs)
        if not waiting:
            return
        with self._failing_in_a_sentence():
            jobs = self._jobs.map_array(Job(self.train), waiting)
        running = dict(zip(jobs, waiting, strict=True))
        try:
            while running:
                for job in [job for job in running if job.done()]:
                    yield Outcome(running.pop(job), _result(job))
                time.sleep(POLL_SECONDS if running else 0)
        finally:
            if running:
                self._cancel(list(running))

    def _cancel(self, running: Sequence[Any]) -> None:
        """End runs as after Ctrl-C, and forget the jobs that have not begun."""
        if self.cluster == "slurm":  # submitit's jobs ignore the SIGTERM of its own cancel()
            for words in (["--signal=INT"], []):
                command = ["scancel", *words, *(job.job_id for job in running)]
                subprocess.run(command, capture_output=True, check=False)
        else:
            for job in running:
                job.cancel()
        begun = [job.paths.result_pickle for job in running if job.paths.stdout.exists()]
        last = time.monotonic() + GRACE_SECONDS
        while time.monotonic() < last and not all(result.exists() for result in begun):
            time.sleep(0.5)

    @contextmanager
    def _failing_in_a_sentence(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            reason = one_line(error)
            raise InputError(
                f"hydra/launcher=submitit_{self.cluster} failed ({type(error).__name__}: "
                f"{reason}): see its logs in {self.settings.get(FOLDER)}, if there are any, fix "
                "that or the values of hydra.launcher, and run the same command again; without "
                "hydra/launcher the runs train here, one after another."
            ) from error


def _result(job: Any) -> BaseException | None:
    """Return the error of a job that has ended."""
    try:
        [error] = job.results()
    except UncompletedJobError as raised:
        error = raised
    if isinstance(error, UncompletedJobError):  # raised here, or in the job when its time was over
        reason = str(error).splitlines()[0].rstrip(".")
        return WorkerLostError(
            f"its job {job.job_id} did not complete ({reason}): see {job.paths.stderr}, then run "
            "the same command again."
        )
    return error

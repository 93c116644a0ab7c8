"""Runs as tasks of Ray: on a Ray of this machine, or on a cluster."""

import functools
import os
import pickle
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

from src.core.errors import InputError
from src.experiments import executors
from src.experiments.executors import Executor, Outcome, cluster, data_transfer, ray_worker
from src.experiments.executors.local import in_a_process
from src.experiments.executors.ray_worker import NO_GPU, IncompatibleNode, RunContext
from src.experiments.run_spec import RunSpec
from src.tracking import environment, fingerprint

RETRIES = 3  # of a run whose worker or node is lost
POLL_SECONDS = 10  # after which the driver looks for added nodes
GRACE_SECONDS = 30  # for interrupted runs, to record that
PASSED_ON = ("MLFLOW_", "AWS_", "TF_", "XLA_", "KERAS_", "FSSPEC_")  # variables


@dataclass
class RayTasks(Executor):
    """One task of Ray for each run. A worker trains several, because importing TensorFlow and
    tracing a network take seconds; but on a GPU one, since Ray gives that to the next run while the
    worker still holds its memory.
    """

    cpus: int  # of a run, which are TensorFlow's threads too
    gpus: float  # of a run; 0.5 lets two share one
    workers: int  # runs at a time on a Ray of this machine; on a cluster its size decides
    train: Callable[[RunSpec], None] = executors.train
    _context: RunContext | None = None
    _data: list[Any] = field(default_factory=list)
    _incompatible: set[str] = field(default_factory=set)  # nodes
    _task: Any = None
    _warned: bool = False

    call = staticmethod(in_a_process)

    @property
    def logs(self) -> str:
        """See `Executor`."""
        return f"{executors.LOG} of each run in MLflow" if self._travels else executors.LOGS

    @property
    def _travels(self) -> bool:
        """Whether runs train on other machines than this."""
        return cluster.address() is not None

    def prepare(self) -> None:
        """See `Executor`: start or join Ray, compare its nodes with this machine, send the data."""
        if self._context is not None:
            return
        lock = fingerprint.ROOT / "requirements.lock"
        if not lock.exists():
            raise InputError(
                f"{lock}, which the nodes of Ray are compared by, does not exist: restore it from "
                "git."
            )
        installed = ray_worker.installed(lock)
        files = data_transfer.pack() if self._travels else {}
        cluster.connect()
        cluster.refuse_too_large(self.cpus, self.gpus)
        if self._travels:
            self._refuse_incompatible(installed)
            self._data = [cluster.library().put(files)]
        print(cluster.described(), flush=True)
        # These go with the run, not with the worker's runtime environment, which Ray shows on its
        # pages: there are passwords among them.
        passed = {name: os.environ[name] for name in os.environ if name.startswith(PASSED_ON)}
        variables = passed | executors.thread_variables(self.cpus) | ({} if self.gpus else NO_GPU)
        # Once: Ray counts the calls of each of these, and sends each to every node.
        calls = 1 if self.gpus else executors.RUNS_PER_WORKER
        remote = cluster.library().remote(max_retries=RETRIES, max_calls=calls)
        self._task = remote(ray_worker.train)
        folder = None if self._travels else str(Path.cwd())
        self._context = RunContext(installed, variables, folder, data_transfer.digest(files))

    def at_a_time(self) -> int:
        """See `Executor`."""
        found = sum(self._fitting(one) for one in cluster.nodes(self._incompatible))
        return max(1, found if self._travels else min(found, self.workers))

    def _fitting(self, node: cluster.Node) -> int:
        """Return how many runs a node can train at a time."""
        fitting = int(node.cpus // self.cpus)
        return min(fitting, int(node.gpus / self.gpus)) if self.gpus else fitting

    def execute(self, specs: Iterable[RunSpec]) -> Generator[Outcome, None, None]:
        """See `Executor`. A run whose worker or node is lost is retried, where there is room, and
        resumes from its checkpoint if that can be read there.
        """
        ray, waiting = cluster.library(), iter(specs)
        running: dict[Any, RunSpec] = {}
        try:
            self._fill(waiting, running)
            while running:
                done, _ = ray.wait(list(running), num_returns=1, timeout=POLL_SECONDS)
                for task in done:
                    spec, ended = running.pop(task), _result(ray, task)
                    if isinstance(ended, IncompatibleNode):
                        self._leave_out(ended)
                        running[self._submit(spec)] = spec
                        continue
                    self._fill(waiting, running)  # before the caller handles the outcome
                    yield Outcome(spec, ended)
                self._fill(waiting, running)
        finally:
            for task in running:
                ray.cancel(task, force=False)  # ends as after Ctrl-C
            if left := list(running):
                _, left = ray.wait(left, num_returns=len(left), timeout=GRACE_SECONDS)
            for task in left:
                ray.cancel(task, force=True)

    def _fill(self, waiting: Iterator[RunSpec], running: dict[Any, RunSpec]) -> None:
        """Submit runs as far as there is room."""
        while len(running) < self.at_a_time() and (spec := next(waiting, None)) is not None:
            running[self._submit(spec)] = spec

    def _submit(self, spec: RunSpec) -> Any:
        """Return the task of a run, tagged with the commit of this machine: a node has none."""
        sent = replace(spec, tags={**spec.tags, **_code_tags(tuple(spec.choices.items()))})
        if self._travels:
            self._warn_of_lost_epochs(spec.cfg.checkpoints)
            # The folder's name is unique here, but not there.
            sent = replace(sent, folder=Path("runs") / uuid4().hex)
        # No worker is shared by runs of other threads: TensorFlow reads these only once.
        runtime = {"env_vars": executors.thread_variables(self.cpus)}
        options = {"num_cpus": self.cpus, "num_gpus": self.gpus, "name": spec.name}
        if self._incompatible:
            nodes = ",".join(sorted(self._incompatible))
            options["label_selector"] = {"ray.io/node-id": f"!in({nodes})"}
        task = self._task.options(**options, runtime_env=runtime)
        return task.remote(self._context, self._data, pickle.dumps((self.train, sent)))

    def _warn_of_lost_epochs(self, place: str | None) -> None:
        """Say so once if only the node that a run is on can read its checkpoint."""
        shared = place is not None and ("://" in place or Path(place).is_absolute())
        if not (shared or self._warned):
            print(
                "Checkpoints stay on their nodes: a run that loses its node starts again at epoch "
                "1, unless checkpoints in params.yaml names a folder that all nodes share.",
                flush=True,
            )
        self._warned = True

    def _leave_out(self, node: IncompatibleNode) -> None:
        """No longer use a node with other packages; raise InputError if no other is left."""
        if node.node_id not in self._incompatible:
            print(f"Leaving out a node: {node.reason}", flush=True)
        self._incompatible.add(node.node_id)
        if not any(self._fitting(one) for one in cluster.nodes(self._incompatible)):
            raise _refusal([node])

    def _refuse_incompatible(self, installed: Mapping[str, str]) -> None:
        """Refuse a cluster with a node that has other packages than this machine."""
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        ray = cluster.library()
        inspect = ray.remote(ray_worker.inspect)
        # The threads of a run, so that the worker can train one then.
        runtime = {"env_vars": executors.thread_variables(self.cpus)}
        asked = {}
        for node in cluster.nodes():
            place = NodeAffinitySchedulingStrategy(node.id, soft=False)
            task = inspect.options(num_cpus=0, runtime_env=runtime, scheduling_strategy=place)
            asked[node.id] = task.remote(installed)
        answers = {node_id: _result(ray, task) for node_id, task in asked.items()}
        alive = {node.id for node in cluster.nodes()}  # Ray notices a lost node only after a while
        found = [answer for node_id, answer in answers.items() if node_id in alive]
        for error in found:
            if isinstance(error, BaseException):
                raise error
        if nodes := [one for one in found if isinstance(one, IncompatibleNode)]:
            raise _refusal(nodes)


@functools.cache
def _code_tags(choices: tuple[tuple[str, str], ...]) -> dict[str, str]:
    return environment.code_tags(dict(choices))


def _refusal(nodes: list[IncompatibleNode]) -> InputError:
    more = f" (and {len(nodes) - 1} more nodes)" if len(nodes) > 1 else ""
    return InputError(
        f"The nodes of Ray need the packages of this machine's requirements.lock, but "
        f"{nodes[0].reason}{more}: run `make .venv/cluster` with the same lock on each node, and "
        "start Ray there from that .venv."
    )


def _result(ray: Any, task: Any) -> IncompatibleNode | BaseException | None:
    """Return the result of a task that has ended: None if its run succeeded."""
    try:
        return ray.get(task)
    except (ray.exceptions.TaskCancelledError, ray.exceptions.RayTaskError) as error:
        return error  # the latter of our own code before or after the run
    except ray.exceptions.RayError as error:
        reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
        return executors.WorkerLostError(
            f"its worker or its node was lost {RETRIES + 1} times, perhaps because memory ran out "
            f"({reason[:200].rstrip('.')}): run the same command again."
        )

"""Runs as tasks of Ray: on a Ray of this machine, or on a cluster."""

import os
import pickle
from collections.abc import Generator, Iterable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any
from uuid import uuid4

import mlflow

from src.runtime.errors import InputError
from src.experiments.executors import THREADS, Outcome, cargo, cluster, packages, ray_worker
from src.experiments.executors.ray_worker import NO_GPU, Errand, Unfit
from src.experiments.run_spec import PlannedRun
from src.tracking import environment, fingerprint
from src.training import precision

RUNS_PER_WORKER = 10  # then a fresh one takes its place: what TensorFlow keeps of each run grows
RETRIES = 3  # of a run whose worker or node is lost
LOOK_SECONDS = 10  # after which the driver looks whether nodes were added
GRACE_SECONDS = 30  # for runs that are interrupted, to note it
PASSED_ON = ("MLFLOW_", "AWS_", "TF_", "XLA_", "KERAS_", "FSSPEC_")  # variables
STORE = "MLFLOW_TRACKING_URI"
SQLITE = "sqlite:///"


@dataclass
class RayTasks:
    """One task of Ray for each run.

    A worker makes several runs, because to import TensorFlow and to trace a network takes seconds;
    but on a GPU one, since Ray gives that to the next run while the worker still holds its memory.

    Attributes:
        cpus: of a run, which are TensorFlow's threads too.
        gpus: of a run; 0.5 lets two share one.
        workers: how many runs at a time on a Ray of this machine; on a cluster its size decides.
    """

    cpus: int
    gpus: float
    workers: int
    _errand: Errand | None = None
    _cargo: list[Any] = field(default_factory=list)
    _unfit: set[str] = field(default_factory=set)  # nodes
    _task: Any = None
    # Tags on the code, by a run's choices.
    _code: dict[frozenset[tuple[str, str]], dict[str, str]] = field(default_factory=dict)
    _begun: bool = False

    @property
    def keeps_files(self) -> bool:
        """See `Executor`."""
        return cluster.address() is None

    def prepare(self) -> None:
        """See `Executor`: start or join Ray, compare its nodes with this machine, send the data.

        Raises:
            InputError: Ray cannot be used, a node has other packages than this machine, or none is
                large enough for a run.
        """
        if self._errand is not None:
            return
        installed = _installed()
        files = {} if self.keeps_files else cargo.pack()
        cluster.connect()
        cluster.refuse_too_large(self.cpus, self.gpus)
        if not self.keeps_files:
            _refuse_unfit(installed, {"env_vars": self._threads()})
            self._cargo = [cluster.library().put(files)]
        print(cluster.described(), flush=True)
        calls = 1 if self.gpus else RUNS_PER_WORKER
        # Once: Ray counts the calls of each of these, and sends each to every node.
        self._task = cluster.library().remote(max_retries=RETRIES, max_calls=calls)(ray_worker.make)
        self._errand = Errand(
            installed=installed,
            environment=self._environment(),
            folder=str(Path.cwd()) if self.keeps_files else None,
            manifest=cargo.manifest(files),
        )

    def at_a_time(self) -> int:
        """See `Executor`."""
        found = sum(self._fitting(one) for one in cluster.nodes(self._unfit))
        return max(1, min(found, self.workers) if self.keeps_files else found)

    def _fitting(self, node: cluster.Node) -> int:
        """Return how many runs a node can make at a time."""
        fitting = int(node.cpus // self.cpus)
        return min(fitting, int(node.gpus / self.gpus)) if self.gpus else fitting

    def execute(self, runs: Iterable[PlannedRun]) -> Generator[Outcome, None, None]:
        """See `Executor`. A run whose worker or node is lost is tried again, where there is room;
        it goes on after the last epoch that its checkpoint has.
        """
        ray = cluster.library()
        waiting = iter(runs)
        running: dict[Any, PlannedRun] = {}
        try:
            self._begin(waiting, running)
            while running:
                done, _ = ray.wait(list(running), num_returns=1, timeout=LOOK_SECONDS)
                for task in done:
                    run, ended = running.pop(task), _result(ray, task)
                    if isinstance(ended, Unfit):
                        self._leave_out(ended)
                        running[self._submit(run)] = run
                        continue
                    self._begin(waiting, running)  # before anyone looks at what has ended
                    yield Outcome(run, ended)
                self._begin(waiting, running)
        finally:
            _interrupt(ray, list(running))

    def _begin(self, waiting: Iterator[PlannedRun], running: dict[Any, PlannedRun]) -> None:
        """Submit runs as far as there is room."""
        while len(running) < self.at_a_time() and (run := next(waiting, None)) is not None:
            running[self._submit(run)] = run

    def _submit(self, run: PlannedRun) -> Any:
        """Return the task of a run, with all pinned in it that may differ between nodes."""
        if not self._begun and not self.keeps_files:
            _tell_where_checkpoints_are(run.composed.get("checkpoints"))
        self._begun = True
        composed = deepcopy(run.composed)
        composed.precision = precision.choose(composed.precision)
        sent = replace(run, composed=composed, tags={**run.tags, **self._code_of(run)})
        if not self.keeps_files:  # its name is unique here, but not there
            sent = replace(sent, folder=Path("runs") / uuid4().hex)
        options: dict[str, Any] = {
            "num_cpus": self.cpus,
            "num_gpus": self.gpus,
            "name": run.name,
            # No worker is shared by runs of other threads: TensorFlow reads these only once.
            "runtime_env": {"env_vars": self._threads()},
        }
        if self._unfit:
            options["label_selector"] = {"ray.io/node-id": f"!in({','.join(sorted(self._unfit))})"}
        return self._task.options(**options).remote(self._errand, self._cargo, pickle.dumps(sent))

    def _code_of(self, run: PlannedRun) -> dict[str, str]:
        """Return the tags on the code, which git tells here: on another node there is no commit."""
        choices = frozenset(run.choices.items())
        if choices not in self._code:
            self._code[choices] = environment.code_tags(run.choices)
        return self._code[choices]

    def _leave_out(self, node: Unfit) -> None:
        """Use a node no more that was added with other packages.

        Raises:
            InputError: no other is left.
        """
        if node.node_id not in self._unfit:
            print(f"A node is left out: {node.reason}.", flush=True)
        self._unfit.add(node.node_id)
        if not any(self._fitting(one) for one in cluster.nodes(self._unfit)):
            raise InputError(_unfit_sentence([node]))

    def _environment(self) -> dict[str, str]:
        """Return the variables to set in a worker. They go with the run, not with the worker's
        environment, which Ray shows on its pages: there are passwords among them.
        """
        passed = {name: os.environ[name] for name in os.environ if name.startswith(PASSED_ON)}
        gpu = {} if self.gpus else NO_GPU
        return {**passed, **self._threads(), **gpu, STORE: _absolute(mlflow.get_tracking_uri())}

    def _threads(self) -> dict[str, str]:
        """Return the variables of TensorFlow's threads: the user's, else one for each CPU."""
        return {name: os.environ.get(name, str(self.cpus)) for name in THREADS}


def _tell_where_checkpoints_are(place: str | None) -> None:
    """Say so if only the node that a run is on can read its checkpoint."""
    if place is None or not ("://" in place or Path(place).is_absolute()):
        print(
            "Checkpoints stay on their nodes: a run that loses its node begins again at epoch 1, "
            "unless checkpoints in params.yaml names a place that all nodes share.",
            flush=True,
        )


def _installed() -> packages.Installed:
    lock = fingerprint.ROOT / "requirements.lock"
    try:
        return packages.here(lock)
    except FileNotFoundError:
        raise InputError(
            f"{lock} does not exist, by which the nodes of Ray are compared: restore it from git."
        ) from None


def _refuse_unfit(
    installed: packages.Installed, runtime_env: Mapping[str, Any] = MappingProxyType({})
) -> None:
    """Refuse a cluster with a node that has other packages than this machine.

    Args:
        installed: what this machine has.
        runtime_env: that of the runs to come, so that a worker that answers can make one.
    """
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    ray = cluster.library()
    asked = [
        ray.remote(ray_worker.inspect)
        .options(
            num_cpus=0,
            runtime_env=dict(runtime_env),
            scheduling_strategy=NodeAffinitySchedulingStrategy(one.id, soft=False),
        )
        .remote(installed)
        for one in cluster.nodes()
    ]
    found = [_result(ray, task) for task in asked]
    for error in found:
        if isinstance(error, BaseException):
            raise error
    if unfit := [one for one in found if isinstance(one, Unfit)]:
        raise InputError(_unfit_sentence(unfit))


def _unfit_sentence(unfit: list[Unfit]) -> str:
    more = f" (and {len(unfit) - 1} more nodes)" if len(unfit) > 1 else ""
    return (
        f"The nodes of Ray need the packages of this machine's requirements.lock, but "
        f"{unfit[0].reason}{more}: run `make .venv/cluster` with the same lock on each node, and "
        "start Ray there from that .venv."
    )


def _result(ray: Any, task: Any) -> Unfit | BaseException | None:
    """Return what a task that has ended left: nothing, an error, or that its node is unfit."""
    try:
        return ray.get(task)
    except ray.exceptions.TaskCancelledError as error:
        return error
    except ray.exceptions.RayTaskError as error:  # of our own code before or after the run
        return error
    except ray.exceptions.RayError as error:
        reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
        return InputError(
            f"its worker or its node was lost {RETRIES + 1} times, perhaps because memory ran out "
            f"({reason[:200].rstrip('.')}): run the same command again."
        )


def _interrupt(ray: Any, running: list[Any]) -> None:
    """End runs as after Ctrl-C; those that do not heed it are killed."""
    for task in running:
        ray.cancel(task, force=False)
    if running:
        _, left = ray.wait(running, num_returns=len(running), timeout=GRACE_SECONDS)
        for task in left:
            ray.cancel(task, force=True)


def _absolute(uri: str) -> str:
    """Return a store's URI as it holds in any folder."""
    if uri.startswith(SQLITE) and not uri.startswith(f"{SQLITE}/"):
        return f"{SQLITE}{Path(uri.removeprefix(SQLITE)).resolve()}"
    return uri

"""The engine: it trains whatever a plan still lacks, under one parent run in MLflow.

A sweep, a study and a search are plans. There is one rule for resuming: a run is done if the
parent has a finished child with its training digest (src/tracking/fingerprint.py); a run that was
interrupted resumes after its last finished epoch, in the same MLflow run; a failed one starts anew.
"""

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from mlflow.entities import Run

from src.core import errors, paths
from src.core.alone import alone
from src.core.errors import InputError
from src.experiments import progress, run_spec
from src.experiments.executors import Executor, WorkerLostError
from src.experiments.parent import Parent
from src.experiments.run_spec import INTERRUPTED, RunSpec
from src.experiments.table import Progress, Summary
from src.tracking import environment, lease, run_search, run_tags, store

FOLDER = Path("multirun")
NOTE = "mlflow.note.content"  # the tag that MLflow shows as a run's description


class Plan(Protocol):
    """Runs that belong together: a grid, planned looks at one, or the trials of a search."""

    kind: str  # study, sweep or search
    title: str  # in sentences: "study default"
    run_name: str  # of the parent run in MLflow
    experiment: str | None  # MLflow's; None if nothing is tracked
    first_tags: Mapping[str, str]  # of the parent run, set when it is created only
    root: Callable[[], Path] | None  # makes the folder of the runs' folders; None: in multirun/

    def identity(self) -> tuple[str, str]:
        """Return the tag and its value by which the parent run is found."""

    def choose(self, candidates: Sequence[Run], children: Any) -> Run | None:
        """Return the run to resume of those with the plan's identity, which come newest first;
        `children` returns the finished children of one.
        """

    def open(self, parent: Parent) -> str:
        """Read the runs that are done; return the line that a start prints first."""

    def samples(self) -> list[RunSpec]:
        """Return a run of each kind that is left, to see whether it can be built."""

    def batches(self) -> Iterator[Iterable[RunSpec]]:
        """Yield the runs to train; the next batch is asked for when all of one have ended."""

    def ended(
        self, spec: RunSpec, error: BaseException | None, finished: Sequence[Run]
    ) -> list[str]:
        """Take note of a run that has ended, and of its `finished` runs in MLflow; return the facts
        of its line.
        """

    def progress(self) -> Progress:
        """Return how far the plan is."""

    def unfinished(self) -> list[str]:
        """Return the names of the runs that did not finish in this start, and are not replaced."""

    def summary(self) -> Summary:
        """Return what the parent run records."""


def run(plan: Plan, executor: Executor) -> Parent:
    """Train what is missing of a plan; return its parent run.

    Raise InputError if the plan is running already, the store cannot be used, or a run did not
    finish; KeyboardInterrupt on Ctrl-C and SIGTERM, once the runs in progress have ended.
    """
    refusal = f"The {plan.title} is running in another process: wait for it to end, or end it."
    tag, value = plan.identity()
    with alone(f"{plan.kind}-{value[:40]}", refusal):
        parent = _parent(plan, tag, value)
        parent.refuse_if_running(plan.title)
        print(plan.open(parent), flush=True)
        summary = _Session(plan, executor, parent).train()
        parent.update({**summary.tags, NOTE: summary.note}, summary.metrics)
    if left := plan.unfinished():
        noun = "trials" if plan.kind == "search" else "runs"
        raise InputError(
            f"{len(left)} of {plan.progress().total} {noun} did not finish ({', '.join(left)}): "
            "fix the causes above; the same command resumes or repeats only these."
        )
    return parent


def _parent(plan: Plan, tag: str, value: str) -> Parent:
    if plan.experiment is None:
        return Parent(None)
    client, experiment_id = store.connect(plan.experiment)
    lease.close_orphans(client, experiment_id)
    wanted = f"tags.{tag} = '{value}'"
    found = run_search.every_run(client, [experiment_id], wanted, run_search.NEWEST_FIRST)
    candidates = [run for run in found if run_tags.PARENT not in run.data.tags]

    def children(run: Run) -> list[Run]:
        return Parent(client, experiment_id, run.info.run_id).children("FINISHED")

    chosen = plan.choose(candidates, children)
    return Parent(client, experiment_id, chosen.info.run_id if chosen else "")


@dataclass
class _Session:
    """One start of a plan."""

    plan: Plan
    executor: Executor
    parent: Parent
    failed: int = 0
    begun: bool = False
    root: Path | None = None

    def train(self) -> Summary:
        """Train the plan's batches; return its summary. Close its parent run whatever happens."""
        status = "FAILED"
        try:
            for batch in self.plan.batches():
                if not self.begun:
                    self._begin()
                self._train(batch)
            status = "FAILED" if self.failed else "FINISHED"
        except KeyboardInterrupt:
            status = "KILLED"
            raise KeyboardInterrupt(INTERRUPTED) from None
        finally:
            if self.begun or status == "FINISHED":
                finished = self.parent.children("FINISHED")
                begun = {run.info.run_name: run.info.start_time for run in finished}
                for child in self.parent.children("FAILED"):
                    # It was repeated since, perhaps with its configuration repaired, so that the
                    # digest is another. MLflow can restore it.
                    later = child.info.start_time < begun.get(child.info.run_name, 0)
                    if later and self.parent.client:
                        self.parent.client.delete_run(child.info.run_id)
                self.parent.end(status)
                summary = self.plan.summary()
                summary.table.show()
            if self.root is not None:
                with suppress(OSError):  # it is empty if all files are elsewhere
                    self.root.rmdir() if self.root.is_absolute() else os.removedirs(self.root)
        return summary

    def _begin(self) -> None:
        """Check that the runs can be built, and record that they begin."""
        self.executor.call(_refuse_unbuildable, self.plan.samples())
        self.executor.prepare()
        self.root = (self.plan.root or _new_root)()
        tag, value = self.plan.identity()
        self.parent.begin(self.plan.run_name, {tag: value, **self.plan.first_tags})
        self.begun = True
        summary = self.plan.summary()
        self.parent.update({**environment.tags(), **summary.tags, NOTE: summary.note}, {})
        if self.executor.logs is not None:
            print(f"Logs: {self.executor.logs.format(root=self.root)}", flush=True)

    def _train(self, batch: Iterable[RunSpec]) -> None:
        root, parent_id = self.root, self.parent.run_id
        assert root is not None
        placed = (replace(spec, folder=root / spec.folder) for spec in batch)
        specs = (spec.child_of(parent_id) if parent_id else spec for spec in placed)
        left, workers = len(self.plan.progress().left), self.executor.at_a_time()
        with (
            closing(self.executor.execute(specs)) as outcomes,
            progress.first_estimate(self.parent, left, workers) as over,
        ):
            for spec, error in outcomes:
                over.set()
                self._ended(spec, error)

    def _ended(self, spec: RunSpec, error: BaseException | None) -> None:
        if error is not None:
            self.failed += 1
            name = f"run {spec.name}"
            if self.plan.kind == "search":
                name = f"{spec.name} of the {self.plan.title}"
            print(f"Error in {name}: {errors.report(error)}", file=sys.stderr, flush=True)
            status = "KILLED" if is_interruption(error) else "FAILED"
            for child in self.parent.children(digest=spec.digest):  # if its process could not
                if child.info.status != "FINISHED" and self.parent.client is not None:
                    self.parent.client.set_terminated(child.info.run_id, status)
        finished = self.parent.children("FINISHED", spec.digest) if error is None else []
        facts = self.plan.ended(spec, error, finished)
        if error is None:
            at_a_time = self.executor.at_a_time()
            text = progress.line(self.plan.progress(), facts, at_a_time, self.parent)
            print(text, flush=True)
            for child in finished:
                run_spec.forget_checkpoint(spec, child.info.run_id)


def is_interruption(error: BaseException) -> bool:
    """Return whether a run ended for a reason that is not its own, and so can resume: its worker
    was killed, the disk is full, the store is away.
    """
    return isinstance(error, (WorkerLostError, store.AwayError, OSError))


def _new_root() -> Path:
    return paths.fresh_folder(FOLDER / f"{datetime.now():%Y-%m-%d/%H-%M-%S}")


def _refuse_unbuildable(specs: Sequence[RunSpec]) -> None:
    """Raise InputError if a run cannot be built."""
    from src.experiments import buildable  # TensorFlow: in a process that has it

    buildable.refuse_unbuildable(specs)

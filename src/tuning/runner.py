"""Makes the trials of a search that are not made yet, as children of one parent run in MLflow."""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from math import ceil
from pathlib import Path
from statistics import median
from typing import Any

from mlflow import MlflowClient

from src.config import compose, search_file
from src.config.search_file import Search
from src.data.dataset import Dataset
from src.runtime import errors, formatting, paths
from src.runtime.alone import alone
from src.runtime.errors import InputError
from src.studies.design import Composition
from src.studies.executors import LOG, Executor, local
from src.studies.planned_run import INTERRUPTED, PlannedRun, forget_checkpoint, job_words
from src.tracking import environment, lease, run_search, run_tags, store
from src.tuning import design, note, recipe, sampling, trials
from src.tuning.pruning import Pruning
from src.tuning.trials import Record, State, Trial

FOLDER = Path("multirun")
LOGS = f"{FOLDER}/DATE/TIME/TRIAL/{LOG}"
LOGS_ELSEWHERE = f"its run in MLflow, as {LOG}"
MOST_FAILED = 3  # in a row: then something else is wrong than their values


@dataclass(frozen=True)
class Task:
    """A search that is to be made: as its file says, or for one level of a study.

    Attributes:
        name: of the search.
        search: what it consists of.
        common: overrides that all its trials share.
        level: the label of the study's level that it tunes; None for none.
    """

    name: str
    search: Search
    common: Sequence[str]
    level: str | None = None

    @property
    def title(self) -> str:
        """How it is called: in MLflow, and in what is printed."""
        return self.name if self.level is None else f"{self.name} for {self.level}"


@dataclass(frozen=True)
class Made:
    """A search that has come to its end.

    Attributes:
        parent_id: the id of its run in MLflow.
        trials: by their numbers.
    """

    parent_id: str
    trials: list[Trial] = field(default_factory=list)


def run(
    task: Task,
    data: Dataset,
    corners: Sequence[Composition],
    executor: Executor,
    *,
    anew: bool = False,
) -> Made:
    """Make what is missing of a search; return it.

    Args:
        task: the search.
        data: the data.
        corners: configurations from the edges of its space.
        executor: makes the trials.
        anew: whether to begin again where the store holds another search of that name.

    Raises:
        InputError: the search is running already, the store cannot be used or holds another search
            of that name, or so many trials failed that it gave up.
        KeyboardInterrupt: on Ctrl-C and SIGTERM, after the trials in progress have ended.
    """
    search = f"search {task.name}"
    refusal = f"The {search} is running in another process: wait for that to end, or end it."
    with alone(f"search-{task.name}", refusal):
        client, experiment_id = store.connect(corners[0].composed.mlflow.experiment)
        lease.close_orphans(client, experiment_id)
        definition = design.definition(task.search, task.common, data)
        parent_id = find_reusable(client, experiment_id, task, definition, anew=anew)
        known = Record(client, parent_id).trials() if parent_id else []
        print(_opening(task, known), flush=True)
        if left(task, known):
            local.in_a_process(_refuse_unbuildable, corners)
            executor.prepare()
            parent_id = parent_id or create(client, experiment_id, task, definition)
            logs = LOGS if executor.keeps_files else LOGS_ELSEWHERE
            print(f"A line for each trial that ends; what it prints is in {logs}", flush=True)
            note.describe(client, parent_id, task, data)
            _Making(client, parent_id, task, data, executor).make()
        assert parent_id is not None
        found = Record(client, parent_id).trials()
        if task.level is not None:  # the budget of all levels, also where it was larger once
            found = found[: task.search.trials]
        if trials.best(found) is None:
            raise InputError(
                f"No trial of the search {task.title} was trained to its end, so there is no best "
                "one: raise trials, or set pruner: none."
            )
        note.summarize(client, parent_id, task, found)
        return Made(parent_id, found)


def find_reusable(
    client: MlflowClient,
    experiment_id: str,
    task: Task,
    definition: Mapping[str, Any],
    *,
    anew: bool,
) -> str | None:
    """Return the id of the run that the search goes on in; None if it begins.

    A level's search is found whatever study asked for it, and begins anew as its study does.

    Raises:
        InputError: the store holds another search of that name.
    """
    named = run_search.every_run(
        client,
        [experiment_id],
        f"tags.{run_tags.SEARCH} = '{task.name}'",
        order_by=run_search.NEWEST_FIRST,
    )
    parents = [
        run
        for run in named
        if run_tags.SEARCH_DEFINITION in run.data.tags
        and run.data.tags.get(run_tags.SEARCH_LEVEL) == task.level
    ]
    others = []
    for parent in parents:
        other = json.loads(parent.data.tags[run_tags.SEARCH_DEFINITION])
        if other == definition:
            return parent.info.run_id
        if any(key.startswith(run_tags.TRIAL_PREFIX) for key in parent.data.tags):
            others.append(other)
    if others and not anew and task.level is None:
        words = {"training": "recipe, data or code"}
        differing = [
            words.get(key, key) for key in definition if others[0].get(key) != definition[key]
        ]
        raise InputError(
            f"The store holds another search {task.name}, with another "
            f"{formatting.listed(differing)}: give this one another name, or begin it again with "
            f"`python -m src.search {task.name} --anew`, which leaves that one as it is."
        )
    if others and task.level is not None:
        print(
            f"What search {task.title} has in MLflow is of other settings, data or code. It stays "
            "there; the search begins anew."
        )
    return None


def create(
    client: MlflowClient, experiment_id: str, task: Task, definition: Mapping[str, Any]
) -> str:
    """Create a search's parent run; return its id."""
    level = {} if task.level is None else {run_tags.SEARCH_LEVEL: task.level}
    tags = {
        run_tags.SEARCH: task.name,
        run_tags.SEARCH_DEFINITION: json.dumps(definition),
        **level,
        **lease.tags(),
    }
    return client.create_run(experiment_id, run_name=f"search {task.title}", tags=tags).info.run_id


def left(task: Task, known: Sequence[Trial]) -> int:
    """Return how many trials have still to end.

    A failed trial is made up for by another; but those of a study's levels shall cost the same, so
    there it counts.
    """
    spent = sum(trial.ended for trial in known)
    if task.level is not None:
        spent += sum(trial.state == State.FAILED for trial in known)
    return max(0, task.search.trials - spent)


def _opening(task: Task, known: Sequence[Trial]) -> str:
    """Return what a start prints first."""
    ended = sum(trial.ended for trial in known)
    parts = [f"{formatting.count(task.search.trials, 'trial')}", f"{ended} made"]
    failed = sum(trial.state == State.FAILED for trial in known)
    parts += [f"{failed} failed"] * bool(failed)
    begun = sum(trial.state == State.OPEN for trial in known)
    if left(task, known):
        parts += [f"{begun} to go on with"] * bool(begun)
    return f"Search {task.title}: {' · '.join([*parts, f'{left(task, known)} left'])}"


def _refuse_unbuildable(compositions: Sequence[Composition]) -> None:
    """Raise InputError if what one of the trials might train cannot be built."""
    from src.studies import buildable  # TensorFlow: in a process that has it

    buildable.refuse_unbuildable((compose.resolve(*one), one.choices) for one in compositions)


class _Making:
    """The making of what is missing of a search."""

    def __init__(
        self,
        client: MlflowClient,
        parent_id: str,
        task: Task,
        data: Dataset,
        executor: Executor,
    ):
        self.client, self.parent_id, self.task, self.data = client, parent_id, task, data
        self.executor = executor
        self.record = Record(client, parent_id)
        self.folder = FOLDER / f"{datetime.now():%Y-%m-%d/%H-%M-%S}"
        if executor.keeps_files:
            self.folder = paths.fresh_folder(self.folder)
        self.running: dict[Path, int] = {}  # numbers of trials, by their folders
        self.failed: set[int] = set()  # that left no run
        self.failed_in_a_row = 0

    def make(self) -> None:
        """Make the trials, and print a line for each that ends; close the parent run."""
        held = lease.Lease(self.client, self.parent_id)
        self.client.update_run(self.parent_id, status="RUNNING")
        status = "FAILED"
        try:
            # Once more where a trial failed when its successors were begun already.
            while left(self.task, self.trials()):
                with closing(self.executor.execute(self.planned())) as outcomes:
                    for planned, error in outcomes:
                        self.ended(planned, error)
            status = "FINISHED"
        except KeyboardInterrupt:
            status = "KILLED"
            raise KeyboardInterrupt(INTERRUPTED) from None
        finally:
            for trial in self.record.trials():
                if trial.state == State.OPEN and trial.run_id is not None:
                    self.client.set_terminated(trial.run_id, "KILLED")  # ended with its worker
            self.client.set_terminated(self.parent_id, status)
            held.release()

    def trials(self) -> list[Trial]:
        """Return every trial, those that failed without a run among them."""
        return [
            Trial(one.number, one.params, State.FAILED) if one.number in self.failed else one
            for one in self.record.trials()
        ]

    def planned(self) -> Iterator[PlannedRun]:
        """Yield the trials to make: first those that were interrupted, then new ones, each drawn
        at the moment when it can begin.
        """
        while True:
            known = self.trials()
            at_work = set(self.running.values())
            waiting = [
                trial
                for trial in known
                if trial.state == State.OPEN and trial.number not in at_work
            ]
            # What has ended in MLflow is not at work, though its outcome has not been seen yet.
            busy = sum(trial.state == State.OPEN for trial in known) - len(waiting)
            if left(self.task, known) <= busy:
                return
            if waiting:
                yield self.plan(waiting[0])
            else:
                params = sampling.ask(self.task.name, self.task.search, known)
                yield self.plan(self.record.begin(len(known), params))

    def plan(self, trial: Trial) -> PlannedRun:
        """Return a trial as a run to make."""
        task, search = self.task, self.task.search
        composed, choices = design.composition(task.common, trial.params, search.seed)
        composed.mlflow.parent_run_id = self.parent_id
        pruning = Pruning(task.name, search, self.parent_id, trial.number, composed.epochs)
        folder = self.folder / f"trial-{trial.number}"
        self.running[folder] = trial.number
        return PlannedRun(
            composed=composed,
            choices=choices,
            folder=folder,
            job=job_words([*task.common, *design.words(trial.params)]),
            command=environment.command_line(),
            tags={run_tags.SEARCH: task.name, run_tags.TRIAL: str(trial.number)},
            title=f"trial {trial.number}",
            trial=f"{self.parent_id} {trial.number}",
            ends_early=None if search.pruner == search_file.NO_PRUNER else pruning,
        )

    def ended(self, planned: PlannedRun, error: BaseException | None) -> None:
        """Tell of a trial that has ended.

        Raises:
            InputError: too many failed, one after another.
        """
        number = self.running.pop(planned.folder)
        if error is not None:
            print(
                f"Error in {planned.name} of {self.task.title}: {errors.told(error)}",
                file=sys.stderr,
                flush=True,
            )
            self.fail(number)
            self.failed_in_a_row += 1
            if self.failed_in_a_row == MOST_FAILED:
                raise InputError(
                    f"{MOST_FAILED} trials in a row failed: fix what the lines above name; the "
                    "same command goes on with the search."
                )
            return
        self.failed_in_a_row = 0
        known = self.trials()
        [trial] = [one for one in known if one.number == number]
        if trial.run_id is not None:
            forget_checkpoint(planned.composed, planned.digest(self.data), trial.run_id)
        at_a_time = self.executor.at_a_time()
        print(progress(self.task, known, trial, at_a_time), flush=True)

    def fail(self, number: int) -> None:
        """Note that a trial has failed, also where its process could not."""
        [trial] = [one for one in self.record.trials() if one.number == number]
        if trial.run_id is None:
            self.failed.add(number)
        elif trial.state == State.OPEN:
            self.client.set_terminated(trial.run_id, "FAILED")


def progress(task: Task, known: list[Trial], trial: Trial, at_a_time: int) -> str:
    """Return the line for a trial that has ended: what it attained, the best so far, time left.

    Args:
        task: the search.
        known: all its trials.
        trial: the one that has ended.
        at_a_time: how many are made side by side.
    """
    ended = sum(one.ended for one in known)
    total = task.search.trials
    parts = [
        f"{ended:>{len(str(total))}}/{total} made",
        f"trial {trial.number}",
        recipe.params_text(trial.params),
    ]
    if trial.state == State.PRUNED:
        parts.append(f"pruned after epoch {max(trial.accuracies)}")
    elif trial.value is not None:
        parts.append(f"validation accuracy {trial.value:.4f}")
    if trial.seconds is not None:
        parts.append(formatting.duration(trial.seconds))
    winner = trials.best(known)
    if winner is not None and winner.number != trial.number:
        parts.append(f"best {winner.value:.4f} (trial {winner.number})")
    elif winner is not None:
        parts.append("the best so far")
    if more := left(task, known):
        typical = median(one.seconds for one in known if one.seconds is not None)
        turns = ceil(more / at_a_time)
        parts.append(f"{more} left, about {formatting.duration(typical * turns)}")
    return " · ".join(parts)

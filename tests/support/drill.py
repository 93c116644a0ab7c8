"""Disturbs a command at its steps, runs it again, and compares where the two end."""

import shutil
import sqlite3
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from src.core import formatting
from tests.support import project_state
from tests.support.fork_server import ForkServer
from tests.support.kill_switch import FULL_DISK, INTERRUPT, KILL, TERMINATE, Switch, steps

MAX_PROBLEMS = 8  # of a trial that are printed
# The status of a command that an event ends, and the begin of its last line.
ENDS = {
    INTERRUPT: (130, "Interrupted: "),
    TERMINATE: (130, "Interrupted: "),
    FULL_DISK: (1, "Error: "),
}
UNDISTURBED = "undisturbed"  # a copy
# Where MLflow keeps the whole path of artifacts.
ARTIFACTS = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
)


@dataclass(frozen=True)
class Trial:
    """The outcome of a kill or a damage."""

    number: int
    step: str
    problems: list[str]  # empty where all was well in the end

    def __str__(self) -> str:
        return "\n  ".join([f"at step {self.number}, {self.step}:", *self.problems[:MAX_PROBLEMS]])


RESULTS = pytest.StashKey[list["Result"]]()  # of a session of pytest, for the table at its end


@dataclass
class Result:
    """A row of the drill's table: a command with its number of steps, or a damaged file."""

    name: str
    steps: int | None
    trials: list[Trial] = field(default_factory=list)
    seconds: float = 0

    @property
    def survived(self) -> int:
        return sum(not trial.problems for trial in self.trials)


@dataclass(frozen=True)
class Drill:
    """A command that is disturbed, each time in a fresh copy of a project."""

    words: Sequence[str]  # a module and its arguments
    project: Path
    server: ForkServer
    work: Path  # a folder for the copies
    lock: threading.Lock = field(default_factory=threading.Lock)

    @cached_property
    def steps(self) -> list[str]:
        """The steps of a single run that nothing disturbs."""
        self._complete(UNDISTURBED)
        return steps(self._log(UNDISTURBED))

    @cached_property
    def state(self) -> dict[str, Any]:
        """The state that it ends in."""
        assert self.steps
        return project_state.snapshot(self.work / UNDISTURBED)

    @cached_property
    def state_of_two(self) -> dict[str, Any]:
        """The state after two runs, one after the other."""
        for _ in range(2):
            self._complete("twice")
        return project_state.snapshot(self.work / "twice")

    def disturb(self, number: int, event: str = KILL) -> Trial:
        """Disturb the command at a step, run it again, and compare."""
        name = str(number)
        folder = self._copy(name)
        status = self._run(name, number, event)
        counted = steps(self._log(name))
        reached = len(counted) >= number
        before = project_state.snapshot(folder)
        problems = []
        if not reached and status != 0:
            problems += [f"status {status}, expected 0", *self._printed(name)]
        if reached and event in ENDS:
            expected, words = ENDS[event]
            *others, last = self._printed(name)
            if status != expected or not last.startswith(words) or "Traceback" in "".join(others):
                problems += [f"status {status}, expected {expected}", *others, last]
            if "RUNNING" in _statuses(before):
                problems.append("a run is still RUNNING")
        again = self._run(name)
        if again != 0:
            problems += [f"then it ends with status {again}", *self._printed(name)]
        # A training that was complete, but for its process's own end, begins anew.
        with self.lock:  # one thread computes it, the others wait
            expected = self.state_of_two if _is_done(before) else self.state
        problems += project_state.difference(expected, project_state.snapshot(folder))
        if event in ENDS:
            begun, expected = (self._first_epochs(one) for one in (name, UNDISTURBED))
            if begun > expected + 1:  # one may be interrupted before its first checkpoint
                problems.append(f"{begun} runs began at their first epoch, expected {expected}")
        if not problems:
            shutil.rmtree(folder)
        return Trial(number, counted[number - 1] if reached else "it ended before", problems)

    def _first_epochs(self, name: str) -> int:
        logs = [self.work / f"{name}.out", *(self.work / name).glob("multirun/*/*/*/train.log")]
        return sum(log.read_text().count("epoch 1/") for log in logs)

    def disturb_all(
        self, numbers: Sequence[int], events: Callable[[int], str], at_a_time: int
    ) -> list[Trial]:
        """Return the trial of each step."""
        assert self.state  # before the threads
        with ThreadPoolExecutor(at_a_time) as pool:
            return list(pool.map(lambda number: self.disturb(number, events(number)), numbers))

    def _copy(self, name: str) -> Path:
        """Copy the project; whatever is logged to the copy's store stays in the copy."""
        (self.work / f"{name}.out").unlink(missing_ok=True)  # of another event at that step
        folder = shutil.copytree(self.project, self.work / name)
        if (folder / "mlflow.db").exists():
            uris = self.project.as_uri(), folder.as_uri()
            with closing(sqlite3.connect(folder / "mlflow.db")) as store:
                for table, column in ARTIFACTS:
                    store.execute(f"UPDATE {table} SET {column} = replace({column}, ?, ?)", uris)
                store.commit()
        return folder

    def _log(self, name: str) -> Path:
        return self.work / f"{name}.steps"

    def _printed(self, name: str) -> list[str]:
        return (self.work / f"{name}.out").read_text().splitlines()[-30:]

    def _run(self, name: str, at: int = 0, event: str = KILL) -> int:
        self._log(name).unlink(missing_ok=True)
        switch = Switch(str(self.work / name), str(self._log(name)), at, event)
        output = self.work / f"{name}.out"
        return self.server.run(self.work / name, self.words, output, switch.to_environment())

    def _complete(self, name: str) -> None:
        if not (self.work / name).exists():
            self._copy(name)
        status = self._run(name)
        assert status == 0, f"{self.words} ended with status {status}: {self._printed(name)}"


def _statuses(state: dict[str, Any]) -> list[str]:
    return [run["status"] for found in state.get("runs", {}).values() for run in found]


def _is_done(state: dict[str, Any]) -> bool:
    """Return whether a lone training has done all but end: nothing of it could be resumed."""
    kept = any(name.endswith("/state") for name in state["files"])
    return set(_statuses(state)) == {"FINISHED"} and not kept


def evenly(count: int, most: int) -> set[int]:
    """Return at most `most` of the numbers from 1 to `count`, evenly spaced with both ends."""
    return {round(number) for number in np.linspace(1, count, min(count, most))}


def table(results: Sequence[Result]) -> list[str]:
    """Return the lines of the drill's table."""
    rows = [("command or file", "steps found", "tried", "survived", "time")]
    totals = Result("all kills", None), Result("all damages", None)
    for one in results:
        total = totals[one.steps is None]
        total.trials += one.trials
        total.seconds += one.seconds
    for one in (*results, *(total for total in totals if total.trials)):
        counted = "" if one.steps is None else f"{one.steps:,}"
        numbers = f"{len(one.trials):,}", f"{one.survived:,}", formatting.duration(one.seconds)
        rows.append((one.name, counted, *numbers))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join([name.ljust(widths[0]), *map(str.rjust, numbers, widths[1:])])
        for name, *numbers in rows
    ]

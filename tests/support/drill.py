"""Kills a command at its steps, one after another, and runs it again: does it end as it should?"""

import shutil
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from src.runtime import formatting
from tests.support import project_state
from tests.support.fork_server import ForkServer
from tests.support.kill_switch import Switch, steps

TOLD = 8  # problems of a trial
# Where MLflow keeps the whole path of artifacts.
ARTIFACTS = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
)


@dataclass(frozen=True)
class Undisturbed:
    """What a command does where nothing happens to it.

    Attributes:
        steps: of a single run.
        state: that it ends in.
        twice: returns the state where it runs a second time.
    """

    steps: list[str]
    state: dict[str, Any]
    twice: Callable[[], dict[str, Any]]


@dataclass(frozen=True)
class Trial:
    """What came of a kill or a damage: `problems` is empty where all was well in the end."""

    number: int
    step: str
    problems: list[str]

    def __str__(self) -> str:
        told = self.problems[:TOLD]
        more = [f"and {len(self.problems) - TOLD} more"] if len(self.problems) > TOLD else []
        return "\n  ".join([f"killed at step {self.number}, {self.step}:", *told, *more])


RESULTS = pytest.StashKey[list["Result"]]()  # of a session of pytest, for the table at its end


@dataclass
class Result:
    """A line of the drill's table: a command that is killed, or a file that is damaged.

    Attributes:
        name: of the command or the file.
        steps: of the command, if it is one.
        trials: so far.
        seconds: that they took.
    """

    name: str
    steps: int | None
    trials: list[Trial] = field(default_factory=list)
    seconds: float = 0

    @property
    def survived(self) -> int:
        return sum(not trial.problems for trial in self.trials)


@dataclass(frozen=True)
class Drill:
    """A command that is killed, each time in a fresh copy of a project.

    Attributes:
        name: of the command.
        words: a module and its arguments.
        project: what is copied.
        server: where the commands run.
        work: a folder for the copies.
        group: whether every second kill ends all processes of the command, not only one.
    """

    name: str
    words: Sequence[str]
    project: Path
    server: ForkServer
    work: Path
    group: bool = False

    def undisturbed(self) -> Undisturbed:
        """Run the command once, and if need be in the same project again."""
        folder = self._copy("undisturbed")
        self._must_end_well(folder)
        counted = steps(self._log(folder))
        state = project_state.snapshot(folder)

        def again() -> dict[str, Any]:
            self._must_end_well(folder)
            return project_state.snapshot(folder)

        return Undisturbed(counted, state, once(again))

    def kill(self, number: int, expected: Undisturbed) -> Trial:
        """Kill the command at a step, run it again, and compare."""
        folder = self._copy(str(number))
        group = self.group and number % 2 == 0
        status = self._run(folder, number, group=group)
        counted = steps(self._log(folder))
        if len(counted) < number:
            step, problems = "it ended before", [] if status == 0 else [f"status {status}"]
        else:
            step, problems = counted[number - 1], []
        # A training that was done to the end, but for the process's own, begins anew.
        done = _is_done(project_state.snapshot(folder))
        again = self._run(folder, 0)
        if again != 0:
            problems += [f"then it ends with status {again}", *self._printed(folder)]
        found = project_state.snapshot(folder)
        problems += project_state.difference(expected.twice() if done else expected.state, found)
        if not problems:
            shutil.rmtree(folder)
        return Trial(number, step, problems)

    def kills(
        self, numbers: Sequence[int], expected: Undisturbed, at_a_time: int
    ) -> Iterator[Trial]:
        """Yield what came of each kill."""
        with ThreadPoolExecutor(at_a_time) as pool:
            yield from pool.map(lambda number: self.kill(number, expected), numbers)

    def _copy(self, name: str) -> Path:
        """Copy the project; what is logged to the copy's store stays in the copy."""
        folder = shutil.copytree(self.project, self.work / name)
        if (folder / "mlflow.db").exists():
            uris = self.project.as_uri(), folder.as_uri()
            with closing(sqlite3.connect(folder / "mlflow.db")) as store:
                for table, column in ARTIFACTS:
                    store.execute(f"UPDATE {table} SET {column} = replace({column}, ?, ?)", uris)
                store.commit()
        return folder

    def _log(self, folder: Path) -> Path:
        return folder.with_suffix(".steps")

    def _run(self, folder: Path, at: int, *, group: bool = False) -> int:
        # A second start is not counted with the first.
        self._log(folder).unlink(missing_ok=True)
        switch = Switch(str(folder), str(self._log(folder)), at, group)
        output = folder.with_suffix(".out")
        return self.server.run(folder, self.words, output, switch.to_environment())

    def _must_end_well(self, folder: Path) -> None:
        status = self._run(folder, 0)
        if status != 0:
            raise RuntimeError(f"{self.name} ended with status {status}: {self._printed(folder)}")

    def _printed(self, folder: Path) -> list[str]:
        return folder.with_suffix(".out").read_text().splitlines()[-30:]


def once(call: Callable[[], Any]) -> Callable[[], Any]:
    """Return a function that calls `call` the first time, in whatever thread, and returns that."""
    lock, found = threading.Lock(), []

    def calling() -> Any:
        with lock:
            if not found:
                found.append(call())
        return found[0]

    return calling


def _is_done(state: dict[str, Any]) -> bool:
    """Return whether a lone training has done all but end: nothing of it could be resumed."""
    runs = [run for found in state.get("runs", {}).values() for run in found]
    kept = any(name.endswith("/state") for name in state["files"])
    return bool(runs) and all(run["status"] == "FINISHED" for run in runs) and not kept


def evenly(count: int, most: int) -> list[int]:
    """Return at most `most` of the numbers from 1 to `count`, evenly spaced with both ends."""
    if most < 2:
        return []
    if count <= most:
        return list(range(1, count + 1))
    return sorted({1 + round(i * (count - 1) / (most - 1)) for i in range(most)})


def table(results: Sequence[Result]) -> list[str]:
    """Return the lines of the drill's table."""
    rows = [("command or file", "steps found", "tried", "survived", "time")]
    kills = Result("all kills", None)
    damages = Result("all damages", None)
    for one in results:
        total = damages if one.steps is None else kills
        total.trials += one.trials
        total.seconds += one.seconds
        rows.append(_row(one))
    rows += [_row(total) for total in (kills, damages) if total.trials]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join([name.ljust(widths[0]), *map(str.rjust, numbers, widths[1:])])
        for name, *numbers in rows
    ]


def _row(result: Result) -> tuple[str, ...]:
    return (
        result.name,
        "" if result.steps is None else f"{result.steps:,}",
        f"{len(result.trials):,}",
        f"{result.survived:,}",
        formatting.duration(result.seconds),
    )


def announced(result: Result, numbers: Sequence[int], say: Callable[[str], None]) -> Callable:
    """Return what counts a kill in, and says every now and then how long it will take still."""
    began = time.monotonic()
    last = [began]

    def count(kill: Trial) -> None:
        result.trials.append(kill)
        now = time.monotonic()
        result.seconds = now - began
        left = len(numbers) - len(result.trials)
        if kill.problems:
            say(f"{result.name} {kill}")
        if now - last[0] > 20 and left:
            last[0] = now
            seconds = result.seconds / len(result.trials) * left
            say(
                f"{result.name}: {len(result.trials)} of {len(numbers)} kills, "
                f"{result.survived} survived, about {formatting.duration(seconds)} left"
            )

    return count

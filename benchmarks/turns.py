"""Measurements taken in turn (A B A B ...), and the table that they end in.

On a shared machine a time means little by itself: what else runs slows the one and the other. So
every measurement is compared with the reference of its own round, and the table shows the median
of those ratios, with the smallest and the largest.

    rounds = turns.take({"relu": relu_seconds, "swish": swish_seconds}, rounds=9)
    turns.show(
        "Seconds per epoch",
        turns.conditions("tensorflow", "keras"),
        [
            turns.Row("relu", rounds["relu"]),
            turns.Row("swish", rounds["swish"], rounds["relu"], turns.at_most(1.03)),
        ],
    )
"""

import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median
from typing import Any, TypeVar

import psutil
from rich import box
from rich.console import Console
from rich.table import Table

from src.runtime import hardware
from src.runtime.errors import InputError
from src.training import precision

THREADS = ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
INSTRUCTIONS = ("avx2", "avx512f", "avx512_bf16", "amx_bf16")  # what the kernels choose by
WIDTH = 88  # columns of the table, so that it can stand in the README

Result = TypeVar("Result")


@dataclass(frozen=True)
class Goal:
    """A bound for a row's ratio, or for its value where it has no reference."""

    sign: str  # ≤ or ≥
    bound: float

    def is_met(self, value: float) -> bool:
        """Return whether `value` keeps within the bound."""
        return value <= self.bound if self.sign == "≤" else value >= self.bound

    def verdict(self, value: float) -> str:
        """Return the goal, and whether `value` meets it, as text."""
        return f"{self.sign} {self.bound:.5g} {'met' if self.is_met(value) else 'missed'}"


def at_most(bound: float) -> Goal:
    """Return the goal of a value not above `bound`."""
    return Goal("≤", bound)


def at_least(bound: float) -> Goal:
    """Return the goal of a value not below `bound`."""
    return Goal("≥", bound)


@dataclass(frozen=True)
class Row:
    """A row of the table: a value for each round.

    Args:
        name: what was measured, with its unit where the title does not say it.
        values: one for each round, in order; empty where it could not be measured.
        reference: the reference's values of the same rounds, or None for no ratio.
        goal: for the median of the ratios; without a reference, for the median of the values.
    """

    name: str
    values: Sequence[float]
    reference: Sequence[float] | None = None
    goal: Goal | None = None

    @property
    def ratios(self) -> list[float]:
        """The values divided by the reference's, round by round; empty without a reference."""
        if self.reference is None:
            return []
        return [ours / theirs for ours, theirs in zip(self.values, self.reference, strict=True)]


def take(
    measurements: Mapping[str, Callable[[], Result]],
    rounds: int,
    say: Callable[[Result], str] = lambda result: number(result),
    rotate: bool = False,
) -> dict[str, list[Result]]:
    """Take each measurement once per round, in the order given; return all results by name.

    A line on standard error says what came out and how long it will go on.

    Args:
        measurements: functions without arguments; what they return is theirs to choose.
        rounds: how many times each is called.
        say: turns a result into text for the progress line.
        rotate: begin each round with the next one, where who comes before may matter.

    Raises:
        InputError: there is no round.
    """
    if rounds < 1:
        raise InputError(f"There would be {rounds} rounds: use a number from 1 on.")
    results: dict[str, list[Result]] = {name: [] for name in measurements}
    began, done, total = time.perf_counter(), 0, rounds * len(measurements)
    order = deque(measurements.items())
    for turn in range(1, rounds + 1):
        for name, measure in order:
            results[name].append(measure())
            done += 1
            left = timedelta(seconds=round((time.perf_counter() - began) / done * (total - done)))
            said = say(results[name][-1])
            line = f"round {turn}/{rounds} · {name} · {said} · {left} left"
            print(line, file=sys.stderr, flush=True)
        if rotate:
            order.rotate(-1)
    return results


def run(*words: str, folder: Path | None = None, **environment: str) -> tuple[float, str]:
    """Run `python <words>` to its end; return its wall time in seconds, and what it printed.

    What it prints appears on standard error while it runs; what it says there, only if it fails.

    Args:
        words: of the command line, such as "-m", "src.train", "seed=1".
        folder: where to run it; the working directory if None.
        environment: variables to set beside those of this process.

    Raises:
        InputError: it failed.
    """
    began = time.perf_counter()
    lines = []
    with (
        tempfile.TemporaryFile("w+") as complaints,
        subprocess.Popen(
            [sys.executable, *words],
            cwd=folder,
            env={**os.environ, **environment},
            stdout=subprocess.PIPE,
            stderr=complaints,
            text=True,
        ) as process,
    ):
        for line in process.stdout:
            lines.append(line)
            print(f"    {line}", end="", file=sys.stderr, flush=True)
        process.wait()
        seconds = time.perf_counter() - began
        if process.returncode:
            complaints.seek(0)
            sys.stderr.write(complaints.read())
            raise InputError(
                f"`python {' '.join(words)}` ended with status {process.returncode}; what it said "
                "stands above."
            )
    return seconds, "".join(lines)


def answer(*words: str, folder: Path | None = None, **environment: str) -> dict[str, Any]:
    """Run `python <words>` as `run` does; return the JSON object of its last line."""
    return json.loads(run(*words, folder=folder, **environment)[1].splitlines()[-1])


def conditions(*packages: str) -> str:
    """Return what the figures depend on: processor, load before the start, threads, versions.

    Args:
        packages: whose versions count, by their names on PyPI.

    Raises:
        InputError: one of them is not installed.
    """
    versions = [f"python {platform.python_version()}"]
    for package in packages:
        try:
            versions.append(f"{package} {version(package)}")
        except PackageNotFoundError as error:
            raise InputError(
                f"{package} is not installed, and this benchmark compares with it: run `uv pip "
                "install -r pyproject.toml --extra benchmark -c requirements.lock`."
            ) from error
    threads = ", ".join(f"{name}={os.environ.get(name, 'default')}" for name in THREADS)
    hardware = f"{_processor()}, {psutil.cpu_count()} logical cores"
    load = f"load of the minute before {psutil.getloadavg()[0]:.1f}"
    return f"{hardware}, {load}\n{threads}\n{', '.join(versions)}"


def _processor() -> str:
    """Return the processor's name, and the instruction sets that decide its speed."""
    flags = precision.cpu_flags()
    return " ".join([hardware.processor(), *(name for name in INSTRUCTIONS if name in flags)])


def show(title: str, conditions: str, rows: Sequence[Row]) -> None:
    """Print the table.

    Args:
        title: what the values are, with their unit.
        conditions: what `conditions` returned; empty if they have been shown.
        rows: each with as many values as rounds were taken, or none where it could not be.
    """
    rounds = max(len(row.values) for row in rows)
    console = Console(highlight=False, width=WIDTH)
    header = (title, f"{rounds} round{'s' * (rounds > 1)}, taken in turn", conditions)
    console.print("\n".join(filter(None, header)))
    console.print(table(rows))


def table(rows: Sequence[Row]) -> Table:
    """Return the table of `show`."""
    made = Table(box=box.HORIZONTALS, pad_edge=False)
    made.add_column("", overflow="fold")
    for heading in ("median", "min", "max", "ratio (min–max)", "goal"):
        made.add_column(heading, justify="right", no_wrap=True)
    for row in rows:
        ratios = row.ratios
        spread = f" ({number(min(ratios))}–{number(max(ratios))})" if len(ratios) > 1 else ""
        made.add_row(
            row.name,
            *(number(choose(row.values)) if row.values else "–" for choose in (median, min, max)),
            f"{number(median(ratios))}{spread}" if ratios else "",
            row.goal.verdict(median(ratios or row.values)) if row.goal else "",
        )
    return made


def number(value: float) -> str:
    """Return a figure with three or four digits that count."""
    size = abs(value)
    return f"{value:,.{0 if size >= 100 else 1 if size >= 10 else 2 if size >= 0.1 else 3}f}"

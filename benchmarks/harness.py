"""Interleaved measurements (A B A B ...), and the table that they end in.

On a shared machine a time says little by itself: whatever else runs slows it down. So every value
is divided by the reference's of the same round, and the table shows the median of these ratios,
with the smallest and the largest.

    results = harness.interleave({"relu": relu_seconds, "swish": swish_seconds}, rounds=9)
    harness.show(
        "Seconds per epoch",
        harness.conditions("tensorflow", "keras"),
        [
            harness.Row("relu", results["relu"]),
            harness.Row("swish", results["swish"], results["relu"], harness.at_most(1.03)),
        ],
    )
"""

import argparse
import os
import platform
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from importlib.metadata import PackageNotFoundError, version
from statistics import median
from typing import Any, TypeVar

import psutil
from rich import box
from rich.console import Console
from rich.table import Table

from src.core import formatting, hardware
from src.core.errors import InputError

THREADS = ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
INSTRUCTIONS = ("avx2", "avx512f", "avx512_bf16", "amx_bf16")  # the kernels are chosen by these
WIDTH = 88  # columns of the table, so that it fits into a README

Result = TypeVar("Result")


class _ShowDefaults(argparse.HelpFormatter):
    """Ends the help of an option with its default, unless that is empty."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        if not action.default or action.default == argparse.SUPPRESS:
            return action.help
        values = action.default if isinstance(action.default, list) else [action.default]
        return f"{action.help} (default: {' '.join(map(str, values))})"


def parser(module: str, doc: str | None, rounds: int | None = None) -> argparse.ArgumentParser:
    """Return the parser of a benchmark; its help shows the default of every option.

    Args:
        module: name of the command, as in `python -m benchmarks.<module>`.
        doc: docstring of the module; its first paragraph is the description.
        rounds: default of `--rounds`; None for no such option.
    """
    result = argparse.ArgumentParser(
        prog=f"python -m benchmarks.{module}",
        description=(doc or "").partition("\n\n")[0],
        formatter_class=_ShowDefaults,
    )
    if rounds is not None:
        result.add_argument("--rounds", type=int, default=rounds, help="measurements of each")
    return result


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
    """A row of the table: one value per round.

    Args:
        name: of the quantity, with its unit where the title does not give it.
        values: one per round, in order; empty where nothing could be measured.
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


def number(value: float) -> str:
    """Return a figure with two to four significant digits."""
    size = abs(value)
    return f"{value:,.{0 if size >= 100 else 1 if size >= 10 else 2 if size >= 0.1 else 3}f}"


def interleave(
    measurements: Mapping[str, Callable[[], Result]],
    rounds: int,
    describe: Callable[[Any], str] = number,
    rotate: bool = False,
) -> dict[str, list[Result]]:
    """Take each measurement once per round, in the order given; return all results by name.

    A line on standard error gives each result and the time left.

    Args:
        measurements: functions without arguments, which return any type of result.
        rounds: how often each is called.
        describe: turns a result into text for its line.
        rotate: begin each round with the next measurement, where the order may matter.

    Raises:
        InputError: `rounds` is less than 1.
    """
    if rounds < 1:
        raise InputError(f"There would be {rounds} rounds: use a number from 1 on.")
    results: dict[str, list[Result]] = {name: [] for name in measurements}
    began, done, total = time.perf_counter(), 0, rounds * len(measurements)
    order = deque(measurements.items())
    for current in range(1, rounds + 1):
        for name, measure in order:
            result = measure()
            results[name].append(result)
            done += 1
            left = timedelta(seconds=round((time.perf_counter() - began) / done * (total - done)))
            line = f"round {current}/{rounds} · {name} · {describe(result)} · {left} left"
            print(line, file=sys.stderr, flush=True)
        if rotate:
            order.rotate(-1)
    return results


def conditions(*packages: str) -> str:
    """Return the conditions of the figures: processor, load before the start, threads, versions.

    Args:
        packages: whose versions matter, by their names on PyPI.

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
    flags = hardware.cpu_flags()
    processor = " ".join([hardware.processor(), *(name for name in INSTRUCTIONS if name in flags)])
    load = f"load average of the last minute {psutil.getloadavg()[0]:.1f}"
    threads = ", ".join(f"{name}={os.environ.get(name, 'default')}" for name in THREADS)
    machine = f"{processor}, {psutil.cpu_count()} logical cores, {load}"
    return f"{machine}\n{threads}\n{', '.join(versions)}"


def show(title: str, conditions: str, rows: Sequence[Row]) -> None:
    """Print the table.

    Args:
        title: the quantity, with its unit.
        conditions: the text of `conditions`; empty if it has been shown.
        rows: each with one value per round, or with none where nothing could be measured.
    """
    rounds = formatting.count(max(len(row.values) for row in rows), "round")
    console = Console(highlight=False, width=WIDTH)
    console.print("\n".join(filter(None, (title, f"{rounds}, interleaved", conditions))))
    console.print(table(rows))


def table(rows: Sequence[Row]) -> Table:
    """Return the table of `show`."""
    result = Table(box=box.HORIZONTALS, pad_edge=False)
    result.add_column("", overflow="fold")
    for heading in ("median", "min", "max", "ratio (min–max)", "goal"):
        result.add_column(heading, justify="right", no_wrap=True)
    for row in rows:
        ratios = row.ratios
        spread = f" ({number(min(ratios))}–{number(max(ratios))})" if len(ratios) > 1 else ""
        result.add_row(
            row.name,
            *(number(choose(row.values)) if row.values else "–" for choose in (median, min, max)),
            f"{number(median(ratios))}{spread}" if ratios else "",
            row.goal.verdict(median(ratios or row.values)) if row.goal else "",
        )
    return result

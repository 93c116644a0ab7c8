"""How long a plan will still take, by its finished runs, or by the epochs of those in progress."""

import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from heapq import heapreplace
from math import ceil
from statistics import median

from mlflow.entities import Run

from src.core import formatting, metric_names
from src.experiments.parent import Parent
from src.experiments.table import Progress
from src.tracking import run_tags, store

PAUSE_SECONDS = 10
MIN_EPOCHS = 2  # of a run in progress: its first one also compiles


def line(now: Progress, facts: Sequence[str], at_a_time: int, parent: Parent) -> str:
    """Return the line for a run that has ended: runs done, its facts, time left."""
    parts = [f"{now.done:>{len(str(now.total))}}/{now.total} done", *facts]
    if now.left:
        new = set(now.left) - now.seconds.keys()
        seconds = seconds_left(now, at_a_time, _of_levels(parent, new))
        about = "" if seconds is None else f", about {formatting.duration(seconds)}"
        parts.append(f"{len(now.left)} left{about}")
    return " · ".join(parts)


def seconds_left(now: Progress, at_a_time: int, estimated: Mapping[str, float]) -> float | None:
    """Return how many seconds the runs take that are left; None if nothing is known of any.

    Each takes as long as those of its level did, or are `estimated` to by those in progress; else
    as long as any. So many run side by side.
    """
    typical = {**estimated, **{level: median(all_) for level, all_ in now.seconds.items() if all_}}
    if not typical:
        return None
    every = [one for all_ in now.seconds.values() for one in all_] or list(estimated.values())
    busy = [0.0] * at_a_time
    for level in now.left:
        heapreplace(busy, busy[0] + typical.get(level, median(every)))
    return max(busy)


@contextmanager
def first_estimate(parent: Parent, left: int, at_a_time: int) -> Iterator[threading.Event]:
    """Print once how long all runs will take, as soon as one has two epochs. Yields an event to set
    when the first run has ended, whose line then says it.
    """
    over = threading.Event()

    def watch() -> None:
        while not over.wait(PAUSE_SECONDS):
            with suppress(*store.AWAY):
                seconds = _of_running(parent, parent.children("RUNNING"))
                if seconds is not None and not over.is_set():
                    about = formatting.duration(seconds * ceil(left / at_a_time))
                    print(f"{left} left, about {about} by the first epochs", flush=True)
                    return

    watching = threading.Thread(target=watch, daemon=True)
    if parent.run_id is not None:
        watching.start()
    try:
        yield over
    finally:
        over.set()
        if watching.is_alive():
            watching.join()


def _of_levels(parent: Parent, levels: Collection[str]) -> dict[str, float]:
    """Return how many seconds a run of each level trains, by its runs in progress."""
    found: dict[str, float | None] = {}
    with suppress(*store.AWAY):
        running = parent.children("RUNNING") if levels else []
        for level in levels:
            own = [run for run in running if run.data.tags.get(run_tags.VARIANT, "") == level]
            found[level] = _of_running(parent, own)
    return {level: seconds for level, seconds in found.items() if seconds is not None}


def _of_running(parent: Parent, running: Sequence[Run]) -> float | None:
    """Return how many seconds a run trains, by the epochs that those in progress have logged; None
    if none of them has two.
    """
    if parent.client is None:
        return None
    whole = []
    for run in running:
        points = parent.client.get_metric_history(run.info.run_id, metric_names.EPOCH_SECONDS)
        if len(points) >= MIN_EPOCHS:
            first, *others = [point.value for point in sorted(points, key=lambda one: one.step)]
            whole.append(first + median(others) * (int(run.data.params["epochs"]) - 1))
    return median(whole) if whole else None

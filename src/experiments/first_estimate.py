"""How long a study will take, told before its first run has ended: estimated from epochs."""

import threading
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from math import ceil
from statistics import median
from typing import Any

from src.runtime import formatting, metric_names
from src.experiments import sweep_table
from src.tracking import run_tags, store

PAUSE_SECONDS = 10
ENOUGH = 2  # epochs of a run: its first one also compiles


@contextmanager
def told(client: Any, parent_id: str, runs: int, workers: int) -> Iterator[None]:
    """Print once, as soon as a run has two epochs, how long all of them will take.

    Nothing is printed if a run ends before that: its line says it.

    Args:
        client: of the MLflow store.
        parent_id: the id of the parent run.
        runs: how many are to be made.
        workers: how many are made at a time.
    """
    over = threading.Event()
    before = len(sweep_table.children(client, parent_id, "FINISHED"))

    def watch() -> None:
        while not over.wait(PAUSE_SECONDS):
            with suppress(*store.AWAY):
                if len(sweep_table.children(client, parent_id, "FINISHED")) > before:
                    return
                seconds = of_a_run(client, sweep_table.children(client, parent_id, "RUNNING"))
                if seconds is not None and not over.is_set():
                    left = formatting.duration(seconds * ceil(runs / workers))
                    print(f"{runs} left, about {left} by the first epochs", flush=True)
                    return

    watching = threading.Thread(target=watch, daemon=True)
    watching.start()
    try:
        yield
    finally:
        over.set()
        watching.join()


def of_levels(client: Any, parent_id: str, levels: Collection[str]) -> dict[str, float]:
    """Return how many seconds a run of each of these levels of a study trains, by the epochs of
    those in progress; without the levels of which these tell nothing yet.

    Args:
        client: of the MLflow store.
        parent_id: the id of the study's run.
        levels: by their labels.
    """
    found = {}
    with suppress(*store.AWAY):
        running = sweep_table.children(client, parent_id, "RUNNING") if levels else []
        for level in levels:
            own = [one for one in running if one.data.tags.get(run_tags.VARIANT) == level]
            if (seconds := of_a_run(client, own)) is not None:
                found[level] = seconds
    return found


def of_a_run(client: Any, running: Sequence[Any]) -> float | None:
    """Return how many seconds a run trains, by the epochs that those in progress have logged; None
    if none of them has two.

    Args:
        client: of the MLflow store.
        running: the runs in progress, as MLflow has them.
    """
    whole = []
    for run in running:
        points = client.get_metric_history(run.info.run_id, metric_names.EPOCH_SECONDS)
        if len(points) >= ENOUGH:
            first, *others = [point.value for point in sorted(points, key=lambda one: one.step)]
            whole.append(first + median(others) * (int(run.data.params["epochs"]) - 1))
    return median(whole) if whole else None

"""The lease of a run, owner and heartbeat: the run of a dead process does not stay RUNNING."""

import threading
import time
from contextlib import suppress
from typing import Any

from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from src.core import metric_names, process
from src.tracking import run_search

OWNER = "owner"  # tag: the identity of the process that works on a run
HEARTBEAT = "heartbeat"  # tag: the time of its last sign of life, in seconds since 1970
BEAT_SECONDS = 60
SILENT_SECONDS = 600  # after which a process of another machine counts as dead


def tags() -> dict[str, str]:
    """Return the tags to create a run with, so that it never lacks an owner."""
    return {OWNER: process.identity(), HEARTBEAT: str(int(time.time()))}


class Lease:
    """Marks a run as this process's, with a heartbeat until it is released."""

    def __init__(self, client: MlflowClient, run_id: str):
        self.client, self.run_id = client, run_id
        for name, value in tags().items():
            client.set_tag(run_id, name, value)
        self.released = threading.Event()
        self.thread = threading.Thread(target=self._beat, daemon=True)
        self.thread.start()

    def _beat(self) -> None:
        while not self.released.wait(BEAT_SECONDS):
            with suppress(Exception):  # the store is away, or the run was deleted: not fatal here
                self.client.set_tag(self.run_id, HEARTBEAT, str(int(time.time())))

    def release(self) -> None:
        """Stop the heartbeat, once the run has its final status."""
        self.released.set()


def close_orphans(client: MlflowClient, experiment_id: str) -> None:
    """Mark the RUNNING runs of dead processes as KILLED."""
    running = run_search.every_run(client, [experiment_id], "attributes.status = 'RUNNING'")
    for run in list(running):  # all, before the first is ended, which would move the pages
        if is_orphan(run):
            client.set_terminated(run.info.run_id, "KILLED", _last_sign(client, run))


def is_orphan(run: Any) -> bool:
    """Return whether a run's owner is dead, or on another machine and silent for long."""
    if OWNER not in run.data.tags:  # a run of another program
        return False
    alive = process.is_alive(run.data.tags[OWNER])
    return time.time() - _heartbeat(run) > SILENT_SECONDS if alive is None else not alive


def is_gone(run: Any) -> bool:
    """Return whether a run's owner is a dead process of this machine."""
    return process.is_alive(run.data.tags.get(OWNER, "")) is False


def owner(run: Any) -> str | None:
    """Return in words which process is working on a run, or None if none is."""
    if run.info.status != "RUNNING" or OWNER not in run.data.tags or is_orphan(run):
        return None
    pid, _, machine = run.data.tags[OWNER].split("-", 2)
    return f"process {pid} on {machine}"


def _heartbeat(run: Any) -> float:
    return float(run.data.tags.get(HEARTBEAT, "0"))


def _last_sign(client: MlflowClient, run: Any) -> int:
    """Return the time of an orphan's last sign of life, in milliseconds since 1970."""
    info, points = run.info, []
    with suppress(MlflowException):
        points = client.get_metric_history(info.run_id, metric_names.LOSS)
    times = (point.timestamp for point in points)
    return max(info.start_time, int(_heartbeat(run) * 1000), *times)

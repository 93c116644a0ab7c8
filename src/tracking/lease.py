"""Who is working on a run: a run whose process is gone does not stay RUNNING for ever."""

import threading
import time
from typing import Any

from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from src.runtime import metric_names, process
from src.tracking import run_search

OWNER = "owner"  # the tag with the identity of the process that works on a run
HEARTBEAT = "heartbeat"  # the tag with the time of its last sign of life, in seconds since 1970
BEAT_SECONDS = 60
SILENT_SECONDS = 600  # after which a process of another machine counts as gone


def tags() -> dict[str, str]:
    """Return the tags that a run is created with, so that none is ever without an owner."""
    return {OWNER: process.identity(), HEARTBEAT: str(int(time.time()))}


class Lease:
    """Keeps a run as this process's own, until it is released.

    Args:
        client: of the store.
        run_id: of the run.
    """

    def __init__(self, client: MlflowClient, run_id: str):
        self.client, self.run_id = client, run_id
        for name, value in tags().items():
            client.set_tag(run_id, name, value)
        self.released = threading.Event()
        self.thread = threading.Thread(target=self._beat, daemon=True)
        self.thread.start()

    def _beat(self) -> None:
        while not self.released.wait(BEAT_SECONDS):
            try:
                self.client.set_tag(self.run_id, HEARTBEAT, str(int(time.time())))
            except Exception:  # the store is away, or the run was deleted: not this thread's matter
                continue

    def release(self) -> None:
        """Give the run up, once it has its final status."""
        self.released.set()


def close_orphans(client: MlflowClient, experiment_id: str) -> None:
    """Mark the runs as KILLED whose process is gone. Those that are alive elsewhere, and those
    that never had an owner, are left alone.
    """
    # All are found before the first is ended, which would move the pages.
    running = [*run_search.every_run(client, [experiment_id], "attributes.status = 'RUNNING'")]
    for run in running:
        if is_orphan(run):
            client.set_terminated(run.info.run_id, "KILLED", _last_sign(client, run))


def is_orphan(run: Any) -> bool:
    """Return whether a run had an owner, which is gone or has been silent for long."""
    if OWNER not in run.data.tags:
        return False
    alive = process.is_alive(run.data.tags[OWNER])
    if alive is None:
        beat = float(run.data.tags.get(HEARTBEAT, "0"))
        return time.time() - beat > SILENT_SECONDS
    return not alive


def owner(run: Any) -> str:
    """Return in words who works on a run."""
    return process.described(run.data.tags[OWNER])


def is_gone(run: Any) -> bool:
    """Return whether a run had an owner on this machine, which has ended."""
    return process.is_alive(run.data.tags.get(OWNER, "")) is False


def _last_sign(client: MlflowClient, run: Any) -> int:
    """Return when an orphan was last heard of, in milliseconds since 1970."""
    beat = int(float(run.data.tags.get(HEARTBEAT, "0")) * 1000)
    try:
        epochs = client.get_metric_history(run.info.run_id, metric_names.LOSS)
    except MlflowException:
        epochs = []
    return max(run.info.start_time, beat, *(point.timestamp for point in epochs))

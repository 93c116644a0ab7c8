"""A plan's parent run in MLflow, and the runs below it."""

from collections.abc import Mapping

from mlflow import MlflowClient
from mlflow.entities import Run

from src.core.errors import InputError
from src.tracking import lease, run_search, run_tags, store


class Parent:
    """A parent run, which may not exist yet; without a client nothing is tracked."""

    def __init__(self, client: MlflowClient | None, experiment_id: str = "", run_id: str = ""):
        self.client, self.experiment_id = client, experiment_id
        self.run_id = run_id or None  # None before it is created, or if nothing is tracked
        self.lease: lease.Lease | None = None

    def children(self, status: str | None = None, digest: str | None = None) -> list[Run]:
        """Return the runs below it, the oldest first: all, or those of one status or digest."""
        if self.client is None or self.run_id is None:
            return []
        wanted = f"tags.{run_tags.PARENT} = '{self.run_id}'"
        if status is not None:
            wanted += f" and attributes.status = '{status}'"
        if digest is not None:
            wanted += f" and tags.{run_tags.TRAINING_DIGEST} = '{digest}'"
        return list(run_search.every_run(self.client, [self.experiment_id], wanted))

    def begin(self, title: str, tags: Mapping[str, str]) -> None:
        """Create the run if there is none, and keep it as this process's own; raise InputError if
        the store cannot be used.
        """
        if self.client is None:
            return
        with store.usable():  # one may be allowed to read there, and not to write
            if self.run_id is None:
                every = {**tags, **lease.tags()}
                run = self.client.create_run(self.experiment_id, run_name=title, tags=every)
                self.run_id = run.info.run_id
            self.client.update_run(self.run_id, status="RUNNING")
        self.lease = lease.Lease(self.client, self.run_id)

    def refuse_if_running(self, title: str) -> None:
        """Raise InputError if another process, perhaps on another machine, works on it."""
        if self.client is None or self.run_id is None:
            return
        if owner := lease.owner(self.client.get_run(self.run_id)):
            raise InputError(
                f"The {title} is running in another process ({owner}): wait for it to end, or end "
                "it."
            )

    def end(self, status: str) -> None:
        """Close it: children that still run have lost their worker."""
        if self.client is None or self.run_id is None:
            return
        for child in self.children("RUNNING"):
            self.client.set_terminated(child.info.run_id, "KILLED")
        if self.lease is not None or self.client.get_run(self.run_id).info.status != status:
            self.client.set_terminated(self.run_id, status)
        if self.lease is not None:
            self.lease.release()

    def update(self, tags: Mapping[str, str | None], metrics: Mapping[str, float]) -> None:
        """Set the tags and metrics that differ from the recorded ones; a tag of None is deleted."""
        if self.client is None or self.run_id is None:
            return
        known = self.client.get_run(self.run_id).data
        for key, tag in tags.items():
            if tag is None and key in known.tags:
                self.client.delete_tag(self.run_id, key)
            elif tag is not None and known.tags.get(key) != tag:
                self.client.set_tag(self.run_id, key, tag)
        for key, value in metrics.items():
            if known.metrics.get(key) != value:
                self.client.log_metric(self.run_id, key, value)

"""Clusters of Ray on this machine: a head without CPUs, and raylets that stand for the nodes."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

NODES = 2


@dataclass
class RayCluster:
    """A running cluster."""

    cluster: Any  # Ray's own handle
    nodes: list[Any] = field(default_factory=list)  # beside the head, one CPU each
    folders: list[str] = field(default_factory=list)  # of the nodes

    @property
    def address(self) -> str:
        """Return its RAY_ADDRESS."""
        return self.cluster.address

    def add(self) -> None:
        """Start a node with its own folder, as on another machine: else it would unpack the code
        again where the workers of the other nodes read it.
        """
        self.folders.append(tempfile.mkdtemp(prefix="ray", dir="/tmp"))  # a socket's name is short
        node = self.cluster.add_node(num_cpus=1, include_dashboard=False, temp_dir=self.folders[-1])
        self.nodes.append(node)

    def kill(self, node: Any) -> None:
        """Kill a node's raylet and its workers, as if the machine lost power."""
        self.nodes.remove(node)
        self.cluster.remove_node(node, allow_graceful=False)


@contextmanager
def running() -> Iterator[RayCluster]:
    """Yield a cluster; it ends with the block."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_worker_niceness", "0")  # a busy machine would starve them
    from ray.cluster_utils import Cluster

    head = {"num_cpus": 0, "include_dashboard": False}
    found = RayCluster(Cluster(initialize_head=True, head_node_args=head))
    try:
        for _ in range(NODES):
            found.add()
        yield found
    finally:
        found.cluster.shutdown()
        for folder in found.folders:
            shutil.rmtree(folder, ignore_errors=True)

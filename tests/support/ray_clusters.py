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
    """A running cluster, by Ray's own handle; each node beside the head has one CPU."""

    cluster: Any
    nodes: list[Any] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)

    @property
    def address(self) -> str:
        """The value for RAY_ADDRESS."""
        return self.cluster.address

    def add(self) -> Any:
        """Start a node, with its own folder, as on another machine; else it would unpack our
        code where the workers of other nodes read theirs.
        """
        self.folders.append(tempfile.mkdtemp(prefix="ray", dir="/tmp"))  # a socket's name is short
        node = self.cluster.add_node(num_cpus=1, include_dashboard=False, temp_dir=self.folders[-1])
        self.nodes.append(node)
        return node

    def kill(self, node: Any) -> None:
        """Kill a node's raylet, as a machine that loses power; its workers die with it."""
        self.nodes.remove(node)
        self.cluster.remove_node(node, allow_graceful=False)


@contextmanager
def running(nodes: int = NODES) -> Iterator[RayCluster]:
    """Yield a cluster with this many nodes of one CPU; it ends with the block."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_worker_niceness", "0")  # a busy machine would starve them
    from ray.cluster_utils import Cluster

    head = {"num_cpus": 0, "include_dashboard": False}
    found = RayCluster(Cluster(initialize_head=True, head_node_args=head))
    try:
        for _ in range(nodes):
            found.add()
        yield found
    finally:
        found.cluster.shutdown()
        for folder in found.folders:
            shutil.rmtree(folder, ignore_errors=True)

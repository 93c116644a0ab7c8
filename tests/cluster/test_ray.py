"""Studies and searches on a cluster of Ray: a head and two more raylets on this machine, an MLflow
server that all share, and a project in its own folder.
"""

import json
import shutil
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml
from mlflow import MlflowClient

from src.core.errors import InputError
from src.experiments.executors import cluster, ray_worker
from src.experiments.executors.ray_tasks import RayTasks
from src.experiments.run_spec import INTERRUPTED
from tests.support.commands import EXPERIMENT, ROOT, SMALL, begin, files, make_project, sentence
from tests.support.servers import tracking_server

EPOCHS = 12
BOTH = {"question": "Does it work?", "experiment": "default", "dataset": "files-any"}
STUDY = {
    **BOTH,
    "factor": "activation",
    "levels": ["relu", "swish"],
    "seeds": [1, 2, 3],
    "overrides": [*SMALL, f"epochs={EPOCHS}"],
}
SEARCH = {
    **BOTH,
    "space": {"optimizer.learning_rate": {"log_uniform": [0.0001, 0.1]}},
    "trials": 7,
    "sampler": "random",
    "pruner": "successive_halving",
    "overrides": [*SMALL, "epochs=9"],
}
WAIT_SECONDS = 600  # many times what it takes, for a busy machine


@dataclass
class Place:
    """Where the tests work."""

    project: Path
    cluster: Any  # Ray's own handle
    uri: str
    temporary: Path  # of the nodes
    begun: list[subprocess.Popen] = field(default_factory=list)
    nodes: list[Any] = field(default_factory=list)  # beside the head, which has no CPUs

    def add(self):
        """Start a node of one CPU with its own folder, as on another machine: else it would unpack
        the code again where the workers of the other nodes read it.
        """
        folder = tempfile.mkdtemp(dir=self.temporary)
        node = self.cluster.add_node(num_cpus=1, include_dashboard=False, temp_dir=folder)
        self.nodes.append(node)

    def kill(self, node):
        """Kill a node's raylet and its workers, as if the machine lost power."""
        self.nodes.remove(node)
        self.cluster.remove_node(node, allow_graceful=False)

    @property
    def client(self):
        return MlflowClient(self.uri)

    def write(self, kind, name, given):
        file = self.project / "conf" / kind / f"{name}.yaml"
        file.write_text(yaml.safe_dump(given))

    def begin(self, *words):
        """Start a command."""
        variables = {"MLFLOW_TRACKING_URI": self.uri, "RAY_ADDRESS": self.cluster.address}
        self.begun.append(begin(self.project, *words, **variables))
        return self.begun[-1]

    def run(self, *words):
        """Run a command to its end."""
        return ended(self.begin(*words))

    def runs(self, kind, name):
        """Return the parent run of a study or a search, and its children."""
        experiment = self.client.get_experiment_by_name(EXPERIMENT)
        if experiment is None:
            return None, []
        found = self.client.search_runs([experiment.experiment_id], f"tags.{kind} = '{name}'")
        children = [one for one in found if "mlflow.parentRunId" in one.data.tags]
        [parent] = [one for one in found if one not in children] or [None]
        return parent, children

    def wait_for(self, process, kind, name, count, true_of):
        """Wait until something is true of `count` runs."""
        last = time.monotonic() + WAIT_SECONDS
        while process.poll() is None and time.monotonic() < last:
            _, children = self.runs(kind, name)
            if sum(map(true_of, children)) >= count:
                return
            time.sleep(0.5)
        raise AssertionError(process.communicate())


def has_an_epoch(run):
    return run.info.status == "RUNNING" and "loss" in run.data.metrics


def is_finished(run):
    return run.info.status == "FINISHED"


def ended(process):
    output, error = process.communicate(timeout=WAIT_SECONDS)
    return subprocess.CompletedProcess([], process.returncode, output, error)


@pytest.fixture(scope="module")
def place(small_mnist, tmp_path_factory):
    folder = tmp_path_factory.mktemp("cluster")
    project = make_project(folder / "project", small_mnist)
    shutil.copy(ROOT / "requirements.lock", project)
    # The nodes' folder; a short path, because a socket's name has 107 characters at the most.
    with (
        tempfile.TemporaryDirectory(prefix="ray", dir="/tmp", ignore_cleanup_errors=True) as nodes,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setenv("TMPDIR", nodes)
        for name, value in cluster.SETTINGS_OF_RAY.items():
            patch.setenv(name, value)
        from ray.cluster_utils import Cluster

        head = Cluster(True, head_node_args={"num_cpus": 0, "include_dashboard": False})
        try:
            with tracking_server(folder / "server") as uri:
                found = Place(project, head, uri, Path(nodes))
                for _ in range(2):
                    found.add()
                yield found
                for process in found.begun:
                    process.kill()  # of a test that failed
        finally:
            head.shutdown()


def steps(place, run):
    """Return the epochs that a run has logged, in order."""
    return [one.step for one in place.client.get_metric_history(run.info.run_id, "loss")]


def workers(*names):
    """Return the processes of Ray that train a run, which Ray calls by its task's name."""
    titles = (" ".join(one.info["cmdline"] or []) for one in psutil.process_iter(["cmdline"]))
    return [
        title
        for title in titles
        if title.startswith("ray::") and any(name in title for name in names)
    ]


def test_a_study_survives_a_lost_node_a_killed_driver_and_changed_data(place):
    place.write("study", "mine", STUDY)
    place.add()  # a third beside the head
    process = place.begin("src.study", "mine")
    place.wait_for(process, "study", "mine", 3, has_an_epoch)

    # A node is lost, and another takes its place.
    place.kill(place.nodes[0])
    place.add()
    place.wait_for(process, "study", "mine", 3, is_finished)

    # The driver is killed, and takes its workers along.
    process.kill()
    output, _ = process.communicate()
    lines = output.splitlines()
    assert f"Ray: 4 nodes, 3 CPUs at {place.cluster.address}" in lines
    assert sum("starts again at epoch 1" in line for line in lines) == 1
    assert "train.log of each run in MLflow" in output
    last = time.monotonic() + 60
    while workers("relu-seed", "swish-seed", "ray::train"):
        assert time.monotonic() < last
        time.sleep(0.5)

    [home] = place.temporary.glob("digit-recognizer-*")
    cut_short = set(home.glob("*/runs/*"))  # by kill -9

    # The nodes' copy of the data is changed: each run fails by itself, and is tried once.
    _, children = place.runs("study", "mine")
    left = 6 - sum(map(is_finished, children))
    assert left
    [solution] = home.glob("*/data/raw/solution.csv")
    kept = solution.read_bytes()
    solution.write_bytes(kept + b"1,1\n")
    done = place.run("src.study", "mine")
    solution.write_bytes(kept)
    assert done.returncode == 1
    errors = [line for line in done.stderr.splitlines() if "holds other data than this" in line]
    assert len(errors) == left
    assert all("(SHA-256" in one and one.endswith("delete that folder there.") for one in errors)

    # The same command completes it; nothing is trained or logged twice.
    done = place.run("src.study", "mine")
    assert (done.returncode, done.stderr) == (0, "")
    parent, children = place.runs("study", "mine")
    assert parent.info.status == "FINISHED"
    names = [f"{level}-seed{seed}" for level in STUDY["levels"] for seed in STUDY["seeds"]]
    assert sorted(one.info.run_name for one in children) == sorted(names)
    for one in children:
        assert is_finished(one)
        assert steps(place, one) == list(range(1, EPOCHS + 1))
        assert "test_accuracy" in one.data.metrics
        # The tags say where each run was started, and where it trained.
        tags = one.data.tags
        for key in ("git_commit", "git_dirty", "command"):
            assert tags[key] == parent.data.tags[key]
        assert tags["command"].endswith("-m src.study mine")
        assert tags["processor"]
        assert one.data.params["precision"] in ("float32", "mixed_bfloat16")
        listed = {file.path for file in place.client.list_artifacts(one.info.run_id)}
        assert {"train.log", "submission.csv", "history.csv"} <= listed
    # Nothing else of it is left, neither here nor on the nodes.
    assert not list(place.project.glob("multirun/*/*/*"))
    assert set(home.glob("*/runs/*")) <= cut_short
    assert not list(home.glob("*/checkpoints/*/*"))


def test_a_search_ends_on_sigterm_resumes_with_the_same_trials_and_prunes_on_the_workers(place):
    place.write("search", "mine", SEARCH)
    process = place.begin("src.search", "mine")
    place.wait_for(process, "search", "mine", 2, has_an_epoch)
    process.send_signal(signal.SIGTERM)  # as Ctrl-C
    done = ended(process)
    assert (done.returncode, done.stderr.strip()) == (130, INTERRUPTED)
    parent, children = place.runs("search", "mine")
    assert parent.info.status == "KILLED"
    assert {one.info.status for one in children} <= {"KILLED", "FINISHED"}
    drawn = {key: value for key, value in parent.data.tags.items() if key.startswith("trial.")}
    assert len(drawn) >= 2
    done = place.run("src.search", "mine")
    assert (done.returncode, done.stderr) == (0, "")
    parent, children = place.runs("search", "mine")
    assert drawn.items() <= parent.data.tags.items()
    good = list(filter(is_finished, children))
    assert sorted(int(one.data.tags["trial"]) for one in good) == list(range(SEARCH["trials"]))
    assert any("pruned" in one.data.tags for one in good)
    for one in good:
        logged = steps(place, one)
        assert logged == list(range(1, len(logged) + 1))
        drawn_here = json.loads(parent.data.tags[f"trial.{one.data.tags['trial']}"])
        rate = drawn_here["optimizer.learning_rate"]
        assert float(one.data.params["optimizer.learning_rate"]) == rate


def test_a_mistake_is_refused_and_nothing_is_recorded(place):
    place.write("study", "wrong", STUDY | {"cpus": 3})
    before = files(place.project)
    refusal = sentence(place.run("src.study", "wrong"))
    assert "asks for 3 CPUs (cpus in the file), but no node of Ray has more than 1" in refusal
    assert place.runs("study", "wrong") == (None, [])
    assert all(path.startswith("checkpoints") for path in files(place.project) - before)


def test_a_node_with_other_packages_is_refused_naming_both_versions(place, monkeypatch):
    monkeypatch.setenv("RAY_ADDRESS", place.cluster.address)
    executor = RayTasks(cpus=1, gpus=0, workers=1)
    cluster.connect()
    try:
        here = ray_worker.installed(ROOT / "requirements.lock")
        executor._refuse_incompatible(here)
        with pytest.raises(InputError, match=r"has keras 3\S+ there, 0\.1 here .*same lock"):
            executor._refuse_incompatible({**here, "keras": "0.1"})
        with pytest.raises(InputError, match=r"has Python \S+ there, 2\.7 here"):
            executor._refuse_incompatible({"Python": "2.7"})
    finally:
        cluster.library().shutdown()

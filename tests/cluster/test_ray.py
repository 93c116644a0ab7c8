"""Studies and searches on a cluster of Ray: a head and two more raylets on this machine, an MLflow
server that all share, and a project in its own folder.
"""

import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest
import yaml
from mlflow import MlflowClient

from src.core import metric_names
from src.core.errors import InputError
from src.experiments.executors import cluster, packages
from src.experiments.executors.ray_tasks import RayTasks
from src.experiments.run_spec import INTERRUPTED
from tests.support import ray_clusters
from tests.support.commands import (
    EXPERIMENT,
    ROOT,
    begin,
    files,
    make_project,
    sentence,
)
from tests.support.servers import serving

EPOCHS = 12
STUDY = {
    "question": "Whether a study works on a cluster.",
    "factor": "activation",
    "levels": ["relu", "swish"],
    "seeds": [1, 2],
    "experiment": "default",
    "dataset": "files-any",
    "overrides": ["model=mlp", "model.units=[16]", "batch_size=4", f"epochs={EPOCHS}"],
}
SEARCH = {
    "question": "Whether a search works on a cluster.",
    "experiment": "default",
    "dataset": "files-any",
    "space": {"optimizer.learning_rate": {"log_uniform": [0.0001, 0.1]}},
    "trials": 7,
    "sampler": "random",
    "pruner": "successive_halving",
    "overrides": ["model=mlp", "model.units=[16]", "batch_size=4", "epochs=9"],
}
WAIT_SECONDS = 600  # many times what it takes, for a busy machine


@dataclass
class Place:
    """Where the tests work."""

    project: Path
    cluster: ray_clusters.RayCluster
    uri: str
    temporary: Path  # of the nodes
    begun: list[subprocess.Popen] = field(default_factory=list)

    @property
    def client(self):
        return MlflowClient(self.uri)

    @property
    def variables(self):
        return {"MLFLOW_TRACKING_URI": self.uri, "RAY_ADDRESS": self.cluster.address}

    def write(self, kind, name, given, **changes):
        file = self.project / "conf" / kind / f"{name}.yaml"
        file.parent.mkdir(exist_ok=True)
        file.write_text(yaml.safe_dump(given | changes))

    def begin(self, *words, **more):
        """Start a command."""
        process = begin(self.project, *words, **(self.variables | more))
        self.begun.append(process)
        return process

    def run(self, *words, **more):
        """Run a command to its end."""
        return ended(self.begin(*words, **more))

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
    server = folder / "server"
    server.mkdir()
    # The nodes' folder; a short path, because a socket's name has 107 characters at the most.
    temporary = Path(tempfile.mkdtemp(prefix="ray", dir="/tmp"))
    before = os.environ.get("TMPDIR")
    os.environ["TMPDIR"] = str(temporary)
    words = (
        *("server", "--workers", "1", "--backend-store-uri", f"sqlite:///{server}/mlflow.db"),
        *("--artifacts-destination", str(server / "artifacts")),
    )
    quiet = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    try:
        with (
            ray_clusters.running() as running,
            serving(*words, folder=server, ready="health", **quiet) as uri,
        ):
            found = Place(project, running, uri, temporary)
            yield found
            for process in found.begun:
                process.kill()  # of a test that failed
    finally:
        if before is None:
            del os.environ["TMPDIR"]
        else:
            os.environ["TMPDIR"] = before
        shutil.rmtree(temporary, ignore_errors=True)


def check_complete(place, name, seeds, epochs=EPOCHS):
    """Check that a study is complete, and that nothing was trained or logged twice."""
    parent, children = place.runs("study", name)
    assert parent.info.status == "FINISHED"
    assert Counter(one.info.run_name for one in children) == {
        f"{level}-seed{seed}": 1 for level in STUDY["levels"] for seed in seeds
    }
    for one in children:
        assert one.info.status == "FINISHED"
        history = place.client.get_metric_history(one.info.run_id, metric_names.LOSS)
        assert [point.step for point in history] == list(range(1, epochs + 1))
        assert "test_accuracy" in one.data.metrics
    return parent, children


def workers(*names):
    """Return the processes of Ray that train a run, which Ray calls by its task's name."""
    titles = (" ".join(one.info["cmdline"] or []) for one in psutil.process_iter(["cmdline"]))
    return [
        title
        for title in titles
        if title.startswith("ray::") and any(name in title for name in names)
    ]


def test_a_study_survives_a_lost_node_a_killed_driver_changed_data_and_sigterm(place):
    seeds = [1, 2, 3]
    place.write("study", "mine", STUDY, seeds=seeds)
    place.cluster.add()  # a third beside the head
    process = place.begin("src.study", "mine")
    place.wait_for(process, "study", "mine", 3, has_an_epoch)

    # A node is lost, and another takes its place.
    place.cluster.kill(place.cluster.nodes[0])
    place.cluster.add()
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

    # SIGTERM ends the runs as Ctrl-C does.
    place.write("study", "mine", STUDY, seeds=[*seeds, 4])
    process = place.begin("src.study", "mine")
    place.wait_for(process, "study", "mine", 1, has_an_epoch)
    process.send_signal(signal.SIGTERM)
    done = ended(process)
    assert (done.returncode, done.stderr.strip()) == (130, INTERRUPTED)
    parent, children = place.runs("study", "mine")
    assert parent.info.status == "KILLED"
    assert {one.info.status for one in children} <= {"KILLED", "FINISHED", "FAILED"}

    # The same command completes it. The tags say where each run was started, and where it trained.
    done = place.run("src.study", "mine")
    assert (done.returncode, done.stderr) == (0, "")
    parent, children = check_complete(place, "mine", [*seeds, 4])
    for one in children:
        tags = one.data.tags
        assert {tags[key] for key in ("git_commit", "git_dirty", "command")} == {
            parent.data.tags[key] for key in ("git_commit", "git_dirty", "command")
        }
        assert tags["command"].endswith("-m src.study mine")
        assert tags["processor"]
        assert one.data.params["precision"] in ("float32", "mixed_bfloat16")
        listed = {file.path for file in place.client.list_artifacts(one.info.run_id)}
        assert {"train.log", "submission.csv", "history.csv"} <= listed
    # Nothing else of it is left, neither here nor on the nodes.
    assert not (place.project / "multirun").exists()
    assert set(home.glob("*/runs/*")) <= cut_short
    assert not list(home.glob("*/checkpoints/*/*"))

    # Nothing is left to train, so Ray is not even joined.
    done = place.run("src.study", "mine")
    assert (done.returncode, done.stderr) == (0, "")
    assert "Ray" not in done.stdout


def test_a_search_resumes_with_the_same_trials_and_prunes_on_the_workers(place):
    place.write("search", "mine", SEARCH)
    process = place.begin("src.search", "mine")
    place.wait_for(process, "search", "mine", 2, has_an_epoch)
    process.kill()
    process.communicate()
    parent, _ = place.runs("search", "mine")
    drawn = {key: value for key, value in parent.data.tags.items() if key.startswith("trial.")}
    assert len(drawn) >= 2
    done = place.run("src.search", "mine")
    assert (done.returncode, done.stderr) == (0, "")
    parent, children = place.runs("search", "mine")
    assert drawn.items() <= parent.data.tags.items()
    good = [one for one in children if one.info.status == "FINISHED"]
    assert sorted(int(one.data.tags["trial"]) for one in good) == list(range(SEARCH["trials"]))
    assert any("pruned" in one.data.tags for one in good)
    for one in good:
        history = place.client.get_metric_history(one.info.run_id, metric_names.LOSS)
        steps = [point.step for point in history]
        assert steps == list(range(1, len(steps) + 1))
        drawn_here = json.loads(parent.data.tags[f"trial.{one.data.tags['trial']}"])
        rate = drawn_here["optimizer.learning_rate"]
        assert float(one.data.params["optimizer.learning_rate"]) == rate


# Mistakes


@pytest.mark.parametrize(
    ("changes", "variables", "said"),
    [
        ({"cpus": 3}, {}, "asks for 3 CPUs (cpus in the file), but no node of Ray has more than 1"),
        ({}, {"MLFLOW_TRACKING_URI": ""}, "a file that its other nodes do not have"),
        (
            {"executor": "ray"},
            {"RAY_ADDRESS": "127.0.0.1:1"},
            "No Ray answers at RAY_ADDRESS=127.0.0.1:1",
        ),
    ],
)
def test_a_mistake_is_refused_within_seconds_and_nothing_is_recorded(
    place, changes, variables, said
):
    place.write("study", "wrong", STUDY, **changes)
    before = files(place.project)
    assert said in sentence(place.run("src.study", "wrong", **variables))
    assert place.runs("study", "wrong") == (None, [])
    assert all(path.startswith("checkpoints") for path in files(place.project) - before)


def test_a_node_with_other_packages_is_refused_naming_both_versions(place, monkeypatch):
    monkeypatch.setenv("RAY_ADDRESS", place.cluster.address)
    executor = RayTasks(cpus=1, gpus=0, workers=1)
    cluster.connect()
    try:
        here = packages.installed(ROOT / "requirements.lock")
        executor._refuse_incompatible(here)
        with pytest.raises(InputError, match=r"has keras 3\S+ there, 0\.1 here .*same lock"):
            executor._refuse_incompatible({**here, "keras": "0.1"})
        with pytest.raises(InputError, match=r"has Python \S+ there, 2\.7 here"):
            executor._refuse_incompatible({"Python": "2.7"})
    finally:
        cluster.library().shutdown()

"""Studies and searches on a cluster of Ray: a head and two more raylets on this machine, an MLflow
server that all share, and a project in a folder of its own.
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

from src.experiments.executors import cluster, packages, ray_tasks
from src.runtime import metric_names
from src.runtime.errors import InputError
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

    def wait_for_epochs(self, process, kind, name, count):
        """Wait until `count` runs that have not ended have had an epoch."""
        last = time.monotonic() + WAIT_SECONDS
        while process.poll() is None and time.monotonic() < last:
            _, children = self.runs(kind, name)
            if sum("loss" in one.data.metrics for one in children) >= count:
                return
            time.sleep(0.5)
        raise AssertionError(process.communicate())


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
            ray_clusters.running() as made,
            serving(*words, folder=server, ready="health", **quiet) as uri,
        ):
            found = Place(project, made, uri, temporary)
            yield found
            for process in found.begun:
                process.kill()  # of a test that failed
    finally:
        if before is None:
            del os.environ["TMPDIR"]
        else:
            os.environ["TMPDIR"] = before
        shutil.rmtree(temporary, ignore_errors=True)


def check_complete(place, name, seeds=(1, 2), epochs=EPOCHS):
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


def test_a_node_that_dies_costs_its_runs_at_most_an_epoch(place):
    place.write("study", "node", STUDY, seeds=[1, 2, 3])
    place.cluster.add()  # a third beside the head
    process = place.begin("src.study", "node")
    place.wait_for_epochs(process, "study", "node", 3)
    place.cluster.kill(place.cluster.nodes[0])
    place.cluster.add()
    done = ended(process)
    assert (done.returncode, done.stderr) == (0, "")
    parent, children = check_complete(place, "node", seeds=[1, 2, 3])
    lines = done.stdout.splitlines()
    assert f"Ray: 4 nodes, 3 CPUs at {place.cluster.address}" in lines
    assert sum("begins again at epoch 1" in line for line in lines) == 1
    assert "what it prints is in its run in MLflow, as train.log" in done.stdout
    # What it is tagged with is the driver's, and where it ran.
    for one in children:
        tags = one.data.tags
        assert {tags[key] for key in ("git_commit", "git_dirty", "command")} == {
            parent.data.tags[key] for key in ("git_commit", "git_dirty", "command")
        }
        assert tags["command"].endswith("-m src.study node")
        assert tags["processor"]
        assert one.data.params["precision"] in ("float32", "mixed_bfloat16")
        listed = {file.path for file in place.client.list_artifacts(one.info.run_id)}
        assert {"train.log", "submission.csv", "history.csv"} <= listed
    # Nothing of it is left: neither here nor on the node.
    assert not (place.project / "multirun").exists()
    [home] = place.temporary.glob("digit-recognizer-*")
    assert not list(home.glob("*/runs/*"))
    assert not list(home.glob("*/checkpoints/*/*"))


def test_a_driver_that_is_killed_takes_its_workers_along_and_goes_on(place):
    place.write("study", "driver", STUDY)
    process = place.begin("src.study", "driver")
    place.wait_for_epochs(process, "study", "driver", 2)
    process.kill()
    process.communicate()
    last = time.monotonic() + 60
    while workers("relu-seed", "swish-seed", "ray::make"):
        assert time.monotonic() < last
        time.sleep(0.5)
    done = place.run("src.study", "driver")
    assert (done.returncode, done.stderr) == (0, "")
    check_complete(place, "driver")
    again = place.run("src.study", "driver")
    assert "4 made · 0 left" in again.stdout
    assert "Ray" not in again.stdout


def workers(*names):
    """Return the processes of Ray that make a run, which Ray calls by its task's name."""
    titles = (" ".join(one.info["cmdline"] or []) for one in psutil.process_iter(["cmdline"]))
    return [
        title
        for title in titles
        if title.startswith("ray::") and any(name in title for name in names)
    ]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_ends_the_runs_as_killed_and_the_same_command_goes_on(place, number):
    name = f"stopped-{number}"
    place.write("study", name, STUDY, seeds=[1])
    process = place.begin("src.study", name)
    place.wait_for_epochs(process, "study", name, 2)
    process.send_signal(number)
    done = ended(process)
    assert done.returncode == 130
    assert done.stderr.startswith("Interrupted: the same command goes on")
    parent, children = place.runs("study", name)
    assert {one.info.status for one in [parent, *children]} <= {"KILLED", "FINISHED"}
    assert "KILLED" in {one.info.status for one in children}
    done = place.run("src.study", name)
    assert (done.returncode, done.stderr) == (0, "")
    check_complete(place, name, seeds=[1])


def test_a_run_that_fails_by_itself_is_tried_once_and_told(place):
    place.write("study", "failing", STUDY, seeds=[1])
    folder = next(place.temporary.glob("digit-recognizer-*/*"))
    solution = folder / "data" / "raw" / "solution.csv"
    kept = solution.read_bytes()
    solution.write_bytes(kept + b"1,1\n")  # the nodes' copy of the data is another now
    done = place.run("src.study", "failing")
    solution.write_bytes(kept)
    assert done.returncode == 1
    errors = [line for line in done.stderr.splitlines() if line.startswith("Error in run")]
    assert len(errors) == 2
    for line in errors:
        assert "holds other data than this study's (SHA-256" in line
        assert line.endswith("delete that folder there.")


def test_a_search_goes_on_with_the_same_trials_and_prunes_on_the_workers(place):
    place.write("search", "mine", SEARCH)
    process = place.begin("src.search", "mine")
    place.wait_for_epochs(process, "search", "mine", 2)
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


def test_more_cpus_than_any_node_has_are_refused_and_nothing_is_recorded(place):
    place.write("study", "large", STUDY, cpus=3)
    before = files(place.project)
    done = place.run("src.study", "large")
    assert "asks for 3 CPUs" in sentence(done)
    assert "has more than 1" in done.stderr
    assert place.runs("study", "large") == (None, [])
    locks = {"checkpoints", "checkpoints/study-large.lock"}
    assert files(place.project) - before <= locks


def test_sqlite_and_an_address_where_nobody_answers_are_refused_within_seconds(place):
    place.write("study", "wrong", STUDY)
    done = place.run("src.study", "wrong", MLFLOW_TRACKING_URI="")
    assert "a file that its other nodes do not have" in sentence(done)
    done = place.run("src.study", "wrong", "executor=ray", RAY_ADDRESS="127.0.0.1:1")
    assert "No Ray answers at RAY_ADDRESS=127.0.0.1:1" in sentence(done)
    assert place.runs("study", "wrong") == (None, [])


def test_a_node_with_other_packages_is_refused_naming_both_versions(place, monkeypatch):
    monkeypatch.setenv("RAY_ADDRESS", place.cluster.address)
    ray = cluster.library()
    cluster.connect()
    try:
        here = packages.here(ROOT / "requirements.lock")
        ray_tasks._refuse_unfit(here)
        wrong = packages.Installed(here.python, {**here.packages, "keras": "0.1"})
        with pytest.raises(InputError, match=r"has keras 3\S+ there, 0\.1 here .*same lock"):
            ray_tasks._refuse_unfit(wrong)
        with pytest.raises(InputError, match=r"has Python \S+ there, 2\.7 here"):
            ray_tasks._refuse_unfit(packages.Installed("2.7", {}))
    finally:
        ray.shutdown()

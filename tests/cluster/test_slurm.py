"""Runs as jobs of a real Slurm of one node."""

import time
from contextlib import closing

import pytest

from src.core.errors import InputError
from src.experiments.executors.slurm import Submitit
from tests.support import stub_runs
from tests.support.commands import SMALL, make_project, run, runs
from tests.support.slurm import slurm
from tests.support.stub_runs import stub, wait_until_begun


@pytest.fixture(scope="module")
def cluster():
    with slurm() as variables:
        yield variables


@pytest.fixture
def executor(tmp_path, cluster, monkeypatch):
    """An executor of jobs with one CPU each."""
    for name, value in cluster.items():
        monkeypatch.setenv(name, value)
    folder = str(tmp_path / ".submitit" / "%j")
    return Submitit("slurm", {"submitit_folder": folder, "cpus_per_task": 1}, stub_runs.train)


def test_a_jobs_error_comes_back_and_closing_the_iteration_interrupts_it(executor, tmp_path):
    executor.prepare()
    names = ("fail", "sleep 300", "a", "b")
    with closing(executor.execute([stub(name, tmp_path) for name in names])) as outcomes:
        ended = {}
        for spec, error in outcomes:
            ended[spec.name] = error
            if len(ended) == 3:
                break
        wait_until_begun(tmp_path / "sleep 300")
        closed = time.monotonic()
    assert ended["a"] is ended["b"] is None
    assert isinstance(ended["fail"], InputError)
    assert str(ended["fail"]) == "as it must."
    assert (tmp_path / "sleep 300" / "interrupted").exists()
    assert time.monotonic() - closed < 20  # not only when Slurm kills it


def test_a_cluster_that_does_not_answer_is_one_sentence(executor, tmp_path, monkeypatch):
    config = tmp_path / "slurm.conf"
    config.touch()
    monkeypatch.setenv("SLURM_CONF", str(config))
    executor.prepare()
    with pytest.raises(InputError, match=r"^hydra/launcher=submitit_slurm failed \(FailedJob.*sba"):
        next(executor.execute([stub("a", tmp_path)]))


def test_a_sweeps_runs_are_jobs_and_children_of_one_parent(cluster, small_mnist, tmp_path):
    project = make_project(tmp_path / "project", small_mnist)
    words = ("hydra/launcher=submitit_slurm", "hydra.launcher.cpus_per_task=1")
    sweep = ("src.train", "-m", *SMALL, "activation=relu,swish", "epochs=1")
    done = run(project, *sweep, *words, **cluster)
    assert done.returncode == 0, done.stdout + done.stderr
    parent, *children = runs(project)
    assert {one.data.tags["activation"] for one in children} == {"relu", "swish"}
    assert {one.info.status for one in (parent, *children)} == {"FINISHED"}
    assert {one.data.tags["mlflow.parentRunId"] for one in children} == {parent.info.run_id}
    assert len(list(project.glob("multirun/*/*/*/train.log"))) == 2
    assert len(list(project.glob("multirun/*/*/.submitit/*/*_log.out"))) == 2

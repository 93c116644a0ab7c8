"""A sweep on a real Slurm of one node, by Hydra's submitit launcher."""

import pytest

from tests.support.commands import SMALL, make_project, run, runs
from tests.support.slurm import slurm

SWEEP = (
    "src.train",
    "-m",
    *SMALL,
    "activation=relu,swish",
    "hydra/launcher=submitit_slurm",
    "hydra.launcher.cpus_per_task=1",
)


@pytest.fixture(scope="module")
def project(small_mnist, tmp_path_factory):
    return make_project(tmp_path_factory.mktemp("slurm") / "project", small_mnist)


@pytest.fixture(scope="module")
def cluster():
    with slurm() as variables:
        yield variables


def test_two_runs_are_jobs_of_slurm_and_children_of_one_parent(project, cluster):
    done = run(project, *SWEEP, "epochs=1", **cluster)
    assert done.returncode == 0, done.stdout + done.stderr
    parent, *children = runs(project)
    assert {one.data.tags["activation"] for one in children} == {"relu", "swish"}
    assert {one.info.status for one in (parent, *children)} == {"FINISHED"}
    assert {one.data.tags["mlflow.parentRunId"] for one in children} == {parent.info.run_id}
    logs = {path.name for path in project.glob("multirun/*/*/.submitit/*/*_log.out")}
    assert len(logs) == 2


def test_the_error_of_a_job_is_reported_here(project, cluster):
    file = project / "data" / "processed" / "train.npz"
    whole = file.read_bytes()
    file.write_bytes(b"damaged")  # which a job finds out, and no check before it
    try:
        done = run(project, *SWEEP, "epochs=2", **cluster)
    finally:
        file.write_bytes(whole)
    assert done.returncode == 1
    assert "Error in job 0 (" in done.stderr
    assert "train.npz" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


def test_a_cluster_that_is_not_there_is_one_sentence_after_sbatchs_own(project, tmp_path):
    config = tmp_path / "slurm.conf"
    config.touch()
    done = run(project, *SWEEP, "epochs=3", SLURM_CONF=str(config))
    assert done.returncode == 1
    *theirs, ours = done.stderr.splitlines()
    assert all(line.startswith("sbatch: ") for line in theirs)
    assert ours.startswith("Error: hydra/launcher=submitit_slurm failed (FailedJobError: sbatch: ")

"""The executor of submitit, with jobs that are processes of this machine."""

from contextlib import closing

import pytest

from src.core.errors import InputError
from tests.support import stub_runs
from tests.support.stub_runs import stub, wait_until_begun


@pytest.fixture
def executor(tmp_path, monkeypatch):
    submitit = pytest.importorskip("submitit")
    from src.experiments.executors import slurm

    monkeypatch.setattr(slurm, "POLL_SECONDS", 0.1)
    monkeypatch.setattr(submitit.Job, "_results_timeout_s", 1)
    settings = {
        "_target_": "hydra_plugins.hydra_submitit_launcher.submitit_launcher.LocalLauncher",
        "submitit_folder": str(tmp_path / ".submitit" / "%j"),
        "timeout_min": 60,
        "tasks_per_node": 1,
        "nodes": 1,
        "name": "train",
        "stderr_to_stdout": False,
    }
    settings |= dict.fromkeys(("cpus_per_task", "gpus_per_node", "mem_gb"))
    return slurm.Submitit("local", settings, stub_runs.train)


def test_each_run_is_a_job_whose_error_comes_back(executor, tmp_path):
    executor.prepare()
    runs = [stub(name, tmp_path) for name in ("a", "fail", "break", "die")]
    ended = {spec.name: error for spec, error in executor.execute(runs)}
    assert ended["a"] is None
    assert isinstance(ended["fail"], InputError)
    assert str(ended["fail"]) == "as it must."
    assert "stub_runs.py" in ended["break"].__notes__[0]  # where it was raised, in the job
    assert isinstance(ended["die"], InputError)
    assert "did not complete" in str(ended["die"])
    assert "_log.err, then run the same command again." in str(ended["die"])


def test_closing_the_iteration_ends_the_jobs(executor, tmp_path):
    executor.prepare()
    with closing(executor.execute([stub("a", tmp_path), stub("sleep 300", tmp_path)])) as outcomes:
        assert next(outcomes).spec.name == "a"
        wait_until_begun(tmp_path / "sleep 300")
    assert (tmp_path / "sleep 300" / "interrupted").exists()


def test_a_value_that_submitit_does_not_know_is_refused_in_a_sentence(executor):
    executor.settings = {**executor.settings, "array_parallelism": 3}
    message = r"^hydra/launcher=submitit_local failed \(.*without hydra/"
    with pytest.raises(InputError, match=message):
        executor.prepare()

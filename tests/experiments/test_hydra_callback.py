import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir

from src.config import compose as configuration
from src.runtime import metric_names
from src.runtime.errors import InputError
from src.experiments import hydra_callback
from src.experiments.run_spec import INTERRUPTED
from src.tracking import run_tags
from tests.support import broken_activation
from tests.support.commands import (
    ROOT,
    SMALL,
    artifacts,
    environment,
    files,
    make_project,
    run,
    runs,
    sentence,
    small_name,
    store,
)

WORDS = ("-m", *SMALL, "epochs=1")


def parent_and_children(project):
    """Return the run of the sweep, and its jobs' by their activation."""
    recorded = runs(project)
    [parent] = (one for one in recorded if "mlflow.parentRunId" not in one.data.tags)
    children = [one for one in recorded if one is not parent]
    assert {one.data.tags["mlflow.parentRunId"] for one in children} <= {parent.info.run_id}
    return parent, {one.data.tags["activation"]: one for one in children}


@pytest.fixture(scope="module")
def swept(small_mnist, tmp_path_factory):
    project = make_project(tmp_path_factory.mktemp("swept"), small_mnist)
    return project, run(project, "src.train", *WORDS, "activation=swish,relu")


@pytest.fixture(scope="module")
def failed(small_mnist, tmp_path_factory):
    """A sweep whose first job fails in its first training step."""
    project = make_project(tmp_path_factory.mktemp("failed"), small_mnist)
    broken_activation.add(project)
    command = [sys.executable, "-m", "src.train", *WORDS, "activation=broken,swish"]
    done = subprocess.run(
        command,
        cwd=project,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,  # together, for the order of the lines
        text=True,
        timeout=300,
    )
    return project, done


def test_a_sweep_is_one_parent_run_named_after_it_with_a_child_for_each_job(swept):
    project, done = swept
    assert done.returncode == 0, done.stderr
    parent, children = parent_and_children(project)
    words = " ".join((*SMALL, "epochs=1", "activation=swish,relu"))
    assert parent.info.run_name == words
    assert parent.info.status == "FINISHED"
    assert {name: one.info.run_name for name, one in children.items()} == {
        activation: small_name(activation, 1) for activation in ("swish", "relu")
    }
    assert {one.info.status for one in children.values()} == {"FINISHED"}


def test_a_sweep_ends_with_a_table_of_what_its_jobs_attained(swept):
    project, done = swept
    assert "over the seeds" not in done.stdout  # of which there is one
    table, _, following = done.stdout.rpartition("Next\n")
    assert following.splitlines()[0].startswith("  python -m src.report ")
    assert "Next" not in table  # after each job
    table = table[table.rindex("held-out") :]
    _, children = parent_and_children(project)
    for one in children.values():
        [row] = (line for line in table.splitlines() if one.data.tags["activation"] in line.split())
        assert f"{one.data.metrics[metric_names.TEST_ACCURACY]:.4f}" in row
        assert one.data.tags[run_tags.JOB].endswith(f"activation={one.data.tags['activation']}")


def test_each_job_has_a_folder_and_a_submission_of_its_own(swept):
    project, _ = swept
    made = sorted(project.glob("multirun/*/*/*/predictions/submission.csv"))
    assert [path.parts[-3] for path in made] == ["0-swish-seed1", "1-relu-seed1"]
    assert made[0].read_bytes() != made[1].read_bytes()
    _, children = parent_and_children(project)
    for name, path in zip(("swish", "relu"), made, strict=True):
        run_id = children[name].info.run_id
        assert "submission.csv" in artifacts(project, run_id)
        kept = project / "mlruns" / run_id / "artifacts" / "submission.csv"
        assert kept.read_bytes() == path.read_bytes()
        assert metric_names.TEST_ACCURACY in children[name].data.metrics


@pytest.mark.slow
def test_the_same_multirun_again_trains_nothing_and_with_resume_false_everything(swept, tmp_path):
    project = shutil.copytree(swept[0], tmp_path, dirs_exist_ok=True)
    again = run(project, "src.train", *WORDS, "activation=swish,relu")
    assert (again.returncode, again.stderr) == (0, "")
    parent, children = parent_and_children(project)
    assert parent.info.status == "FINISHED"
    for name, one in children.items():
        score = one.data.metrics[metric_names.TEST_ACCURACY]
        made = f"{small_name(name, 1)} is made already: held-out accuracy {score:.4f}"
        assert made in again.stdout
    assert "epoch 1/1" not in again.stdout
    assert "validation" in again.stdout
    anew = run(project, "src.train", *WORDS, "activation=swish,relu", "mlflow.resume=false")
    assert anew.stdout.count("epoch 1/1") == 2
    assert len(runs(project)) == 6


@pytest.mark.slow
def test_a_multirun_that_was_killed_goes_on_under_its_parent(small_mnist, tmp_path):
    project = make_project(tmp_path, small_mnist)
    words = ("-m", *SMALL, "epochs=8", "seed=1,2")
    process = subprocess.Popen(
        [sys.executable, "-m", "src.train", *words],
        cwd=project,
        env=environment(),
        stdout=subprocess.PIPE,
        text=True,
    )
    for line in process.stdout:
        if "seed2 · epoch 3/8" in line:
            break
    process.kill()
    process.communicate(timeout=60)
    begun = {one.info.run_id: one.info.end_time for one in runs(project)}
    assert len(begun) == 3
    done = run(project, "src.train", *words)
    assert done.returncode == 0, done.stderr
    assert f"{small_name('swish', 8)} is made already" in done.stdout
    assert f"{small_name('swish', 8, 2)} goes on after epoch" in done.stdout
    recorded = runs(project)
    assert {one.info.run_id for one in recorded} == set(begun)
    assert {one.info.status for one in recorded} == {"FINISHED"}
    for one in recorded:
        history = store(project).get_metric_history(one.info.run_id, metric_names.LOSS)
        expected = range(1, 9) if "mlflow.parentRunId" in one.data.tags else ()
        assert [point.step for point in history] == list(expected)


def test_a_sweep_says_nothing_of_its_libraries(swept):
    _, done = swept
    assert done.stderr == ""
    assert not re.search(r"warning|retracing|━|\x1b|I0000", done.stdout, re.IGNORECASE)


def test_a_failed_job_is_reported_at_once_and_the_others_go_on(failed):
    _, done = failed
    places = [
        done.stdout.index(text)
        for text in (
            "Error in job 0 (",
            broken_activation.REASON,
            "seed1 · epoch 1/1",  # of job 1
        )
    ]
    assert places == sorted(places)
    assert "parent_run_id" not in done.stdout[: places[-1]]
    assert "Traceback" not in done.stdout


def test_a_sweep_with_a_failed_job_ends_with_status_1_and_its_parent_is_failed(failed):
    project, done = failed
    assert done.returncode == 1
    recorded = runs(project)
    [parent] = (one for one in recorded if "mlflow.parentRunId" not in one.data.tags)
    assert parent.info.status == "FAILED"
    statuses = {one.data.tags["activation"]: one.info.status for one in recorded if one != parent}
    assert statuses == {"broken": "FAILED", "swish": "FINISHED"}


REFUSED = (
    "model.head=sofmax",  # found when the model is built
    "seed=range(0)",
    "hydra.sweep.dir=/proc/sweep",
    "hydra/launcher=jobli",
)


@pytest.mark.slow
@pytest.mark.parametrize("word", REFUSED)
def test_a_sweep_with_a_mistake_makes_and_registers_nothing(word, small_mnist, tmp_path):
    project = make_project(tmp_path, small_mnist)
    before = files(project)
    done = run(project, "src.train", *WORDS, "activation=relu,swish", word)
    assert word.split("=")[1] in sentence(done)
    made = {path for path in files(project) - before if not path.startswith("mlflow.db")}
    assert made == set()
    if (project / "mlflow.db").exists():
        assert runs(project) == []


@pytest.mark.parametrize(
    ("jobs", "keys"),
    [
        ([["optimizer=adam", "seed=1"], ["optimizer=sgd", "seed=2"]], ["optimizer"]),
        ([["model=mlp", "seed=1"], ["model=mlp", "seed=2"]], []),
        ([["epochs=1", "model=mlp"], ["epochs=2", "model=lenet5"]], ["epochs", "model"]),
        ([], []),
    ],
)
def test_the_runs_of_a_multirun_are_named_by_what_it_lists_several_values_of(jobs, keys):
    assert hydra_callback._differing(jobs) == keys


def composed(project):
    with initialize_config_dir(str(project / "conf"), version_base="1.3"):
        return compose("config", [*SMALL, "epochs=1"], return_hydra_config=True)


@pytest.mark.parametrize("kind", ["run", "sweep"])
def test_what_starts_in_the_same_second_gets_a_folder_of_its_own(kind, project):
    configuration.register()
    first, second = composed(ROOT), composed(ROOT)
    second.hydra[kind].dir = first.hydra[kind].dir = str(first.hydra[kind].dir)
    for one in (first, second):
        hydra_callback._own_folder(one, kind)
    assert second.hydra[kind].dir == f"{first.hydra[kind].dir}-2"
    assert Path(first.hydra[kind].dir).is_dir()
    assert Path(second.hydra[kind].dir).is_dir()
    assert f"hydra.{kind}.dir={second.hydra[kind].dir}" in second.hydra.overrides.hydra


@pytest.mark.slow
def test_ctrl_c_ends_a_sweep_and_marks_the_job_and_the_parent_killed(small_mnist, tmp_path):
    project = make_project(tmp_path, small_mnist)
    process = subprocess.Popen(
        [sys.executable, "-m", "src.train", "-m", *SMALL, "epochs=50", "seed=1,2"],
        cwd=project,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    for line in process.stdout:
        if "epoch  1/50" in line:
            break
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=60)
    assert process.returncode == 130
    assert error == f"{INTERRUPTED}\n"
    assert [one.info.status for one in runs(project)] == ["KILLED", "KILLED"]


@pytest.mark.slow
def test_the_jobs_of_the_joblib_launcher_are_children_of_the_same_parent(small_mnist, tmp_path):
    pytest.importorskip("hydra_plugins.hydra_joblib_launcher")
    project = make_project(tmp_path, small_mnist)
    launcher = ("hydra/launcher=joblib", "hydra.launcher.n_jobs=2")
    words = (*WORDS, *launcher, "activation=swish,relu")
    done = run(project, "src.train", *words, LOKY_MAX_CPU_COUNT=str(os.cpu_count()))
    assert done.returncode == 0, done.stderr
    parent, children = parent_and_children(project)
    assert parent.info.status == "FINISHED"
    assert set(children) == {"swish", "relu"}
    assert len(list(project.glob("multirun/*/*/*/predictions/submission.csv"))) == 2
    assert "Traceback" not in done.stderr


# What a launcher says.


@pytest.fixture
def launched(monkeypatch):
    """Set the launcher of the multirun that is going on."""
    return lambda name: monkeypatch.setattr(hydra_callback.MlflowSweep, "launcher", name)


def test_a_launchers_own_error_is_one_sentence(launched):
    launched("submitit_slurm")
    with pytest.raises(InputError) as caught:
        hydra_callback.fail(RuntimeError("sbatch: no such\n  cluster"))
    told = str(caught.value)
    assert told.startswith(
        "hydra/launcher=submitit_slurm failed (RuntimeError: sbatch: no such cluster): see its logs"
    )
    assert "\n" not in told


@pytest.mark.parametrize("name", ["", "basic", "joblib"])
def test_a_defect_of_ours_is_no_launchers_error(launched, name):
    launched(name)
    assert hydra_callback.fail(RuntimeError("a defect")) is None


@pytest.mark.parametrize(
    ("name", "shown"), [("joblib", ""), ("submitit_slurm", "Error in job 0 (seed=1): No room.\n")]
)
def test_what_a_job_told_on_another_machine_is_told_here(launched, name, shown, capsys):
    launched(name)
    error = OSError("No room.")
    setattr(error, hydra_callback.TOLD, "Error in job 0 (seed=1): No room.")
    with pytest.raises(SystemExit) as left:
        hydra_callback.fail(error)
    assert left.value.code == 1
    assert capsys.readouterr().err == shown

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra

from src.config import compose as configuration
from src.core import metric_names
from src.core.errors import InputError
from src.experiments import sweep
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
)
from tests.support.recipes import DATA

WORDS = ("-m", *SMALL, "epochs=1")


def parent_and_children(project):
    """Return the run of the sweep, and those of its jobs by their activation."""
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


def test_a_sweep_is_one_parent_run_with_its_factor_and_levels_and_a_child_for_each_job(swept):
    project, done = swept
    assert (done.returncode, done.stderr) == (0, "")
    parent, children = parent_and_children(project)
    words = " ".join((*SMALL, "epochs=1", "activation=swish,relu"))
    assert parent.info.run_name == words
    assert parent.info.status == "FINISHED"
    assert {name: one.info.run_name for name, one in children.items()} == {
        activation: small_name(activation, 1) for activation in ("swish", "relu")
    }
    assert {one.info.status for one in children.values()} == {"FINISHED"}
    assert parent.data.tags[run_tags.FACTOR] == "activation"
    levels = '{"swish": ["activation=swish"], "relu": ["activation=relu"]}'
    assert parent.data.tags[run_tags.LEVELS] == levels
    assert {name: one.data.tags[run_tags.VARIANT] for name, one in children.items()} == {
        "swish": "swish",
        "relu": "relu",
    }


def test_a_sweep_ends_with_a_table_of_its_runs_and_prints_nothing_of_its_libraries(swept):
    project, done = swept
    assert "over the seeds" not in done.stdout  # there is one
    table, _, following = done.stdout.rpartition("Next\n")
    # A report needs two seeds.
    assert done.stdout.startswith("Note: `python -m src.report` cannot compare these runs: each ")
    assert following == "  make ui  the runs in MLflow\n"
    assert "Next" not in table  # after each job
    table = table[table.rindex("held-out") :]
    _, children = parent_and_children(project)
    for name, one in children.items():
        [row] = (line for line in table.splitlines() if name in line.split())
        assert f"{one.data.metrics[metric_names.TEST_ACCURACY]:.4f}" in row
        assert one.data.tags[run_tags.JOB].endswith(f"activation={name}")
    assert not re.search(r"warning|retracing|━|\x1b|I0000", swept[1].stdout, re.IGNORECASE)


def test_each_job_has_its_own_folder_and_submission_and_hydras_files(swept):
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
        overrides = path.parents[1] / ".hydra" / "overrides.yaml"
        assert f"- activation={name}\n" in overrides.read_text()


@pytest.mark.slow
def test_the_same_sweep_again_trains_nothing_and_with_resume_false_everything(swept, tmp_path):
    project = shutil.copytree(swept[0], tmp_path, dirs_exist_ok=True)
    before = files(project)
    again = run(project, "src.train", *WORDS, "activation=swish,relu")
    assert (again.returncode, again.stderr) == (0, "")
    assert not {path for path in files(project) - before if path.startswith("multirun")}
    parent, children = parent_and_children(project)
    assert parent.info.status == "FINISHED"
    for name, one in children.items():
        score = one.data.metrics[metric_names.TEST_ACCURACY]
        line = f"{small_name(name, 1)} is already done: held-out accuracy {score:.4f}"
        assert line in again.stdout
    assert "epoch 1/1" not in again.stdout
    assert "validation" in again.stdout
    anew = run(project, "src.train", *WORDS, "activation=swish,relu", "mlflow.resume=false")
    assert anew.stdout.count("epoch 1/1") == 2
    assert len(runs(project)) == 6


def test_a_failed_job_is_reported_at_once_the_others_train_and_the_sweep_is_failed(failed):
    project, done = failed
    texts = ("Error in run broken-", broken_activation.REASON, "seed1 · epoch 1/1")
    places = [done.stdout.index(text) for text in texts]
    assert places == sorted(places)
    assert "Traceback" not in done.stdout
    assert done.returncode == 1
    last = done.stdout.splitlines()[-1]
    assert last.startswith("Error: 1 of 2 runs did not finish (broken-mlp")
    recorded = runs(project)
    [parent] = (one for one in recorded if "mlflow.parentRunId" not in one.data.tags)
    assert parent.info.status == "FAILED"
    statuses = {one.data.tags["activation"]: one.info.status for one in recorded if one != parent}
    assert statuses == {"broken": "FAILED", "swish": "FINISHED"}


@pytest.mark.slow
@pytest.mark.parametrize(
    "word",
    [
        "model.head=sofmax",  # found when the model is built
        "seed=range(0)",
        "hydra.sweep.dir=/proc/sweep",
        "hydra/launcher=jobli",
    ],
)
def test_a_sweep_with_a_mistake_leaves_and_registers_nothing(word, small_mnist, tmp_path):
    project = make_project(tmp_path, small_mnist)
    before = files(project)
    done = run(project, "src.train", *WORDS, "activation=relu,swish", word)
    assert word.split("=")[1] in sentence(done)
    left = {
        path
        for path in files(project) - before
        if not path.startswith(("mlflow.db", "checkpoints"))
    }
    assert left == set()
    if (project / "mlflow.db").exists():
        assert runs(project) == []


@pytest.mark.slow
def test_the_jobs_of_the_joblib_launcher_are_children_of_the_same_parent(small_mnist, tmp_path):
    pytest.importorskip("hydra_plugins.hydra_joblib_launcher")
    project = make_project(tmp_path, small_mnist)
    launcher = ("hydra/launcher=joblib", "hydra.launcher.n_jobs=2")
    words = (*WORDS, *launcher, "activation=swish,relu")
    done = run(project, "src.train", *words, LOKY_MAX_CPU_COUNT=str(os.cpu_count()))
    assert (done.returncode, done.stderr) == (0, "")
    parent, children = parent_and_children(project)
    assert parent.info.status == "FINISHED"
    assert set(children) == {"swish", "relu"}
    assert len(list(project.glob("multirun/*/*/*/predictions/submission.csv"))) == 2


@pytest.fixture
def plan_of(project):
    """Return the plan of a sweep with these words."""

    def plan(*words):
        configuration.register()
        with initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
            config = compose("config", return_hydra_config=True)
            config.hydra.overrides.task = [*SMALL, "epochs=1", *words]
            jobs = list(sweep._jobs(config))
        GlobalHydra.instance().clear()
        return sweep.plan_of(config, jobs, DATA)

    return plan


@pytest.mark.parametrize(
    ("words", "varied", "levels", "reason"),
    [
        (["activation=relu,swish", "seed=1,2"], '["activation"]', ["relu", "swish"], None),
        (["activation=relu,swish"], '["activation"]', ["relu", "swish"], "at least 2 seeds"),
        (["seed=1,2"], "[]", ["swish"], "all have one activation"),
        (
            ["optimizer.learning_rate=0.1,0.2", "seed=1,2"],
            '["optimizer.learning_rate"]',
            ["0.1", "0.2"],
            None,
        ),
        (
            ["optimizer=adam,sgd", "label_smoothing=0,0.1", "seed=1,2"],
            '["optimizer", "label_smoothing"]',
            ["optimizer=adam label_smoothing=0", "optimizer=sgd label_smoothing=0.1"],
            "they differ in several keys",
        ),
    ],
)
def test_a_sweep_has_the_factor_of_its_words_or_says_why_no_report_can_judge_it(
    plan_of, words, varied, levels, reason
):
    plan = plan_of(*words)
    assert plan.tags[run_tags.VARIED] == varied
    assert set(levels) <= set(plan.levels)
    assert (plan.tags[run_tags.FACTOR] is None) == (plan.factor is None)
    found = sweep._no_report(plan)
    assert found is None if reason is None else reason in found


def test_the_runs_of_a_sweep_are_named_by_what_it_varies(plan_of):
    names = [spec.name for spec in plan_of("optimizer=adamw,sgd", "seed=1,2").specs.values()]
    assert [name.split("-")[:3] for name in names[:2]] == [["swish", "mlp", "adamw"]] * 2
    assert names[2].startswith("swish-mlp-sgd-")


def test_a_seed_that_is_listed_twice_is_one_run(plan_of):
    assert len(plan_of("seed=1,1,2").specs) == 2


def test_several_values_of_a_key_that_no_training_depends_on_are_refused(plan_of):
    with pytest.raises(InputError, match="submission lists several values, but no training"):
        plan_of("submission=true,false")


@pytest.mark.parametrize("kind", ["run", "sweep"])
def test_two_starts_in_the_same_second_get_their_own_folders(kind, project):
    configuration.register()
    folders = []
    for _ in range(2):
        with initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
            config = compose("config", [*SMALL, "epochs=1"], return_hydra_config=True)
        config.hydra[kind].dir = "folder"
        folders.append(sweep._own_folder(config, kind))
        assert config.hydra[kind].dir == str(folders[-1])
    assert folders == [Path("folder"), Path("folder-2")]
    assert all(folder.is_dir() for folder in folders)

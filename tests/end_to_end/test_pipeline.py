import csv
import io
import json
import re
import shutil
import time
from pathlib import Path

import pytest
import yaml

from src.core import metric_names, paths
from src.tracking import fingerprint
from tests.support.commands import ROOT, git, make_project, run, runs

FOLDERS = ("data", "models", "predictions")
MINE = "_target_: keras.layers.Activation\nactivation: softsign\n"


def stages():
    return yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]


def outputs(stage):
    """Return the settings of each output, by its path."""
    entries = (*stage["outs"], *stage.get("metrics", []))
    return {path: settings for entry in entries for path, settings in entry.items()}


# dvc.yaml


def test_dvc_deletes_no_output_before_a_stage_has_written_another():
    settings = [one for stage in stages().values() for one in outputs(stage).values()]
    assert all(one["persist"] for one in settings)


def test_dvc_names_the_paths_that_the_code_uses():
    found = {name: {*map(Path, outputs(stage))} for name, stage in stages().items()}
    assert found["check"] == {paths.SOURCE}
    csvs = {paths.TRAIN_CSV, paths.TEST_CSV, paths.SAMPLE_SUBMISSION_CSV, paths.SOLUTION_CSV}
    assert found["fetch"] == csvs | {paths.PROVENANCE}
    arrays = {paths.TRAIN, paths.VALID, paths.TEST}
    assert found["preprocess"] == arrays | {paths.DATASET, paths.DATA_FIGURES}
    names = (paths.MODEL, paths.HISTORY, paths.METRICS, paths.TIMINGS, paths.ORIGIN)
    figures = (paths.MODELS / paths.CURVES).parent
    assert found["train"] == {figures, *(paths.MODELS / name for name in names)}
    assert paths.PREDICTIONS / paths.SUBMISSION in found["predict"]
    assert {path.parts[0] for path in found["predict"]} == {str(paths.PREDICTIONS)}


def test_a_stage_depends_on_the_outputs_of_those_before_it_or_on_files_of_the_project():
    earlier = set()
    for stage in stages().values():
        for path in stage.get("deps", []):
            data = path.split("/")[0] in FOLDERS
            assert path in earlier if data else (ROOT / path).exists(), path
        earlier |= outputs(stage).keys()


def test_stages_depend_on_the_code_that_the_digest_holds_or_that_draws_their_figures():
    assert str(fingerprint.CODE.relative_to(ROOT)) in stages()["train"]["deps"]
    for name in ("preprocess", "predict"):
        deps = set(stages()[name]["deps"])
        files = {"src/evaluation/figures.py", "src/evaluation/style.py"}
        assert "src/evaluation" in deps or files <= deps, name


def test_train_depends_on_every_parameter_but_those_of_the_stages_before():
    named = [name for name in stages()["train"]["params"] if isinstance(name, str)]
    every = yaml.safe_load((ROOT / "params.yaml").read_text())
    decide_nothing = {"checkpoints"}  # where the states of unfinished trainings are kept
    assert set(named) == set(every) - {"fetch", "preprocess"} - decide_nothing


# DVC


def dvc(project, *words):
    """Run a command of DVC; return its output."""
    done = run(project, "dvc", *words)
    printed = done.stdout + done.stderr
    assert done.returncode == 0, printed
    assert "Traceback" not in printed
    return done.stdout


def set_params(project, **values):
    params = yaml.safe_load((project / paths.PARAMS).read_text()) | values
    (project / paths.PARAMS).write_text(yaml.safe_dump(params, sort_keys=False))


def snapshot(source, target):
    """Copy a project, so that a test changes its own."""
    return shutil.copytree(source, target, dirs_exist_ok=True, symlinks=True)


def ran(printed):
    """Return the stages that DVC ran."""
    return re.findall(r"Running stage '(\w+)'", printed)


@pytest.fixture(scope="module")
def reproduced(small_mnist, tmp_path_factory):
    """A DVC project where `dvc repro` ran once and was committed."""
    project = make_project(tmp_path_factory.mktemp("dvc"), small_mnist, processed=False)
    dvc(project, "init", "-q")
    dvc(project, "config", "core.analytics", "false")
    shutil.copytree(ROOT / ".dvc" / "plots", project / ".dvc" / "plots", dirs_exist_ok=True)
    set_params(project, model="mlp", batch_size=4, epochs=1)
    mlp = project / "conf" / "model" / "mlp.yaml"
    mlp.write_text(mlp.read_text().replace("[512, 256]", "[16]"))
    printed = dvc(project, "repro")
    git(project, "add", "-A")
    git(project, "commit", "-q", "-m", "Reproduced")
    return project, printed


def test_dvc_repro_runs_every_stage_and_writes_a_scored_submission(reproduced):
    project, printed = reproduced
    assert ran(printed) == ["check", "fetch", "preprocess", "train", "predict"]
    assert len((project / paths.PREDICTIONS / paths.SUBMISSION).read_text().splitlines()) == 201
    scores = json.loads((project / paths.PREDICTIONS / paths.METRICS).read_text())
    assert 0 <= scores[metric_names.TEST_ACCURACY] <= 1
    [only] = runs(project)
    assert only.info.status == "FINISHED"
    assert only.data.metrics[metric_names.TEST_ACCURACY] == scores[metric_names.TEST_ACCURACY]


def test_dvc_repro_again_has_nothing_to_do(reproduced, tmp_path):
    project = snapshot(reproduced[0], tmp_path)
    model = project / paths.MODELS / paths.MODEL
    before = model.stat().st_mtime_ns
    assert ran(dvc(project, "repro")) == ["check"]
    assert model.stat().st_mtime_ns == before


def test_git_sees_nothing_of_the_results_but_dvcs_own_record(tmp_path):
    git(tmp_path, "init", "-q")
    shutil.copy(ROOT / ".gitignore", tmp_path)
    for name in ("dvc.lock", "models/metrics.json", "predictions/submission.csv", "data/raw/a.csv"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("1")
    # DVC refuses to work with a dvc.lock that git ignores.
    assert git(tmp_path, "status", "--short").split() == ["??", ".gitignore", "??", "dvc.lock"]


@pytest.mark.slow
def test_metrics_and_plots_show_the_outputs_of_the_stages(reproduced):
    project = reproduced[0]
    shown = json.loads(dvc(project, "metrics", "show", "--json"))[""]["data"]
    for folder in (paths.MODELS, paths.PREDICTIONS):
        name = str(folder / paths.METRICS)
        assert shown[name]["data"] == json.loads((project / name).read_text())
    page = dvc(project, "plots", "show", "--json")
    for title in ("Accuracy by epoch", "Loss by epoch", "Confusion of the held-out images"):
        assert title in page
    dvc(project, "plots", "show", "-o", "plots")
    assert "actual against predicted digit" in (project / "plots" / "index.html").read_text()
    shutil.rmtree(project / "plots")


def test_only_the_chosen_activations_file_makes_train_stale_and_params_diff_shows_it(
    reproduced, tmp_path
):
    project = snapshot(reproduced[0], tmp_path)
    activations = project / "conf" / "activation"
    (activations / "mine.yaml").write_text(MINE)
    assert json.loads(dvc(project, "status", "--json")) == {"check": ["always changed"]}
    (activations / "swish.yaml").write_text(MINE)
    assert "train" in json.loads(dvc(project, "status", "--json"))
    changes = json.loads(dvc(project, "params", "diff", "--json"))
    assert changes["conf/activation/swish.yaml"]["activation"]["new"] == "softsign"


def contents(project):
    """Return the outputs of all stages, by path."""
    found = (path for name in FOLDERS for path in (project / name).rglob("*"))
    return {path: path.read_bytes() for path in found if path.is_file()}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("activation=swishh", "Did you mean 'swish'?"),
        ("fetch.path=/nope", "fetch.path=/nope does not exist"),
        ("preprocess.valid_fraction=0.99", "preprocess.valid_fraction=0.99 is out of range"),
    ],
)
def test_a_mistake_in_an_experiment_costs_nothing(change, said, reproduced, tmp_path):
    project = snapshot(reproduced[0], tmp_path)
    before, recorded = contents(project), len(runs(project))
    done = run(project, "dvc", "exp", "run", "-S", change)
    assert done.returncode != 0
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert contents(project) == before
    assert len(runs(project)) == recorded
    git(project, "checkout", "params.yaml")
    assert ran(dvc(project, "repro")) == ["check"]
    assert contents(project) == before


@pytest.mark.slow
def test_a_change_below_fetch_path_runs_fetch_again(reproduced, small_mnist, tmp_path):
    project = snapshot(reproduced[0], tmp_path / "project")
    given = snapshot(small_mnist, tmp_path / "given")
    params = yaml.safe_load((project / paths.PARAMS).read_text())
    set_params(project, fetch={**params["fetch"], "path": str(given)})
    dvc(project, "repro")
    before = contents(project)
    good = (given / "train.csv").read_text()
    (given / "train.csv").write_text(good.replace("\n5,", "\n77,", 1))
    done = run(project, "dvc", "repro")
    assert done.returncode != 0
    assert f"{given / 'train.csv'}, column label, data row 1: found '77'" in done.stderr
    source = project / paths.SOURCE  # the stage before that which failed wrote it anew
    assert contents(project) == before | {source: source.read_bytes()}
    (given / "train.csv").write_text("".join(good.splitlines(keepends=True)[:-1]))  # an image less
    said = dvc(project, "repro", "preprocess")
    assert "data/raw: 599 labelled images" in said
    assert ran(said) == ["check", "fetch", "preprocess"]


@pytest.mark.slow
def test_an_experiment_reruns_train_and_predict_and_shows_beside_the_others(reproduced, tmp_path):
    project = snapshot(reproduced[0], tmp_path)
    printed = dvc(project, "exp", "run", "-S", "activation=relu", "-n", "relu")
    assert ran(printed) == ["check", "train", "predict"]
    assert [one.data.tags["activation"] for one in runs(project)] == ["swish", "relu"]
    rows = list(csv.DictReader(io.StringIO(dvc(project, "exp", "show", "--csv"))))
    [row] = (row for row in rows if row["Experiment"] == "relu")
    scores = json.loads((project / paths.PREDICTIONS / paths.METRICS).read_text())
    assert row["params.yaml:activation"] == "relu"  # conf/activation/relu.yaml has one too
    [shown] = (row[name] for name in row if name.split(":")[-1] == metric_names.TEST_ACCURACY)
    assert float(shown) == pytest.approx(scores[metric_names.TEST_ACCURACY], abs=1e-6)
    changed = json.loads(dvc(project, "metrics", "diff", "--json"))
    assert metric_names.BEST_VAL_LOSS in changed["models/metrics.json"]
    changes = json.loads(dvc(project, "params", "diff", "--json"))
    assert changes["params.yaml"]["activation"] == {"old": "swish", "new": "relu"}
    assert "Accuracy by epoch" in dvc(project, "plots", "diff", "--json")


@pytest.mark.slow
def test_a_queued_experiment_records_its_run_in_the_real_repository(reproduced, tmp_path):
    project = snapshot(reproduced[0], tmp_path)
    dvc(project, "exp", "run", "--queue", "-S", "activation=relu", "-S", "seed=5")
    dvc(project, "queue", "start", "-j", "1")
    for _ in range(300):  # the store is quicker to ask than DVC
        if sum(metric_names.TEST_ACCURACY in one.data.metrics for one in runs(project)) == 2:
            break
        time.sleep(1)
    while "Running" in (status := dvc(project, "queue", "status")):
        time.sleep(1)
    assert status.count("Success") == 1, status
    queued = runs(project)[-1]
    assert (queued.data.tags["activation"], queued.data.params["seed"]) == ("relu", "5")
    assert metric_names.TEST_ACCURACY in queued.data.metrics
    folder = Path(queued.info.artifact_uri.removeprefix("file://"))
    assert (folder / "submission.csv").is_file()

import hashlib
import json
import re
from dataclasses import asdict
from statistics import mean, stdev

import pytest
import yaml

from src import study
from src.config import schema, study_file
from src.core import metric_names, paths
from src.core.errors import InputError
from src.data.dataset import Dataset
from src.experiments import executors, table
from tests.support import broken_activation, recipes
from tests.support.commands import SMALL, Starts, files, git, make_project, run, runs, sentence
from tests.support.refusal import refusal

EPOCHS = 3
STUDY = recipes.STUDY | {"overrides": [*SMALL, f"epochs={EPOCHS}"], "workers": 2}

# Printed if a run has two epochs before any ends.
ESTIMATE = re.compile(r"\d+ left, about .+ by the first epochs")

RATES = STUDY | {
    "factor": "optimizer.learning_rate",
    "levels": [0.001, 0.01],
    "reference": 0.01,
    "seeds": [1, 2],
    "smallest_effect": 0.01,
    "because": "It is enough here.",
    "vary": ["seed", "split"],
}


def write(project, name="mine", study=STUDY, **changes):
    (project / "conf" / "study" / f"{name}.yaml").write_text(yaml.safe_dump(study | changes))


def parent_and_children(recorded):
    """Return the study's run, and its children by their names."""
    [parent] = (one for one in recorded if "mlflow.parentRunId" not in one.data.tags)
    children = {one.info.run_name: one for one in recorded if one is not parent}
    assert len(children) == len(recorded) - 1
    tags = [one.data.tags["mlflow.parentRunId"] for one in children.values()]
    assert {*tags} <= {parent.info.run_id}
    return parent, children


# Mistakes


@pytest.fixture(scope="module")
def refusing(small_mnist, tmp_path_factory):
    """A project in which no study can run."""
    project = make_project(tmp_path_factory.mktemp("refusing"), small_mnist)
    write(project, "typo", levels=["relu", "swihs"])
    write(project, "elsewhere", dataset="fashion_mnist-kaggle")
    write(project, "factor", RATES, factor="optimizer.learning_rat")
    write(project, "looks", seeds={"until": "decided", "looks": [5, 6]})
    write(project, "drawn", vary=["seed", "data"])
    write(project, "kind", RATES, levels=["slow", "fast"], reference="slow")
    return project


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("tpyo", "There is no study 'tpyo'.*'typo'"),
        ("typo", "activation=swihs is unknown.*'swish'"),
        ("elsewhere", "fashion_mnist-kaggle, but .* files-any"),
        ("factor", "factor is optimizer.learning_rat, .*'optimizer.learning_rate'"),
        ("kind", "learning_rate=slow is a text, .* a number"),
    ],
)
def test_a_mistake_is_one_sentence_without_heavy_imports_and_leaves_no_file(
    refusing, no_heavy_imports, name, said
):
    before = files(refusing)
    done = run(refusing, "src.study", name, PYTHONPATH=no_heavy_imports)
    assert done.returncode == 1
    assert re.search(said, sentence(done)), done.stderr
    assert done.stdout == ""
    assert files(refusing) == before


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("looks", "its seeds go on until the held-out images decide, but .*: list the seeds"),
        ("drawn", "its vary has data, which draws from all images, but .*: delete data there"),
    ],
)
def test_a_study_that_needs_unknown_held_out_labels_is_refused(refusing, monkeypatch, name, said):
    monkeypatch.chdir(refusing)
    monkeypatch.setattr(study_file, "STUDIES", refusing / "conf" / "study")
    monkeypatch.setattr(study.held_out_labels, "read", lambda images: None)
    with pytest.raises(InputError, match=f"^conf/study/{name}.yaml: {said}"):
        study.main([name])


@pytest.mark.slow
def test_an_activation_that_cannot_be_built_is_refused_before_anything_is_made(
    small_mnist, tmp_path
):
    project = make_project(tmp_path, small_mnist)
    (project / "conf" / "activation" / "mine.yaml").write_text("_target_: keras.layers.Reluu")
    write(project, levels=["relu", "mine"])
    before = files(project)
    said = sentence(run(project, "src.study", "mine"))
    assert re.search("conf/activation/mine.yaml cannot be built .*Reluu", said)
    made = {path for path in files(project) - before if not path.startswith("mlflow.db")}
    assert made == {"checkpoints", "checkpoints/study-mine.lock"}
    assert runs(project) == []


@pytest.mark.parametrize(("drawn", "holds"), [(42, "fetch.seed=42"), (None, "no recorded seed")])
def test_another_draw_than_the_studys_is_refused(project, monkeypatch, drawn, holds):
    monkeypatch.setattr(study_file, "STUDIES", project)
    changes = {"dataset": "mnist-kaggle", "fetch_seed": 7}
    (project / "mine.yaml").write_text(yaml.safe_dump(STUDY | changes))
    paths.PROCESSED.mkdir(parents=True)
    counts = {"train": 1, "valid": 1, "test": 1}
    data = Dataset("mnist-kaggle", "0f" * 32, counts, drawn)
    paths.DATASET.write_text(json.dumps(asdict(data)))
    said = refusal(study.main, ["mine"], unchanged=project)
    assert re.search(f"fetch_seed=7, .* mnist-kaggle .*{holds}: set fetch.seed: 7 in params", said)


def test_help_lists_the_studies(capsys):
    with pytest.raises(SystemExit):
        study.main(["--help"])
    assert ", ".join(study_file.names()) in " ".join(capsys.readouterr().out.split())


# A study, started again and again


@pytest.fixture(scope="module")
def starts(small_mnist, tmp_path_factory):
    """A study with an activation that fails in training, then with it fixed and a seed more, then
    once more.
    """
    project = make_project(tmp_path_factory.mktemp("study"), small_mnist)
    mine = project / "conf" / "activation" / "mine.yaml"
    light = tmp_path_factory.mktemp("light")
    (light / "tensorflow.py").write_text("raise RuntimeError('tensorflow was imported')")
    starts = Starts(project, ("src.study", "mine"))
    activations = ["relu", "swish", "mine"]
    broken_activation.add(project)
    mine.write_text(f"_target_: {broken_activation.TARGET}")
    write(project, levels=activations)
    starts.start("failed")
    mine.write_text("_target_: src.training.activations.ESwish\nbeta: 3.0")
    write(project, levels=activations, workers=1, seeds=[1, 2])
    starts.start("grown")
    starts.start("again", PYTHONPATH=str(light))
    return starts


@pytest.mark.slow
def test_a_failed_run_is_reported_and_costs_the_others_nothing(starts):
    done = starts.done["failed"]
    assert done.returncode == 1
    failure, *_, last = done.stderr.splitlines()
    assert failure.startswith("Error in run mine-seed1: ")
    assert broken_activation.REASON in done.stderr
    assert last.startswith("Error: 1 of 3 runs did not finish (mine-seed1): fix the causes above")
    assert "python -m src.report" not in done.stdout
    parent, children = parent_and_children(starts.recorded["failed"])
    assert parent.info.status == "FAILED"
    assert {name for name, one in children.items() if one.info.status == "FAILED"} == {"mine-seed1"}


@pytest.mark.slow
def test_a_failed_run_is_tried_again_and_a_new_seed_trains_only_its_own_runs(starts):
    done = starts.done["grown"]
    assert (done.returncode, done.stderr) == (0, "")
    parent, children = parent_and_children(starts.recorded["grown"])
    assert {one.info.status for one in starts.recorded["grown"]} == {"FINISHED"}
    same, before = parent_and_children(starts.recorded["failed"])
    assert parent.info.run_id == same.info.run_id
    for name in ("relu-seed1", "swish-seed1"):
        assert children[name].info.run_id == before[name].info.run_id
        assert children[name].info.end_time == before[name].info.end_time
    printed = [line for line in done.stdout.splitlines() if not ESTIMATE.fullmatch(line)]
    first, where, *lines = printed[:6]
    assert first == "Study mine: 3 activations × 2 seeds = 6 runs · 2 done · 4 left"
    assert where.endswith(executors.LOG)
    made = [re.fullmatch(r"(\d)/6 done · (\S+) · held-out accuracy (\S+) · .*", s) for s in lines]
    assert [int(line[1]) for line in made] == [3, 4, 5, 6]
    assert [line[2] for line in made] == ["mine-seed1", "swish-seed2", "mine-seed2", "relu-seed2"]
    for line in made:
        score = children[line[2]].data.metrics[metric_names.TEST_ACCURACY]
        assert line[3] == f"{score:.4f}"
    assert re.search(r" · 1 left, about \d+ s$", lines[2])
    assert " left" not in lines[3]
    assert len(children) == 6


@pytest.mark.slow
def test_a_finished_study_trains_nothing_and_shows_its_table_without_tensorflow(starts):
    done = starts.done["again"]
    assert (done.returncode, done.stderr) == (0, "")
    assert "6 done · 0 left" in done.stdout
    assert "Mean ± standard deviation over the seeds" in done.stdout
    assert "python -m src.report mine" in done.stdout
    assert starts.ends("again") == starts.ends("grown")


@pytest.mark.slow
def test_the_parent_run_reads_well(starts):
    parent, children = parent_and_children(starts.recorded["grown"])
    assert parent.info.run_name == "study mine"
    tags = parent.data.tags
    activations = "relu", "swish", "mine"
    assert (
        tags.items()
        >= {
            "study": "mine",
            "factor": "activation",
            "levels": json.dumps({one: [f"activation={one}"] for one in activations}),
            "seeds": "1 2",
            "reference": "relu",
            "compare": "reference",
            "smallest_effect": "0.0002",
            "vary": '["seed"]',
            "question": "Whether a study works.",
        }.items()
    )
    assert not {"looks", "tune", "because"} & set(tags)
    # The file of the first start, which was never committed, with one seed less.
    first = yaml.safe_dump(STUDY | {"levels": list(activations)}).encode()
    assert tags["registered.sha256"] == hashlib.sha256(first).hexdigest()
    assert tags["registered.git_commit"] == git(starts.project, "rev-parse", "HEAD")
    assert (tags["registered.git_dirty"], tags["registered.levels"]) == ("true", tags["levels"])
    assert "registered.looks" not in tags
    assert tags["command"].endswith("src.study mine")
    assert tags["mlflow.note.content"].startswith("Whether a study works. [Its runs](#/")
    for one in activations:
        pair = children[f"{one}-seed1"], children[f"{one}-seed2"]
        scores = [child.data.metrics[metric_names.TEST_ACCURACY] for child in pair]
        assert parent.data.metrics[metric_names.STUDY_ACCURACY + one] == mean(scores)
        assert parent.data.metrics[metric_names.STUDY_ACCURACY_SD + one] == stdev(scores)
        row = f"| `{one}` | 1–2 | {mean(scores):.4f} ± {stdev(scores):.4f} |"
        assert row in tags["mlflow.note.content"].replace(table.SPACE, "")


@pytest.mark.slow
def test_the_output_of_a_run_is_in_a_file_of_its_folder(starts):
    lines = starts.done["grown"].stdout.split("Mean ±")[0].splitlines()
    assert not [line for line in lines if "epoch" in line and not ESTIMATE.fullmatch(line)]
    [log] = starts.project.glob(f"multirun/*/*/*mine-seed2/{executors.LOG}")
    assert f"mine-seed2 · epoch {EPOCHS}/{EPOCHS}" in log.read_text()


# A study of another factor, whose split varies with the seed


@pytest.fixture(scope="module")
def rates(small_mnist, tmp_path_factory):
    """A study of the learning rate."""
    project = make_project(tmp_path_factory.mktemp("rates"), small_mnist)
    write(project, "rates", RATES)
    return project, run(project, "src.study", "rates")


@pytest.mark.slow
def test_a_study_can_be_of_any_factor(rates):
    project, done = rates
    assert (done.returncode, done.stderr) == (0, "")
    assert "Study rates: 2 learning rates × 2 seeds = 4 runs" in done.stdout
    parent, children = parent_and_children(runs(project))
    assert set(children) == {f"{rate}-seed{seed}" for rate in ("0.001", "0.01") for seed in (1, 2)}
    assert {one.info.status for one in (parent, *children.values())} == {"FINISHED"}
    assert "learning rate" in done.stdout.split("Mean ± standard deviation over the seeds")[1]
    tags, key = parent.data.tags, "optimizer.learning_rate"
    assert (tags["factor"], tags["reference"]) == (key, "0.01")
    assert json.loads(tags["levels"]) == {rate: [f"{key}={rate}"] for rate in ("0.001", "0.01")}
    for name, one in children.items():
        tags = one.data.tags
        assert (tags["study"], tags["variant"]) == ("rates", name.partition("-")[0])
        assert one.data.params[key] == tags["variant"]
        chosen = ["swish", "mlp", "adamw", "one_cycle", "elastic", "default"]
        assert [tags[group] for group in schema.CHOICES] == chosen


@pytest.mark.slow
def test_a_split_that_varies_is_alike_for_the_levels_and_another_for_each_seed(rates):
    _, children = parent_and_children(runs(rates[0]))
    digests = {name: one.data.tags["data_digest"] for name, one in children.items()}
    assert digests["0.001-seed1"] == digests["0.01-seed1"]
    assert digests["0.001-seed2"] == digests["0.01-seed2"]
    assert len(set(digests.values())) == 2
    assert {one.data.params["split_seed"] for one in children.values()} == {"1", "2"}


# A study with planned looks


@pytest.mark.slow
def test_a_planned_study_is_looked_at_and_ends_where_it_is_decided(small_mnist, tmp_path):
    project = make_project(tmp_path, small_mnist)
    plan = {"until": "decided", "looks": [5, 6, 7]}
    quick = ["model=mlp", "model.units=[16]", "batch_size=64", "epochs=1"]
    write(project, "plan", RATES, seeds=plan, vary=["seed"], overrides=quick)
    done = run(project, "src.study", "plan")
    assert (done.returncode, done.stderr) == (0, "")
    assert "7 seeds = 14 runs, with a look after 5, 6 and 7 seeds" in done.stdout
    looks = re.findall(r"^Look (\d) of 3, after (\d) seeds: .* · (.*)$", done.stdout, re.M)
    assert [int(number) for number, _, _ in looks] == list(range(1, len(looks) + 1))
    assert all(ending.startswith("continuing to") for _, _, ending in looks[:-1])
    assert "the study ends" in looks[-1][2]
    seeds = int(looks[-1][1])
    parent, children = parent_and_children(runs(project))
    assert len(children) == 2 * seeds
    assert parent.data.tags["looks"] == "[5, 6, 7]"
    again = run(project, "src.study", "plan")
    assert re.findall("^Look.*", again.stdout, re.M) == re.findall("^Look.*", done.stdout, re.M)
    assert len(runs(project)) == 1 + 2 * seeds

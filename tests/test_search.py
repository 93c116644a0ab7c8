import json
import re

import pytest
import yaml

from src import search
from src.config import search_file
from src.core import metric_names
from src.experiments import table
from tests.support import broken_activation, recipes
from tests.support.commands import (
    Starts,
    artifacts,
    files,
    make_project,
    run,
    runs,
    sentence,
    store,
)

EPOCHS = 3
SEARCH = recipes.SEARCH | {
    "space": {
        "optimizer.learning_rate": {"log_uniform": [0.0001, 0.1]},
        "model.units": {"choices": [[8], [16]]},
    },
    "trials": 5,
    "pruner": "none",
    "overrides": ["model=mlp", "batch_size=4", f"epochs={EPOCHS}"],
    "workers": 2,
}


def write(project, name="mine", **changes):
    text = yaml.safe_dump(SEARCH | changes, sort_keys=False)
    (project / "conf" / "search" / f"{name}.yaml").write_text(text)


def parent_and_trials(recorded):
    """Return a search's run, and its trials' by their numbers."""
    [parent] = (one for one in recorded if "search_definition" in one.data.tags)
    trials = {int(one.data.tags["trial"]): one for one in recorded if "trial" in one.data.tags}
    assert {one.data.tags["mlflow.parentRunId"] for one in trials.values()} <= {parent.info.run_id}
    return parent, trials


def drawn(parent):
    """Return what was drawn for each trial, by its number."""
    return {
        int(key.removeprefix("trial.")): json.loads(value)
        for key, value in parent.data.tags.items()
        if key.startswith("trial.")
    }


# Mistakes


@pytest.fixture(scope="module")
def refusing(small_mnist, tmp_path_factory):
    """A project in which no search can run."""
    project = make_project(tmp_path_factory.mktemp("refusing"), small_mnist)
    write(project, "typo", space={"optimizer.learning_rat": {"uniform": [0.1, 0.2]}})
    write(project, "elsewhere", dataset="fashion_mnist-kaggle")
    write(project, "default")
    write(project, "mine", experiment="mine")
    return project


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("tpyo", "There is no search 'tpyo'.*'typo'"),
        ("typo", "conf/search/typo.yaml: space: optimizer.learning_rat is unknown.*learning_rate"),
        ("elsewhere", "fashion_mnist-kaggle, but .* files-any"),
        ("default", "conf/experiment/default.yaml exists, and this search did not write it"),
        ("mine", "experiment is mine, the very file that the search writes"),
    ],
)
def test_a_mistake_is_one_sentence_without_heavy_imports_and_leaves_no_file(
    refusing, no_heavy_imports, name, said
):
    before = files(refusing)
    done = run(refusing, "src.search", name, PYTHONPATH=no_heavy_imports)
    assert done.returncode == 1
    assert re.search(said, sentence(done)), done.stderr
    assert done.stdout == ""
    assert files(refusing) == before


def test_help_lists_the_searches(capsys):
    with pytest.raises(SystemExit):
        search.main(["--help"])
    assert ", ".join(search_file.names()) in capsys.readouterr().out


# A search that grows, and is started once more


@pytest.fixture(scope="module")
def starts(small_mnist, tmp_path_factory):
    project = make_project(tmp_path_factory.mktemp("search"), small_mnist)
    light = tmp_path_factory.mktemp("light")
    (light / "tensorflow.py").write_text("raise RuntimeError('tensorflow was imported')")
    starts = Starts(project, ("src.search", "mine"))
    write(project)
    starts.start("first")
    write(project, trials=6, workers=1)
    starts.start("grown")
    for name, more in (("again", {}), ("other", {"seed": 9})):
        write(project, trials=6, **more)
        starts.start(name, PYTHONPATH=str(light))
    return starts


@pytest.mark.slow
def test_each_trial_is_its_own_run_trained_as_drawn_without_the_held_out_images(starts):
    done = starts.done["first"]
    assert (done.returncode, done.stderr) == (0, "")
    parent, trials = parent_and_trials(starts.recorded["first"])
    assert sorted(trials) == [0, 1, 2, 3, 4]
    assert len({str(params) for params in drawn(parent).values()}) == 5
    client = store(starts.project)
    for number, one in trials.items():
        assert (one.info.status, one.info.run_name) == ("FINISHED", f"trial {number}")
        params, logged = drawn(parent)[number], one.data.params
        assert float(logged["optimizer.learning_rate"]) == params["optimizer.learning_rate"]
        assert json.loads(logged["model.units"]) == params["model.units"]
        history = client.get_metric_history(one.info.run_id, metric_names.VAL_ACCURACY)
        assert [point.step for point in history] == list(range(1, EPOCHS + 1))
        assert not [name for name in one.data.metrics if name.startswith("test")]
    assert not list((starts.project / "checkpoints").glob("*/state"))


@pytest.mark.slow
def test_the_number_of_trials_is_the_total_so_that_a_larger_one_adds_only_new_ones(starts):
    done = starts.done["grown"]
    assert (done.returncode, done.stderr) == (0, "")
    assert "6 trials · 5 done · 1 left" in done.stdout
    _, before = parent_and_trials(starts.recorded["first"])
    _, after = parent_and_trials(starts.recorded["grown"])
    assert sorted(after) == list(range(6))
    for number, one in before.items():
        assert after[number].info.end_time == one.info.end_time


@pytest.mark.slow
def test_a_line_for_each_trial_shows_the_best_so_far(starts):
    [line] = re.findall(r"^6/6 done .*", starts.done["grown"].stdout, re.M)
    assert re.search(r"trial 5 · learning_rate=\S+ units=\S+ · validation accuracy 0\.\d{4}", line)
    assert re.search(r"best 0\.\d{4} \(trial \d\)|the best so far", line)
    assert re.search(r"^\d/5 done .* left, about .*", starts.done["first"].stdout, re.M)


@pytest.mark.slow
def test_a_finished_search_trains_nothing_and_needs_no_tensorflow(starts):
    done = starts.done["again"]
    assert (done.returncode, done.stderr) == (0, "")
    assert "6 done · 0 left" in done.stdout
    assert starts.ends("again") == starts.ends("grown")


@pytest.mark.slow
def test_a_store_that_holds_another_search_of_that_name_is_left_as_it_is(starts):
    said = sentence(starts.done["other"])
    assert "holds another search mine, with another recipe, data or code and seed" in said
    assert "--anew" in said
    assert len(starts.recorded["other"]) == len(starts.recorded["again"])


@pytest.mark.slow
def test_it_leaves_a_recipe_figures_and_a_parent_run_that_reads_well(starts):
    project = starts.project
    parent, trials = parent_and_trials(starts.recorded["again"])
    scores = {n: one.data.metrics["best_val_accuracy"] for n, one in trials.items()}
    best = int(parent.data.tags["best_trial"])
    assert scores[best] == max(scores.values()) == parent.data.metrics["best_val_accuracy"]
    recipe = yaml.safe_load((project / "conf" / "experiment" / "mine.yaml").read_text())
    assert recipe["optimizer"]["learning_rate"] == drawn(parent)[best]["optimizer.learning_rate"]
    assert recipe["epochs"] == EPOCHS
    names = {"history.png", "importances.png", "slices.png"}
    folder = project / "reports" / "search-mine"
    assert {path.name for path in folder.iterdir()} == names | {"trials.csv"}
    assert {f"figures/{name}" for name in names} <= artifacts(project, parent.info.run_id)
    assert (parent.info.status, parent.info.run_name) == ("FINISHED", "search mine")
    note = parent.data.tags["mlflow.note.content"]
    assert note.startswith("Whether a search works.")
    assert f"| `{best}`{table.SPACE} |" in note


# Pruning and failures


@pytest.fixture(scope="module")
def rough(small_mnist, tmp_path_factory):
    """A search whose trials may fail or be pruned, and what it printed."""
    project = make_project(tmp_path_factory.mktemp("rough"), small_mnist)
    broken_activation.add(project)
    write(
        project,
        space={
            "optimizer.learning_rate": {"log_uniform": [0.0000001, 0.1]},
            "activation": {"choices": ["relu", "swish", "broken"]},
        },
        trials=8,
        sampler="random",
        pruner="median",
        overrides=["model=mlp", "model.units=[8]", "batch_size=4", "epochs=4"],
        seed=61,  # draws the broken one twice, and three low rates after four high ones
    )
    return project, run(project, "src.search", "mine"), runs(project)


@pytest.mark.slow
def test_a_pruned_trial_is_marked_and_ends_well_after_fewer_epochs(rough):
    project, done, recorded = rough
    parent, trials = parent_and_trials(recorded)
    pruned = [one for one in trials.values() if "pruned" in one.data.tags]
    assert pruned
    assert parent.data.tags["best_trial"] not in [one.data.tags["trial"] for one in pruned]
    for one in pruned:
        assert one.info.status == "FINISHED"
        history = store(project).get_metric_history(one.info.run_id, metric_names.VAL_ACCURACY)
        assert len(history) == int(one.data.tags["pruned"]) < 4
    assert "pruned after epoch" in done.stdout


@pytest.mark.slow
def test_a_failed_trial_is_reported_and_replaced_by_another(rough):
    _, done, recorded = rough
    assert done.returncode == 0, done.stderr
    _, trials = parent_and_trials(recorded)
    states = [one.info.status for one in trials.values()]
    assert states.count("FINISHED") == 8
    errors = re.findall(r"^Error in trial \d+ of the search mine: ", done.stderr, re.M)
    assert len(errors) == states.count("FAILED") > 0

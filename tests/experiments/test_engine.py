"""The engine with plans of every kind, whose runs nobody trains."""

import errno
from dataclasses import replace
from datetime import datetime

import pytest
import yaml
from mlflow import MlflowClient

from src.config import search_file, study_file
from src.core import process
from src.core.errors import InputError
from src.experiments import engine, grid, registration
from src.experiments.executors import WorkerLostError
from src.experiments.grid import Decision
from src.experiments.search import SearchPlan, Space, base
from src.tracking import lease, run_tags, store
from tests.support import recipes
from tests.support.recipes import DATA, TINY
from tests.support.simulated_executor import Simulated

STUDY = recipes.STUDY | {"overrides": ["model=mlp", "model.units=[16]"]}
SEARCH = recipes.SEARCH | {
    "space": {"optimizer.learning_rate": {"log_uniform": [0.001, 0.1]}},
    "trials": 3,
    "overrides": list(TINY),
}
pytestmark = pytest.mark.usefixtures("tracked")


@pytest.fixture
def study(tracked, monkeypatch):
    """Return the plan of a study with changed values."""
    (tracked / "study").mkdir()
    monkeypatch.setattr(study_file, "STUDIES", tracked / "study")

    def plan(name="mine", decide=None, **changes):
        (tracked / "study" / f"{name}.yaml").write_text(yaml.safe_dump(STUDY))
        changed = replace(study_file.load(name), **changes)
        registered = registration.of_file(name)
        return grid.study_plan(name, changed, DATA, decide, registered=registered)

    return plan


@pytest.fixture
def search(tracked, monkeypatch):
    """Return the plan of a search with changed values."""
    (tracked / "search").mkdir()
    monkeypatch.setattr(search_file, "SEARCHES", tracked / "search")

    def plan(level=None, anew=False, for_seed=None, **changes):
        (tracked / "search" / "mine.yaml").write_text(yaml.safe_dump(SEARCH | changes))
        found = search_file.load("mine")
        space = Space(found, base(found))
        return SearchPlan("mine", found, space, DATA, level, anew, for_seed)

    return plan


def trained(plan, **how):
    """Return the names of the runs that a start trains, and the id of the parent run."""
    executor = Simulated(**how)
    try:
        engine.run(plan, executor)
    except InputError as error:
        if "did not finish" not in str(error):
            raise
    return executor.trained, plan_parent(plan)


def plan_parent(plan):
    """Return the id of a plan's parent run."""
    return (plan.record if plan.kind == "search" else plan).parent.run_id


def statuses(parent_id):
    """Return the status of each child by its name."""
    client, experiment = store.connect("digits")
    wanted = f"tags.mlflow.parentRunId = '{parent_id}'"
    return {run.info.run_name: run.info.status for run in client.search_runs([experiment], wanted)}


def of(*activations):
    return {one: (f"activation={one}",) for one in activations}


def test_each_run_has_a_line_and_a_complete_plan_trains_nothing_and_keeps_its_end(study, capsys):
    names, parent_id = trained(study())
    assert names == ["relu-seed1", "swish-seed1"]
    said = capsys.readouterr().out
    assert "Logs: multirun/" in said
    expected = "1/2 done · relu-seed1 · held-out accuracy 0.9900 · 1 min 00 s"
    assert f"{expected} · 1 left, about 1 min 00 s" in said
    assert "2/2 done · swish-seed1" in said
    before = MlflowClient().get_run(parent_id).info
    assert trained(study()) == ([], parent_id)
    assert MlflowClient().get_run(parent_id).info.end_time == before.end_time


def test_a_study_that_grows_or_shrinks_trains_only_its_new_runs(study, capsys):
    _, parent_id = trained(study())
    grown = study(seeds=(2, 1), levels=of("gelu", "relu"))
    assert trained(grown) == (["gelu-seed2", "relu-seed2", "gelu-seed1"], parent_id)
    assert "4 runs, and 1 that it no longer lists · 1 done · 3 left" in capsys.readouterr().out
    assert trained(study(seeds=(2,), levels=of("gelu", "relu"))) == ([], parent_id)


def test_another_recipe_or_other_data_starts_the_study_anew(study, capsys):
    _, parent_id = trained(study())
    for other in (
        study(overrides=("model=mlp", "label_smoothing=0.2")),
        study(seeds=(2,), overrides=("model=mlp",)),  # none of its runs is listed any more
    ):
        assert trained(other)[1] != parent_id
        assert "with other settings, data or code" in capsys.readouterr().out
    assert trained(study()) == ([], parent_id)  # it is still the parent of its own runs


def test_a_level_whose_meaning_changed_starts_the_study_anew(study):
    smooth = {"relu": ("activation=relu",), "smooth": ("label_smoothing=0.3",)}
    _, parent_id = trained(study(levels=smooth))
    assert trained(study(levels=of("relu", "gelu")))[1] == parent_id
    assert trained(study(levels={**smooth, "smooth": ("label_smoothing=0.4",)}))[1] != parent_id


def test_a_renamed_level_keeps_its_runs_which_get_its_tags(study):
    _, parent_id = trained(study(levels=of("relu"), reference="relu"))
    renamed = study(levels={"ReLU": ("activation=relu",)}, reference="ReLU")
    assert trained(renamed) == ([], parent_id)
    assert list(renamed.runs_by_level()) == ["ReLU"]
    client, experiment = store.connect("digits")
    [child] = client.search_runs([experiment], f"tags.mlflow.parentRunId = '{parent_id}'")
    assert child.data.tags["variant"] == "ReLU"


def test_each_study_has_its_own_parent_and_a_deleted_one_is_not_used(study):
    _, parent_id = trained(study())
    assert trained(study("other"))[1] != parent_id
    MlflowClient().delete_run(parent_id)
    assert trained(study())[1] != parent_id


def test_a_failed_run_is_reported_and_repeated_and_its_failure_deleted(study, capsys):
    plan = study()
    names, parent_id = trained(plan, errors={"relu-seed1": InputError("as it must.")})
    assert (names, plan.unfinished()) == (["relu-seed1", "swish-seed1"], ["relu-seed1"])
    assert capsys.readouterr().err == "Error in run relu-seed1: as it must.\n"
    with pytest.raises(InputError, match=r"^1 of 2 runs did not finish \(relu-seed1\): fix"):
        engine.run(study(), Simulated(errors={"relu-seed1": InputError("as it must.")}))
    assert statuses(parent_id) == {"relu-seed1": "FAILED", "swish-seed1": "FINISHED"}
    assert MlflowClient().get_run(parent_id).info.status == "FAILED"
    assert trained(study()) == (["relu-seed1"], parent_id)
    assert statuses(parent_id) == {"relu-seed1": "FINISHED", "swish-seed1": "FINISHED"}
    assert MlflowClient().get_run(parent_id).info.status == "FINISHED"


def test_an_interrupted_start_is_killed_and_the_next_trains_the_rest(study):
    with pytest.raises(KeyboardInterrupt, match="the same command resumes"):
        trained(study(), most=1)
    client, experiment = store.connect("digits")
    [parent] = client.search_runs([experiment], "tags.factor LIKE '%'")
    assert parent.info.status == "KILLED"
    assert trained(study()) == (["swish-seed1"], parent.info.run_id)


def test_a_process_on_another_machine_is_respected_until_it_is_silent(study):
    _, parent_id = trained(study())
    client = MlflowClient()
    client.update_run(parent_id, status="RUNNING")
    client.set_tag(parent_id, lease.OWNER, f"1-1-not-{process.identity()}")
    client.set_tag(parent_id, lease.HEARTBEAT, "9" * 10)
    with pytest.raises(InputError, match="study mine is running in another process"):
        trained(study())
    client.set_tag(parent_id, lease.HEARTBEAT, "1")
    assert trained(study()) == ([], parent_id)


def test_the_parent_records_what_the_study_is_and_its_means(study):
    labels = {"a/b c": ("epochs=1",), "[d|e]": ("epochs=2",)}
    names, parent_id = trained(study(levels=labels, seeds=(1, 2), reference="a/b c"))
    assert names == ["a/b c-seed1", "[d|e]-seed1", "[d|e]-seed2", "a/b c-seed2"]
    parent = MlflowClient().get_run(parent_id)
    assert {"accuracy/a/b c", "accuracy/_d_e_", "epoch_seconds/a/b c"} <= set(parent.data.metrics)
    tags = parent.data.tags
    assert "`[d\\|e]`" in tags["mlflow.note.content"]
    assert (tags["reference"], tags["seeds"], tags["first_seeds"]) == ("a/b c", "1 2", "2")
    assert tags["study"] == "mine"


def registered_in(parent_id):
    tags = MlflowClient().get_run(parent_id).data.tags
    return {key: value for key, value in tags.items() if key.startswith(run_tags.REGISTERED)}


def test_a_study_stays_registered_as_it_was_before_its_first_run(study, monkeypatch):
    _, parent_id = trained(study(looks=(1,)))
    first = registered_in(parent_id)
    parent = MlflowClient().get_run(parent_id)
    judged = {f"registered.{key}": parent.data.tags[key] for key in run_tags.JUDGED}
    assert first.items() >= judged.items()
    began = datetime.fromisoformat(first["registered.time"]).timestamp()
    assert began <= parent.info.start_time / 1000
    monkeypatch.setitem(STUDY, "workers", 3)  # another file
    changes = {"question": "Why?", "smallest_effect": 0.1, "reference": "swish", "compare": "all"}
    levels = of("relu", "swish", "gelu")
    _, again = trained(study(levels=levels, seeds=(1, 2), looks=(1, 2), **changes))
    assert (again, registered_in(parent_id)) == (parent_id, first)
    tags = MlflowClient().get_run(parent_id).data.tags
    assert all(tags[key] != first[f"registered.{key}"] for key in run_tags.JUDGED)


def test_a_study_that_starts_anew_is_registered_anew_and_names_its_earlier_runs(study):
    _, earlier = trained(study())
    _, parent_id = trained(study(overrides=("model=mlp", "label_smoothing=0.2")))
    assert "registered.earlier_run" not in registered_in(earlier)
    assert registered_in(parent_id)["registered.earlier_run"] == earlier


def test_only_levels_with_missing_runs_are_built_first(study):
    trained(study(levels=of("relu")))
    executor = Simulated()
    engine.run(study(seeds=(1, 2), levels=of("relu", "swish")), executor)
    assert executor.checked == ["swish-seed2", "relu-seed2"]


FIRST, SECOND = ["relu-seed1", "swish-seed1"], ["swish-seed2", "relu-seed2"]
THIRD = ["relu-seed3", "swish-seed3"]


@pytest.fixture
def looked(study):
    """Train a study with looks after 1, 2 and 3 seeds; return the runs, and the seeds of each look.

    The function takes after how many seeds it is decided, and after how many runs it is
    interrupted.
    """

    def start(decided=None, most=None):
        seeds = []

        def decide(client, runs):
            seeds.append(len(runs) / 2)
            return Decision(seeds[-1] == decided, "all is well")

        executor = Simulated(most)
        plan = study(decide=decide, seeds=(1, 2, 3), looks=(1, 2, 3))
        try:
            engine.run(plan, executor)
        except KeyboardInterrupt:
            assert most is not None
        return executor.trained, seeds

    return start


def test_a_study_continues_from_look_to_look_until_it_is_decided(looked, capsys):
    assert looked(decided=2) == (FIRST + SECOND, [1, 2])
    said = capsys.readouterr().out
    assert "Look 1 of 3, after 1 seed: all is well · continuing to 2 seeds" in said
    assert "Look 2 of 3, after 2 seeds: all is well · the study ends here" in said
    assert looked(decided=2) == ([], [1, 2])


def test_a_study_that_nothing_decides_ends_at_its_last_look(looked, capsys):
    assert looked() == (FIRST + SECOND + THIRD, [1, 2, 3])
    assert "so the study ends undecided" in capsys.readouterr().out


def test_an_interrupted_study_resumes_in_its_look(looked):
    assert looked(most=3) == ([*FIRST, "swish-seed2"], [1])
    assert looked(decided=2) == (["relu-seed2"], [1, 2])


def test_a_plan_of_looks_is_in_the_parents_tags_until_the_study_has_none(looked, study):
    looked(decided=1)
    client, experiment = store.connect("digits")
    [parent] = client.search_runs([experiment], "tags.factor LIKE '%'")
    assert (parent.data.tags["looks"], parent.data.tags["seeds"]) == ("[1, 2, 3]", "1")
    trained(study())
    assert "looks" not in client.get_run(parent.info.run_id).data.tags


def test_a_search_draws_one_trial_after_another_and_resumes_in_its_run(search, capsys):
    def rate(spec):
        return spec.cfg.optimizer["learning_rate"]

    names, parent_id = trained(search(), accuracy=rate)
    assert names == ["trial 0", "trial 1", "trial 2"]
    said = capsys.readouterr().out
    assert said.startswith("Search mine: 3 trials · 0 done · 3 left\n")
    assert "1/3 done · trial 0 · learning_rate=" in said
    assert "the best so far · 2 left, about 2 min 00 s" in said
    assert trained(search()) == ([], parent_id)
    assert trained(search(trials=4), accuracy=rate)[0] == ["trial 3"]
    tags = MlflowClient().get_run(parent_id).data.tags
    assert tags["search"] == "mine"
    rates = [yaml.safe_load(tags[f"trial.{n}"])["optimizer.learning_rate"] for n in range(4)]
    assert tags["best_trial"] == str(rates.index(max(rates)))


def test_another_search_of_that_name_is_refused_with_the_differences(search):
    _, parent_id = trained(search())
    other = {"seed": 2, "sampler": "random"}
    with pytest.raises(InputError, match="another recipe, data or code, sampler and seed"):
        trained(search(**other))
    with pytest.raises(InputError, match=r"another recipe, data or code: .*--anew"):
        trained(search(overrides=[*TINY, "label_smoothing=0.2"]))
    assert trained(search(anew=True, **other))[1] != parent_id
    assert trained(search())[1] == parent_id
    assert trained(search(**other))[0] == []


def test_the_searches_of_levels_are_apart_from_it_and_from_each_other(search, capsys):
    _, alone_id = trained(search())
    _, relu_id = trained(search("relu"))
    _, swish_id = trained(search("swish"))
    assert len({alone_id, relu_id, swish_id}) == 3
    assert trained(search("relu")) == ([], relu_id)
    capsys.readouterr()
    assert trained(search("relu", seed=2))[1] != relu_id
    assert "trials of the search mine for relu with other settings" in capsys.readouterr().out


def test_a_levels_searches_are_apart_by_the_studys_seed(search, capsys):
    _, once_id = trained(search("relu"))
    ids = [trained(search("relu", for_seed=seed, seed=100 + seed))[1] for seed in (1, 2)]
    assert len({once_id, *ids}) == 3
    said = capsys.readouterr().out
    assert "Search mine for relu, seed 2: 3 trials · 0 done" in said
    assert "with other settings" not in said
    for seed, parent_id in zip((1, 2), ids, strict=True):
        assert trained(search("relu", for_seed=seed, seed=100 + seed)) == ([], parent_id)


def test_a_failed_trial_is_replaced_but_counts_in_the_budget_of_a_level(search):
    errors = {"trial 1": InputError("as it must.")}
    assert trained(search(), errors=errors)[0] == [f"trial {number}" for number in range(4)]
    assert trained(search("relu"), errors=errors)[0] == ["trial 0", "trial 1", "trial 2"]


@pytest.mark.parametrize(
    "error", [WorkerLostError("its worker was killed."), OSError(errno.ENOSPC, "No space left")]
)
def test_an_interrupted_trial_resumes_under_its_own_number(search, error):
    plan = search()
    names, parent_id = trained(plan, errors={"trial 1": error})
    assert names == ["trial 0", "trial 1", "trial 2"]
    assert plan.unfinished() == ["trial 1"]
    assert statuses(parent_id)["trial 1"] == "KILLED"
    assert trained(search()) == (["trial 1"], parent_id)
    assert set(statuses(parent_id).values()) == {"FINISHED"}


def test_a_full_disk_costs_no_trial(search):
    full = {f"trial {number}": OSError(errno.ENOSPC, "No space left") for number in range(9)}
    for _ in range(2):
        with pytest.raises(InputError, match="3 trials in a row failed"):
            trained(search(), errors=full)
    assert trained(search())[0] == ["trial 0", "trial 1", "trial 2"]


def test_conf_that_is_edited_during_a_search_changes_no_later_trial(search, tracked, monkeypatch):
    from src.config import compose

    plan = search(trials=4)
    monkeypatch.setattr(compose, "composition", lambda *words: pytest.fail("composed again"))
    assert len(trained(plan)[0]) == 4

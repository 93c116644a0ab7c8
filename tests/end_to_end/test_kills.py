"""A command killed at any moment and run again ends as if nothing had happened.

`make drill` tries every step, or many that are evenly spaced; without --drill it is a few.
"""

import functools
import os
import re
import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
import yaml

from tests.support import drill, fork_server
from tests.support.commands import (
    begin,
    environment,
    make_project,
    run,
    runs,
    sentence,
    wait_for_epochs,
)
from tests.support.drill import Drill, Result
from tests.support.kill_switch import FULL_DISK, INTERRUPT, KILL, KILL_ALL, TERMINATE

SMALL = ("model=mlp", "model.units=[16]", "epochs=2", "batch_size=64")
MODELS = ("hydra.run.dir=models", "submission=false")  # as dvc.yaml has it
RECIPE = {
    "experiment": "default",
    "dataset": "files-any",
    "overrides": list(SMALL),
    "workers": 2,
}
STUDY = RECIPE | {
    "question": "Killed again and again.",
    "factor": "activation",
    "levels": ["relu", "swish"],
    "seeds": [1, 2],
}
SEARCH = RECIPE | {
    "question": "What is left of a search that is killed?",
    "space": {"optimizer.learning_rate": {"log_uniform": [0.001, 0.1]}},
    "trials": 3,
    "sampler": "random",  # the same trials in whatever order they end
    "pruner": "none",
}


@dataclass(frozen=True)
class Command:
    """A command, and the steps to kill it at."""

    words: tuple[str, ...]  # a module and its arguments
    project: str  # in which it runs (the fixture `projects`)
    most: int  # kills of a drill, evenly spaced
    few: int | tuple[str, ...]  # kills of `make test-slow`, or the first steps that match
    also: tuple[str, ...] = ()  # more kills of a drill, at the first steps that match
    own_processes: bool = False  # whether it starts some


# After a run has become FINISHED: its checkpoint is deleted last.
END = (r"rmtree checkpoints/\w+$", r"remove checkpoints/\w+/state$", r"rmdir checkpoints/\w+$")
SAVED = r"rename checkpoints/\w+/\.writing.* -> checkpoints/\w+/state$"
DELETED = r"remove checkpoints/.*/state$"
TRAINED = (
    SAVED,
    r"opened outputs/.*/learning_curves.png",
    r"opened mlruns/models/.*/MLmodel",
    DELETED,
)
SEARCHED = (SAVED, r"rename .* -> reports/search-drill/trials.csv$")
SWEEP = ("src.train", *SMALL, "activation=relu,swish", "seed=1,2", "-m")
COMMANDS = {
    "check": Command(("src.check",), "new", 1000, 0),
    "fetch": Command(("src.fetch",), "new", 1000, 6),
    "preprocess": Command(("src.preprocess",), "fetched", 1000, 6),
    "train": Command(("src.train", *SMALL), "processed", 60, TRAINED, END),
    "train, in a new store": Command(("src.train", *SMALL), "storeless", 16, 0),
    "train, as in DVC": Command(("src.train", *SMALL, *MODELS), "processed", 20, 0),
    "predict": Command(("src.predict",), "trained", 1000, 3),
    "sweep": Command(SWEEP, "processed", 24, (DELETED,), END),
    "study": Command(("src.study", "drill"), "processed", 12, (SAVED,), END, True),
    "search": Command(("src.search", "drill"), "processed", 12, SEARCHED, END, True),
}


@pytest.fixture(scope="module")
def projects(small_mnist, empty_store, tmp_path_factory):
    """A project at each stage of the pipeline, by the stage's name, and the server of commands."""
    folder = tmp_path_factory.mktemp("projects")
    new = make_project(folder / "new", small_mnist, processed=False)
    for kind, text in (("study", STUDY), ("search", SEARCH)):
        (new / "conf" / kind / "drill.yaml").write_text(yaml.safe_dump(text, sort_keys=False))
    with tempfile.TemporaryDirectory() as short:
        variables = environment(MLFLOW_DISABLE_TELEMETRY="true")
        with fork_server.running(new, Path(short), variables) as server:

            def after(name, source, *words):
                project = shutil.copytree(source, folder / name)
                if words:
                    output = folder / f"{name}.out"
                    status = server.run(project, words, output, {})
                    assert status == 0, output.read_text()
                return project

            found = {"new": new, "fetched": after("fetched", new, "src.fetch")}
            found["storeless"] = after("storeless", found["fetched"], "src.preprocess")
            found["processed"] = after("processed", found["storeless"])
            shutil.copy(empty_store, found["processed"])
            found["trained"] = after("trained", found["processed"], "src.train", *SMALL, *MODELS)
            yield found, server


@pytest.fixture(scope="module")
def drills(projects, tmp_path_factory):
    """A function that returns the drill of a command."""
    ready, server = projects

    @functools.cache
    def get(name):
        command, work = COMMANDS[name], tmp_path_factory.mktemp("drill")
        return Drill(command.words, ready[command.project], server, work)

    return get


def matching(steps, pattern):
    """Return the numbers of the steps that match."""
    return [number for number, step in enumerate(steps, 1) if re.match(pattern, step)]


def chosen(command: Command, steps: list[str], thorough: bool) -> list[int]:
    """Return the numbers of the steps to kill at."""
    count, patterns = (command.few, ()) if isinstance(command.few, int) else (0, command.few)
    if thorough:
        count, patterns = command.most, (*patterns, *command.also)
    return sorted(drill.evenly(len(steps), count) | {matching(steps, one)[0] for one in patterns})


@pytest.mark.slow
@pytest.mark.parametrize("name", COMMANDS)
def test_a_killed_command_started_again_ends_as_if_nothing_had_happened(name, drills, request):
    command, thorough = COMMANDS[name], request.config.getoption("--drill")
    if not command.few and not thorough:
        pytest.skip("only with --drill")
    killed, began = drills(name), time.monotonic()
    numbers = chosen(command, killed.steps, thorough)
    lanes = 1 if command.own_processes else os.cpu_count() or 1  # its processes use all cores
    trials = killed.disturb_all(
        numbers, lambda at: KILL_ALL if command.own_processes and at % 2 == 0 else KILL, lanes
    )
    result = Result(name, len(killed.steps), trials, time.monotonic() - began)
    request.config.stash[drill.RESULTS].append(result)
    assert result.survived == len(trials), "\n".join(str(one) for one in trials if one.problems)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "event", "pattern"),
    [
        ("train", INTERRUPT, SAVED),
        ("train", TERMINATE, DELETED),
        ("sweep", INTERRUPT, SAVED),
        ("study", TERMINATE, SAVED),
        ("search", INTERRUPT, SAVED),
        ("train", FULL_DISK, r"rename .* -> outputs/.*/metrics.json"),
        ("fetch", FULL_DISK, r"rename .* -> data/raw/train.csv"),
    ],
)
def test_an_interrupted_command_says_so_and_resumes_after_the_last_epoch(
    name, event, pattern, drills
):
    disturbed = drills(name)
    trial = disturbed.disturb(matching(disturbed.steps, pattern)[-1], event)
    assert not trial.problems, str(trial)


@pytest.mark.slow
@pytest.mark.parametrize("command", ["study", "search"])
def test_while_it_runs_a_second_one_is_refused_and_its_workers_die_with_it(
    command, projects, tmp_path
):
    project = shutil.copytree(projects[0]["processed"], tmp_path / "project")
    file = project / "conf" / command / "drill.yaml"
    file.write_text(file.read_text().replace("epochs=2", "epochs=1000"))
    process = begin(project, f"src.{command}", "drill")
    wait_for_epochs(process, project, 2)
    second = run(project, f"src.{command}", "drill")
    assert f"{command} drill is running in another process" in sentence(second)
    workers = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    assert psutil.wait_procs(workers, timeout=60)[1] == []
    assert process.communicate()[1] == ""
    assert {one.info.status for one in runs(project)} == {"RUNNING"}

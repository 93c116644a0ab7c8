"""Whatever moment a command is killed at, the same command again ends as if nothing had happened.

`make drill` tries every step, or many that are evenly spaced; without --drill it is a few.
"""

import os
import re
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from tests.support import drill, fork_server
from tests.support.commands import environment, make_project
from tests.support.drill import Drill, Result

SMALL = ("model=mlp", "model.units=[16]", "epochs=2", "batch_size=64")
MODELS = ("hydra.run.dir=models", "submission=false")  # as dvc.yaml has it


@dataclass(frozen=True)
class Command:
    """A command, and how it is killed.

    Attributes:
        words: a module and its arguments.
        project: in which it runs (the fixture `projects`).
        most: kills of a drill.
        few: kills of `make test`: how many, evenly spaced, or at the first steps that match.
        also: kills of a drill beside those that are evenly spaced: at the first steps that match.
        own_processes: whether it starts some.
    """

    words: tuple[str, ...]
    project: str
    most: int
    few: int | tuple[str, ...]
    also: tuple[str, ...] = ()
    own_processes: bool = False


# After a run has become FINISHED: its checkpoint is deleted last.
END = (r"rmtree checkpoints/\w+$", r"remove checkpoints/\w+/state$", r"rmdir checkpoints/\w+$")
COMMANDS = {
    "check": Command(("src.check",), "new", 1000, 0),
    "fetch": Command(("src.fetch",), "new", 1000, 6),
    "preprocess": Command(("src.preprocess",), "fetched", 1000, 6),
    "train": Command(
        ("src.train", *SMALL),
        "processed",
        60,
        (
            r"rename checkpoints/\w+/\.writing.* -> checkpoints/\w+/state$",
            r"opened outputs/.*/learning_curves.png",
            r"opened mlruns/models/.*/MLmodel",
            r"remove checkpoints/.*/state$",
        ),
        also=END,
    ),
    "train, in a new store": Command(("src.train", *SMALL), "storeless", 16, 0),
    "train, as in DVC": Command(("src.train", *SMALL, *MODELS), "processed", 20, 0),
    "predict": Command(("src.predict",), "trained", 1000, 3),
    "sweep": Command(
        ("src.train", *SMALL, "activation=relu,swish", "seed=1,2", "-m"),
        "processed",
        24,
        0,
        also=END,
    ),
    "study": Command(("src.study", "drill"), "processed", 12, 0, also=END, own_processes=True),
}


@pytest.fixture(scope="module")
def projects(small_mnist, empty_store, tmp_path_factory):
    """A project at each stage of the pipeline, and the server of commands.

    Yields a function of a stage's name, and the server.
    """
    folder = tmp_path_factory.mktemp("projects")
    new = make_project(folder / "new", small_mnist, processed=False)
    study = {
        "question": "Is a study that is killed again and again complete?",
        "factor": "activation",
        "levels": ["relu", "swish"],
        "seeds": [1, 2],
        "experiment": "default",
        "dataset": "files-any",
        "overrides": list(SMALL),
        "workers": 2,
    }
    (new / "conf" / "study" / "drill.yaml").write_text(yaml.safe_dump(study, sort_keys=False))
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

            fetched = after("fetched", new, "src.fetch")
            storeless = after("storeless", fetched, "src.preprocess")
            processed = after("processed", storeless)
            shutil.copy(empty_store, processed)
            trained = after("trained", processed, "src.train", *SMALL, *MODELS)
            yield (
                {
                    "new": new,
                    "fetched": fetched,
                    "storeless": storeless,
                    "processed": processed,
                    "trained": trained,
                },
                server,
            )


def chosen(command: Command, steps: list[str], thorough: bool) -> list[int]:
    """Return the numbers of the steps to kill at."""
    if isinstance(command.few, int):
        count, patterns = command.few, ()
    else:
        count, patterns = 0, command.few
    if thorough:
        count, patterns = command.most, (*patterns, *command.also)
    numbers = set(drill.evenly(len(steps), count))
    for pattern in patterns:
        matching = (number for number, step in enumerate(steps, 1) if re.match(pattern, step))
        numbers.add(next(matching))
    return sorted(numbers)


@pytest.mark.slow
@pytest.mark.parametrize("name", COMMANDS)
def test_a_killed_command_started_again_ends_as_if_nothing_had_happened(
    name, projects, tmp_path, request, capsys
):
    command, thorough = COMMANDS[name], request.config.getoption("--drill")
    if not command.few and not thorough:
        pytest.skip("only with --drill")
    ready, server = projects
    killed = Drill(
        name, command.words, ready[command.project], server, tmp_path, command.own_processes
    )

    def say(text):
        with capsys.disabled():
            print(f"\n{text}", end="", flush=True)

    expected = killed.undisturbed()
    numbers = chosen(command, expected.steps, thorough)
    result = Result(name, len(expected.steps))
    request.config.stash[drill.RESULTS].append(result)
    count = drill.announced(result, numbers, say if thorough else lambda text: None)
    # Its own processes keep all cores busy.
    lanes = 1 if command.own_processes else os.cpu_count() or 1
    for kill in killed.kills(numbers, expected, lanes):
        count(kill)
    failed = [kill for kill in result.trials if kill.problems]
    assert not failed, "\n".join(map(str, failed))

import os
import sys
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from src.experiments.executors import LOG, local
from src.experiments.executors.local import LocalProcesses
from src.runtime.errors import InputError


@dataclass(frozen=True)
class Stub:
    """In place of a `PlannedRun`: what it does is its name's first word."""

    name: str
    folder: Path

    def announce(self):
        pass

    def execute(self):
        print(self.name, os.getpid(), os.environ.get("TF_NUM_INTRAOP_THREADS"), flush=True)
        what, _, more = self.name.partition(" ")
        if what == "fail":
            raise InputError("as it must.")
        if what == "die":
            os._exit(9)
        if what == "sleep":
            time.sleep(float(more))


@pytest.fixture
def execute(tmp_path):
    """A function that makes runs of these names, and returns each one's error, as they end."""

    def made(*names, **settings):
        runs = [Stub(name, tmp_path / name) for name in names]
        return [(run.name, error) for run, error in LocalProcesses(**settings).execute(runs)]

    return made


def printed(tmp_path, name):
    """Return what a run printed: its name, its process and its threads."""
    text = (tmp_path / name / LOG).read_text()
    assert text.startswith(name)
    return text.removeprefix(name).split()


def test_every_run_is_yielded_once_with_the_error_that_it_ended_with(execute, tmp_path):
    ended = dict(execute("good 1", "fail 2", "good 3", workers=2, threads=1))
    assert {name: str(error) if error else None for name, error in ended.items()} == {
        "good 1": None,
        "fail 2": "as it must.",
        "good 3": None,
    }
    assert isinstance(ended["fail 2"], InputError)
    assert {printed(tmp_path, name)[1] for name in ended} == {"1"}


def test_a_run_that_ends_is_followed_at_once_by_the_next_without_waiting_for_the_others(execute):
    ended = [name for name, _ in execute("sleep 8", "a", "b", "c", workers=2)]
    assert ended == ["a", "b", "c", "sleep 8"]


def test_a_worker_that_is_killed_costs_its_own_run_only(execute):
    ended = dict(execute("die", "a", "b", workers=1))
    assert str(ended["die"]).startswith("its worker process was killed, perhaps because memory")
    assert ended["a"] is ended["b"] is None


def test_a_process_makes_several_runs_but_not_too_many(execute, tmp_path, monkeypatch):
    monkeypatch.setattr(local, "RUNS_PER_PROCESS", 2)
    names = [f"run {number}" for number in range(4)]
    execute(*names, workers=1)
    processes = [printed(tmp_path, name)[0] for name in names]
    assert processes[0] == processes[1] != processes[2] == processes[3]


def test_an_iteration_that_is_given_up_ends_the_runs_in_progress(tmp_path):
    runs = [Stub("a", tmp_path / "a"), Stub("sleep 60", tmp_path / "sleep"), Stub("c", tmp_path)]
    began = time.monotonic()
    with closing(LocalProcesses(2).execute(runs)) as outcomes:
        next(outcomes)
        here = psutil.Process()
        workers = set(here.children(recursive=True)) - set(here.children())
    assert workers
    assert time.monotonic() - began < 30
    _, alive = psutil.wait_procs(workers, timeout=10)
    assert alive == []


def environment_of_a_process():
    return os.getpid(), os.environ.get("LATE"), "keras" in sys.modules


def refuse():
    raise InputError("as it must.")


def test_a_call_in_a_process_has_this_ones_environment_and_what_is_slow_to_import(monkeypatch):
    local.in_a_process(os.getpid)  # the server runs from now on
    monkeypatch.setenv("LATE", "as late as this")
    process, late, imported = local.in_a_process(environment_of_a_process)
    assert process != os.getpid()
    assert late == "as late as this"
    assert imported


def test_a_call_in_a_process_fails_with_its_own_error_or_a_sentence():
    with pytest.raises(InputError, match=r"^as it must\.$"):
        local.in_a_process(refuse)
    with pytest.raises(InputError, match="was killed, perhaps because memory"):
        local.in_a_process(os._exit, 9)


def test_the_server_ends_with_its_block_also_while_it_imports():
    with local.server():
        [server] = (
            child
            for child in psutil.Process().children()
            if any("forkserver" in word for word in child.cmdline())
        )
    _, alive = psutil.wait_procs([server], timeout=10, callback=None)
    assert alive == []

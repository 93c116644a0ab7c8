import os
import signal
import subprocess
import sys
import time
from contextlib import closing

import psutil
import pytest

from src.core.errors import InputError
from src.experiments import executors
from src.experiments.executors import local
from src.experiments.executors.local import Here, LocalProcesses
from tests.support import stub_runs
from tests.support.commands import ROOT
from tests.support.stub_runs import printed, stub


@pytest.fixture
def execute(tmp_path):
    """A function that trains runs of these names, and returns each one's error, as they end."""

    def ended(workers, *names):
        runs = [stub(name, tmp_path) for name in names]
        return list(LocalProcesses(workers, stub_runs.train).execute(runs))

    return ended


def test_runs_train_here_one_after_another_and_only_ctrl_c_passes(tmp_path, monkeypatch):
    def train(spec):
        if spec.name == "stop":
            raise KeyboardInterrupt
        stub_runs.train(spec)

    monkeypatch.setattr(executors, "train_here", train)
    outcomes = Here().execute(stub(name, tmp_path) for name in ("a", "fail", "stop"))
    assert next(outcomes).error is None
    assert not (tmp_path / "fail").exists()  # not even begun
    spec, error = next(outcomes)
    assert (spec.name, str(error), type(error)) == ("fail", "as it must.", InputError)
    with pytest.raises(KeyboardInterrupt):
        next(outcomes)
    assert Here().call(os.getpid) == os.getpid()
    assert "keras" in sys.modules


def test_every_run_is_yielded_once_with_its_error_and_a_dead_worker_costs_its_own_run_only(execute):
    ended = {spec.name: (spec, error) for spec, error in execute(1, "a", "fail", "die", "b")}
    assert list(ended) == ["a", "fail", "die", "b"]
    assert ended["a"][1] is ended["b"][1] is None
    assert isinstance(ended["fail"][1], InputError)
    assert str(ended["fail"][1]) == "as it must."
    assert str(ended["die"][1]).startswith("its worker process was killed, perhaps because memory")
    processes, threads = zip(*[printed(spec) for spec, _ in ended.values()], strict=True)
    assert set(threads) == {str(os.environ.get(executors.THREADS[0]))}  # TensorFlow's own choice
    assert processes[0] == processes[1] == processes[2] != processes[3]


def test_the_next_run_starts_at_once_and_workers_share_the_cores(execute, monkeypatch):
    monkeypatch.setattr(local.joblib, "cpu_count", lambda: 8)
    ended = execute(2, "sleep 8", "a", "b", "c")
    assert [spec.name for spec, _ in ended] == ["a", "b", "c", "sleep 8"]
    assert {printed(spec)[1] for spec, _ in ended} == {"4"}


def test_a_worker_has_a_thread_at_least_or_as_many_as_the_user_has_set(execute, monkeypatch):
    inner, outer = executors.THREADS
    monkeypatch.setattr(local.joblib, "cpu_count", lambda: 2)
    [(spec, _)] = execute(3, "a")
    assert printed(spec)[1] == "1"
    monkeypatch.setenv(inner, "7")
    assert executors.thread_variables(3) == {inner: "7", outer: "3"}


def test_a_worker_trains_only_so_many_runs(execute, monkeypatch):
    monkeypatch.setattr(local, "RUNS_PER_WORKER", 2)
    processes = [printed(spec)[0] for spec, _ in execute(1, "run 0", "run 1", "run 2")]
    assert processes[0] == processes[1] != processes[2]


def test_closing_the_iteration_ends_the_runs_in_progress(tmp_path):
    runs = [stub(name, tmp_path) for name in ("a", "sleep 60", "c")]
    began = time.monotonic()
    with closing(LocalProcesses(2, stub_runs.train).execute(runs)) as outcomes:
        next(outcomes)
        here = psutil.Process()
        workers = set(here.children(recursive=True)) - set(here.children())
    assert workers
    assert time.monotonic() - began < 30
    assert psutil.wait_procs(workers, timeout=10)[1] == []


def environment_of_a_process():
    return os.getpid(), os.environ.get("LATE"), "keras" in sys.modules


def refuse():
    raise InputError("as it must.")


def test_a_call_runs_in_a_fresh_process_with_this_environment_and_tensorflow(monkeypatch):
    local.in_a_process(os.getpid)  # the server runs from now on
    monkeypatch.setenv("LATE", "as late as this")
    process, *found = local.in_a_process(environment_of_a_process)
    assert process != os.getpid()
    assert found == ["as late as this", True]


def test_a_call_fails_with_its_own_error_or_a_sentence():
    with pytest.raises(InputError, match=r"^as it must\.$"):
        local.in_a_process(refuse)
    with pytest.raises(InputError, match="was killed, perhaps because memory"):
        local.in_a_process(os._exit, 9)


def test_the_server_ends_with_its_block_even_amid_its_imports():
    with local.server():
        children = psutil.Process().children()
        [server] = (one for one in children if any("forkserver" in word for word in one.cmdline()))
    assert server.status() == psutil.STATUS_ZOMBIE  # its exit status is left to multiprocessing
    assert local.in_a_process(os.getpid) != os.getpid()  # another server starts


# A process that starts another by multiprocessing, and then waits for ever.
PARENT = """
import multiprocessing, os, time
from src.experiments.executors import local

def work(connection):
    local._begin(None, dict(os.environ))
    connection.send("ready")
    time.sleep(600)

if __name__ == "__main__":
    here, there = multiprocessing.Pipe()
    child = multiprocessing.get_context("fork").Process(target=work, args=[there])
    child.start()
    here.recv()
    print(child.pid, flush=True)
    time.sleep(600)
"""


def test_a_worker_ends_when_its_parent_is_killed_outright():
    command = [sys.executable, "-c", PARENT]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as parent:
        worker = psutil.Process(int(parent.stdout.readline()))
        parent.send_signal(signal.SIGKILL)
    assert psutil.wait_procs([worker], timeout=30)[1] == []

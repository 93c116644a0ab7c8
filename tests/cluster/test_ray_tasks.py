"""The executor on a Ray of this machine, with runs that train nothing."""

import signal
import time
import traceback
from contextlib import closing
from pathlib import Path

import pytest

from src.experiments.executors import LOG, cluster, ray_tasks
from src.experiments.executors.ray_tasks import RayTasks
from src.experiments.executors.ray_worker import Unfit
from src.runtime.errors import InputError
from tests.support.stub_runs import Stub


@pytest.fixture(scope="module")
def executor():
    """An executor that makes two runs at a time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("RAY_ADDRESS", raising=False)
        made = RayTasks(cpus=1, gpus=0, workers=2)
        handler = signal.getsignal(signal.SIGTERM)
        made.prepare()
        assert signal.getsignal(signal.SIGTERM) is handler  # a command ends as after Ctrl-C
        yield made
        cluster.library().shutdown()


@pytest.fixture
def execute(executor, tmp_path):
    """A function that makes runs of these names, and returns each one's error, as they end."""

    def made(*names):
        runs = [Stub(name, tmp_path / name) for name in names]
        return [(run.name, error) for run, error in executor.execute(runs)]

    return made


def tries(folder):
    return len((folder / "tried").read_text())


def test_what_is_lost_with_its_worker_is_tried_again_and_what_fails_by_itself_is_not(
    execute, tmp_path
):
    ended = dict(execute("good", "fail", "break", "die_once", "die"))
    assert ended["good"] is ended["die_once"] is None
    assert isinstance(ended["fail"], InputError)
    assert str(ended["fail"]) == "as it must."
    trace = "".join(traceback.format_exception(ended["break"]))
    assert "stub_runs.py" in trace  # where it was raised, on the far side
    assert isinstance(ended["die"], InputError)
    assert "was lost 4 times" in str(ended["die"])
    found = {name: tries(tmp_path / name) for name in ended}
    assert found == {"good": 1, "fail": 1, "break": 1, "die_once": 2, "die": 4}


def test_a_worker_makes_several_runs_but_not_too_many_and_has_the_threads_asked_for(
    executor, execute, tmp_path, monkeypatch
):
    monkeypatch.setattr(executor, "workers", 1)
    names = [f"run {number}" for number in range(ray_tasks.RUNS_PER_WORKER + 2)]
    execute(*names)
    printed = [(tmp_path / name / LOG).read_text().split() for name in names]
    processes = [words[2] for words in printed]
    made = [processes.count(one) for one in set(processes)]
    assert 1 < len(made) < len(names)
    assert max(made) <= ray_tasks.RUNS_PER_WORKER
    assert {words[3] for words in printed} == {"1"}


def test_what_ends_is_followed_at_once_and_never_by_more_than_there_is_room_for(executor, tmp_path):
    begun = []

    def runs():
        for name in ("sleep 20", "a", "b", "c"):
            begun.append(name)
            yield Stub(name, tmp_path / name)

    ended = []
    with closing(executor.execute(runs())) as outcomes:
        for run, _ in outcomes:
            ended.append(run.name)
            assert len(begun) - len(ended) <= 2
    assert ended == ["a", "b", "c", "sleep 20"]


def test_an_iteration_that_is_given_up_interrupts_the_runs_in_progress(executor, tmp_path):
    runs = [Stub("a", tmp_path / "a"), Stub("sleep 300", tmp_path / "s"), Stub("b", tmp_path / "b")]
    with closing(executor.execute(runs)) as outcomes:
        next(outcomes)
        last = time.monotonic() + 100
        while not (tmp_path / "s" / "tried").exists():
            assert time.monotonic() < last
            time.sleep(0.1)
    assert (tmp_path / "s" / "interrupted").exists()
    assert tries(tmp_path / "s") == 1


def test_a_node_that_joins_with_other_packages_is_left_out(executor, execute, monkeypatch, capsys):
    """The first answer is of such a node; the run is made on another."""
    results = iter([Unfit("00ff", "late has keras 1 there, 2 here")])
    real = ray_tasks._result
    monkeypatch.setattr(ray_tasks, "_result", lambda ray, task: next(results, real(ray, task)))
    monkeypatch.setattr(executor, "_unfit", set())
    assert execute("a") == [("a", None)]
    assert "A node is left out: late has keras 1 there, 2 here." in capsys.readouterr().out
    assert executor._unfit == {"00ff"}


def test_where_no_other_node_is_left_the_sentence_ends_the_study(executor, execute, monkeypatch):
    [node] = cluster.nodes()
    monkeypatch.setattr(ray_tasks, "_result", lambda *given: Unfit(node.id, "it has Python 2"))
    monkeypatch.setattr(executor, "_unfit", set())
    with pytest.raises(InputError, match=r"it has Python 2: run `make \.venv/cluster`"):
        execute("a")


def test_only_code_is_sent(tmp_path):
    from ray._private.runtime_env import packaging

    sent = []
    match = packaging._get_excludes(tmp_path, cluster.NOT_CODE)
    for name in ("src/a.py", "conf/study/b.yaml", "data/c.npz", "mlflow.db", ".env", ".git/HEAD"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()

    def see(path: Path) -> None:
        if path.is_file():
            sent.append(path.relative_to(tmp_path).as_posix())

    packaging._dir_travel(tmp_path, [match], see, include_gitignore=True)
    assert sorted(sent) == ["conf/study/b.yaml", "src/a.py"]

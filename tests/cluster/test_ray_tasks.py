"""The executor on a Ray of this machine that has two CPUs and pretends to have two GPUs."""

import signal
import traceback
from contextlib import closing
from pathlib import Path

import pytest

from src import fetch, preprocess
from src.core import paths
from src.core.errors import InputError
from src.experiments.executors import RUNS_PER_WORKER, cluster, ray_tasks
from src.experiments.executors.ray_tasks import RayTasks
from src.experiments.executors.ray_worker import IncompatibleNode
from tests.support import recipes, stub_runs
from tests.support.stub_runs import printed, stub, wait_until_begun


@pytest.fixture(scope="module")
def executor():
    """An executor that trains two runs at a time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("RAY_ADDRESS", raising=False)
        patch.setenv("RAY_OVERRIDE_RESOURCES", '{"CPU": 2, "GPU": 2}')
        found = RayTasks(cpus=1, gpus=0, workers=2, train=stub_runs.train)
        handler = signal.getsignal(signal.SIGTERM)
        found.prepare()
        assert signal.getsignal(signal.SIGTERM) is handler  # a command ends as after Ctrl-C
        yield found
        cluster.library().shutdown()


@pytest.fixture
def execute(executor, tmp_path):
    """A function that trains runs of these names, and returns each one's error, as they end."""

    def ended(*names):
        runs = [stub(name, tmp_path) for name in names]
        return [(spec.name, error) for spec, error in executor.execute(runs)]

    return ended


def tries(folder):
    return len((folder / "tried").read_text())


def test_a_run_that_is_lost_with_its_worker_is_retried_and_one_that_fails_by_itself_is_not(
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


def test_a_worker_trains_several_runs_but_not_too_many_with_the_threads_asked_for(
    executor, tmp_path, monkeypatch
):
    monkeypatch.setattr(executor, "workers", 1)
    runs = [stub(f"run {number}", tmp_path) for number in range(RUNS_PER_WORKER + 2)]
    assert all(error is None for _, error in executor.execute(runs))
    processes, threads = zip(*map(printed, runs), strict=True)
    most = max(processes.count(one) for one in processes)
    assert 1 < most <= RUNS_PER_WORKER
    assert set(threads) == {"1"}


def test_the_next_run_starts_at_once_and_closing_interrupts_those_in_progress(executor, tmp_path):
    begun = []

    def runs():
        for name in ("sleep 300", "a", "b", "c", "sleep 301"):
            begun.append(name)
            yield stub(name, tmp_path)

    ended = []
    with closing(executor.execute(runs())) as outcomes:
        for spec, _ in outcomes:
            ended.append(spec.name)
            assert len(begun) - len(ended) <= 2
            if len(ended) == 3:
                break
        wait_until_begun(tmp_path / "sleep 301")
    assert ended == ["a", "b", "c"]
    for name in ("sleep 300", "sleep 301"):
        assert (tmp_path / name / "interrupted").exists()
        assert tries(tmp_path / name) == 1


def test_two_runs_with_a_gpu_each_train_side_by_side_on_different_ones(
    executor, small_project, small_mnist
):
    fetch.main()
    preprocess.main()
    words = (*recipes.TINY, "mlflow.enabled=false", "submission=false")
    runs = [recipes.ready(small_project / f"run{n}", *words, f"seed={n}") for n in (1, 2)]
    on_gpus = RayTasks(cpus=1, gpus=1, workers=3, train=stub_runs.train_on_a_gpu)
    on_gpus.prepare()
    assert on_gpus.at_a_time() == 2
    assert [error for _, error in on_gpus.execute(runs)] == [None, None]
    assert {(spec.folder / "gpu").read_text() for spec in runs} == {"0", "1"}
    assert all((spec.folder / paths.MODEL).is_file() for spec in runs)
    with pytest.raises(InputError, match=r"asks for 3 GPUs .* has more than 2"):
        RayTasks(cpus=1, gpus=3, workers=1).prepare()


def test_a_node_that_joins_with_other_packages_is_left_out(executor, execute, monkeypatch, capsys):
    """The first answer is of such a node; the run trains on another."""
    results = iter([IncompatibleNode("00ff", "late has keras 1 there, 2 here")])
    real = ray_tasks._result
    monkeypatch.setattr(ray_tasks, "_result", lambda ray, task: next(results, real(ray, task)))
    monkeypatch.setattr(executor, "_incompatible", set())
    assert execute("a") == [("a", None)]
    assert "Leaving out a node: late has keras 1 there, 2 here" in capsys.readouterr().out
    assert executor._incompatible == {"00ff"}


def test_without_any_other_node_the_refusal_ends_the_study(executor, execute, monkeypatch):
    [node] = cluster.nodes()
    refusal = IncompatibleNode(node.id, "it has Python 2")
    monkeypatch.setattr(ray_tasks, "_result", lambda *given: refusal)
    monkeypatch.setattr(executor, "_incompatible", set())
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

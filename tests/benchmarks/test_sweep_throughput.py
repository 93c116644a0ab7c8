import pytest

from benchmarks import processes, sweep_throughput


@pytest.mark.parametrize(
    ("workers", "threads", "launcher"),
    [(1, 2, []), (2, 1, ["hydra/launcher=joblib", "hydra.launcher.n_jobs=2"])],
)
def test_the_sweeps_differ_by_launcher_and_threads_alone(
    workers, threads, launcher, monkeypatch, tmp_path
):
    def run(*words, folder, environment):
        assert words[:3] == ("-m", "src.train", "-m")
        assert words[3].startswith(f"hydra.sweep.dir={tmp_path}")
        assert list(words[4:]) == ["seed=1,2,3", "mlflow.resume=false", *launcher, "epochs=2"]
        assert set(environment.values()) == {str(threads)}
        return 90.0, ""

    monkeypatch.setattr(processes, "run", run)
    rate = sweep_throughput.runs_per_minute(
        tmp_path, 3, ["epochs=2"], workers=workers, threads=threads
    )
    assert rate == 2.0  # three runs in a minute and a half

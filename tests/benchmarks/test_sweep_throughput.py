import pytest

from benchmarks import processes, sweep_throughput


@pytest.mark.parametrize(
    ("parallel", "launcher", "threads"),
    [
        (False, [], "2"),
        (True, ["hydra/launcher=joblib", "hydra.launcher.n_jobs=2"], "1"),
    ],
)
def test_the_two_sweeps_differ_by_launcher_and_threads_alone(
    parallel, launcher, threads, monkeypatch, tmp_path
):
    def run(*words, folder, environment):
        assert folder == tmp_path
        assert words[:3] == ("-m", "src.train", "-m")
        assert words[3].startswith(f"hydra.sweep.dir={tmp_path}")
        assert list(words[4:]) == ["seed=1,2,3", "mlflow.resume=false", *launcher, "epochs=2"]
        assert environment["TF_NUM_INTRAOP_THREADS"] == threads
        assert environment["TF_NUM_INTEROP_THREADS"] == threads
        return 90.0, ""

    monkeypatch.setattr(processes, "run", run)

    rate = sweep_throughput.runs_per_minute(tmp_path, 3, 2, ["epochs=2"], parallel=parallel)

    assert rate == 2.0  # three runs in a minute and a half


def test_the_table_has_both_and_the_goal_is_the_workers(processed, words, monkeypatch, capsys):
    monkeypatch.setattr(processes, "train", lambda *given: None)
    monkeypatch.setattr(
        sweep_throughput,
        "runs_per_minute",
        lambda *given, parallel: 4.0 if parallel else 2.0,
    )
    words("--rounds", "2", "--overrides", "epochs=1")

    sweep_throughput.main()

    printed = capsys.readouterr().out.splitlines()
    [serial] = [line for line in printed if "one after the other, 2 threads" in line]
    [parallel] = [line for line in printed if "2 workers of one thread" in line]
    assert "2.00 (2.00–2.00)" in parallel
    assert "≥ 1.3 met" in parallel
    assert "met" not in serial


@pytest.mark.slow
def test_a_sweep_with_workers_trains_every_seed(processed):
    tiny = ["model=mlp", "model.units=[8]", "epochs=1", "batch_size=64"]
    with processes.project_with_our_data() as folder:
        rate = sweep_throughput.runs_per_minute(folder, 2, 2, tiny, parallel=True)
        assert len(list(folder.glob("*/*/model.keras"))) == 2

    assert rate > 0

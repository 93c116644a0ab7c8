import os

import pytest

from benchmarks import processes, sweep_throughput


@pytest.mark.parametrize(
    ("workers", "threads", "launcher"),
    [
        (1, 2, []),
        (1, 1, []),
        (2, 1, ["hydra/launcher=joblib", "hydra.launcher.n_jobs=2"]),
    ],
)
def test_the_sweeps_differ_by_launcher_and_threads_alone(
    workers, threads, launcher, monkeypatch, tmp_path
):
    def run(*words, folder, environment):
        assert folder == tmp_path
        assert words[:3] == ("-m", "src.train", "-m")
        assert words[3].startswith(f"hydra.sweep.dir={tmp_path}")
        assert list(words[4:]) == ["seed=1,2,3", "mlflow.resume=false", *launcher, "epochs=2"]
        assert environment["TF_NUM_INTRAOP_THREADS"] == str(threads)
        assert environment["TF_NUM_INTEROP_THREADS"] == str(threads)
        return 90.0, ""

    monkeypatch.setattr(processes, "run", run)

    rate = sweep_throughput.runs_per_minute(
        tmp_path, 3, ["epochs=2"], workers=workers, threads=threads
    )

    assert rate == 2.0  # three runs in a minute and a half


def test_the_table_has_all_and_the_goal_is_that_of_a_worker_for_each_cpu(
    processed, words, monkeypatch, capsys
):
    monkeypatch.setattr(processes, "train", lambda *given: None)
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    monkeypatch.setattr(
        sweep_throughput, "runs_per_minute", lambda *given, workers, threads: 2.0 * workers
    )
    words("--rounds", "2", "--workers", "1", "2", "4", "--overrides", "epochs=1")

    sweep_throughput.main()

    printed = capsys.readouterr().out.splitlines()
    [serial, one, two, four] = [
        next(line for line in printed if name in line)
        for name in (
            "one after the other, 2 threads",
            "1 worker of",
            "2 workers of",
            "4 workers of",
        )
    ]
    assert "2.00 (2.00–2.00)" in two
    assert "≥ 1.3 met" in two
    assert not any("met" in line for line in (serial, one, four))


@pytest.mark.slow
def test_a_sweep_with_workers_trains_every_seed(processed):
    tiny = ["model=mlp", "model.units=[8]", "epochs=1", "batch_size=64"]
    with processes.project_with_our_data() as folder:
        rate = sweep_throughput.runs_per_minute(folder, 2, tiny, workers=2, threads=1)
        assert len(list(folder.glob("*/*/model.keras"))) == 2

    assert rate > 0

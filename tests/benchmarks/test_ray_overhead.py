from benchmarks import processes, ray_overhead
from src.config import study_file


def test_both_make_the_same_study_under_a_name_of_its_own(processed, words, monkeypatch, capsys):
    asked = []

    def stand_in(*command, folder, environment):
        name = command[2]
        monkeypatch.setattr(study_file, "STUDIES", folder / "conf" / "study")
        asked.append((name, command[3], study_file.load(name), environment))
        return 20.0, ""

    seconds = iter([10.0, 10.5])
    monkeypatch.setattr(processes, "run", stand_in)
    monkeypatch.setattr(ray_overhead, "_seconds", lambda folder, name: next(seconds))
    monkeypatch.setattr(ray_overhead.harness, "conditions", lambda *names: "")
    words("--rounds", "1", "--seeds", "2")

    ray_overhead.main()

    (first, local, one, environment), (second, ray, other, same) = asked
    assert (local, ray) == ("executor=local", "executor=ray")
    assert first != second
    assert one == other
    assert environment == same
    assert (one.seeds, one.workers, set(one.levels)) == ((1, 2), 2, {"relu", "swish"})
    lines = capsys.readouterr().out.splitlines()
    [row] = [line for line in lines if "runs, Ray" in line]
    assert "1.05" in row
    assert "met" in row
    [row] = [line for line in lines if "start-up, Ray" in line]
    assert "9.50" in row

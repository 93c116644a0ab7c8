import pytest

from benchmarks import activation_cost
from src.config import compose
from src.runtime.errors import InputError
from src.training import fit

TINY = ("model=mlp", "model.units=[8]", "batch_size=64")


def test_every_activation_has_its_turn_in_every_round_in_rotated_order(processed, capsys):
    times = activation_cost.compare(TINY, ["relu", "swish"], steps=2, rounds=3)

    assert {name: len(values) for name, values in times.items()} == {"relu": 3, "swish": 3}
    assert all(value > 0 for values in times.values() for value in values)
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(" · ")[1] for line in lines] == (
        ["relu", "swish", "swish", "relu", "relu", "swish"]
    )


def test_a_measurement_trains_its_network_by_as_many_steps_as_asked(processed, monkeypatch):
    models = []
    build = fit.build
    monkeypatch.setattr(
        fit, "build", lambda *given, **more: models.append(build(*given, **more)) or models[0]
    )
    cfg = compose.compose(*TINY, "activation=swish_beta")
    fit.prepare(cfg)

    measure = activation_cost.training_steps(cfg, activation_cost.batches_of(cfg), count=3)
    model, _ = models[0]
    assert int(model.optimizer.iterations) == 1
    assert measure() > 0
    assert int(model.optimizer.iterations) == 4


def test_the_table_compares_with_relu_and_tells_the_goals(processed, words, capsys, monkeypatch):
    monkeypatch.setattr(activation_cost, "RECIPES", {"mlp": "default"})
    shortly = ("--models", "mlp", "--precisions", "float32", "--steps", "1", "--rounds", "2")
    words(*shortly, "--overrides", *TINY)

    activation_cost.main()

    printed = capsys.readouterr().out
    title, *_ = printed.splitlines()
    assert title == "Milliseconds of a training step: mlp, float32"
    assert "≤ 1.03" in next(line for line in printed.splitlines() if line.startswith(" swish "))
    assert "≤ 1.06" in next(line for line in printed.splitlines() if " swish_beta" in line)


def test_an_unknown_activation_is_one_sentence(processed):
    with pytest.raises(InputError, match="swihs"):
        activation_cost.compare(TINY, ["relu", "swihs"], steps=1, rounds=1)

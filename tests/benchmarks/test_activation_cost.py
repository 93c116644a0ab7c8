import pytest

from benchmarks import activation_cost
from src.config import compose
from src.core.errors import InputError
from src.training import fit

TINY = ("model=mlp", "model.units=[8]", "batch_size=64")


def test_every_activation_is_measured_in_every_round_in_rotated_order(processed, capsys):
    times = activation_cost.compare(TINY, ["relu", "swish"], steps=2, rounds=3)
    assert {name: len(values) for name, values in times.items()} == {"relu": 3, "swish": 3}
    order = [line.split(" · ")[1] for line in capsys.readouterr().err.splitlines()]
    assert order == ["relu", "swish", "swish", "relu", "relu", "swish"]
    with pytest.raises(InputError, match="swihs"):
        activation_cost.compare(TINY, ["relu", "swihs"], steps=1, rounds=1)


def test_a_measurement_trains_its_network_by_as_many_steps_as_asked(processed, monkeypatch):
    built, compile_model = [], fit.compile_model
    monkeypatch.setattr(
        fit,
        "compile_model",
        lambda *given, **more: built.append(compile_model(*given, **more)) or built[0],
    )
    cfg = compose.compose(*TINY, "activation=swish_beta")
    fit.prepare(cfg)
    measure = activation_cost.training_steps(cfg, activation_cost.batches_of(cfg), count=3)
    [(model, _)] = built
    assert int(model.optimizer.iterations) == 1
    assert measure() > 0
    assert int(model.optimizer.iterations) == 4

import pytest

from src.config import factor
from src.config.factor import Factor


@pytest.mark.parametrize(
    ("key", "levels", "expected"),
    [
        ("activation", ["relu", "swish"], ("activation", "activations", False)),
        ("optimizer.learning_rate", [0.003, 1], ("learning rate", "learning rates", True)),
        ("optimizer.weight_decay", [0.1], ("weight decay", "values of weight decay", True)),
        ("epochs", [5, 10], ("number of epochs", "numbers of epochs", True)),
        ("optimizer.nesterov", [True, False], ("Nesterov momentum", None, False)),
        ("variant", [["optimizer=adam"], ["optimizer=sgd"]], ("variant", "variants", False)),
        ("model.units", [[16], [32]], ("units", "choices of units", False)),
    ],
)
def test_a_factor_has_a_noun_and_is_numeric_if_every_level_is(key, levels, expected):
    found = factor.of(key, levels)
    noun, plural, numeric = expected
    assert found == Factor(key, noun, plural or found.plural, numeric)


def test_no_levels_are_not_numbers():
    assert not factor.of("epochs", []).numeric

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
        ("epochs", [], ("number of epochs", "numbers of epochs", False)),
    ],
)
def test_a_factor_has_a_noun_and_is_numeric_if_its_levels_are(key, levels, expected):
    found = factor.of(key, levels)
    noun, plural, numeric = expected
    assert found == Factor(key, noun, plural or found.plural, numeric)

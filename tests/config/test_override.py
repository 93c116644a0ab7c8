import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

from src.config import override

TEXTS = ["swish", "mixed_bfloat16", "keras.x/y-z", "a b", "it's", "a,b", "[1]", "true", "null"]
BACKSLASHES = ["a\\b", "a\\'b", "a\\"]
VALUES = ["3", "", 3, 0.006, 1e-5, True, False, None, [16, 32], [[16], [32, 64]], ["a", "b c"]]


@pytest.mark.parametrize("value", [*TEXTS, *BACKSLASHES, *VALUES])
def test_hydra_reads_the_value_that_was_written(value):
    word = f"key={override.value(value)}"
    [parsed] = OverridesParser.create().parse_overrides([word])
    assert parsed.value() == value
    assert type(parsed.value()) is type(value) or isinstance(value, str)
    assert not parsed.is_sweep_override()


@pytest.mark.parametrize(
    ("value", "label"),
    [(0.006, "0.006"), (1e-5, "1e-05"), ("swish", "swish"), ([1, 2], "[1,2]"), (True, "true")],
)
def test_a_label_is_the_values_text(value, label):
    assert override.label(value) == label


@pytest.mark.parametrize("word", ["a.b=1", "+a.b=1", "++a.b=1", "~a.b", "a.b"])
def test_an_override_sets_its_key(word):
    assert override.key(word) == "a.b"


def test_nested_settings_become_dotted_keys():
    nested = {"seed": 1, "model": {"units": [8], "head": "softmax"}, "mlflow": {"a": {"b": None}}}
    assert override.flat(nested) == {
        "seed": 1,
        "model.units": [8],
        "model.head": "softmax",
        "mlflow.a.b": None,
    }

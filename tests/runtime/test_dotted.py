from src.runtime import dotted


def test_nested_settings_become_dotted_names():
    nested = {"seed": 1, "model": {"units": [8], "head": "softmax"}, "mlflow": {"a": {"b": None}}}
    assert dotted.flat(nested) == {
        "seed": 1,
        "model.units": [8],
        "model.head": "softmax",
        "mlflow.a.b": None,
    }

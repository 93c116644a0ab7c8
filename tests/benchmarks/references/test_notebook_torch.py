import json

import pytest

pytest.importorskip("torch")  # of the extra `benchmark`

import torch

from benchmarks.references import notebook_torch
from src.runtime import metric_names


def test_it_is_the_notebooks_cnn():
    model = notebook_torch.build("relu")

    assert sum(weights.numel() for weights in model.parameters()) == 887_530
    assert model(torch.zeros(2, 1, 28, 28)).shape == (2, 10)


@pytest.mark.parametrize(("activation", "expected"), [("relu", 0.0), ("swish", -0.268941)])
def test_the_activation_is_the_named_one(activation, expected):
    layer = notebook_torch.build(activation)[1]

    assert layer(torch.tensor(-1.0)).item() == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    "variant", [(), ("--channels-last",), ("--precision", "bfloat16", "--channels-last")]
)
def test_it_reports_the_rate_of_each_variant(processed, words, capsys, monkeypatch, variant):
    monkeypatch.setattr(notebook_torch, "WARM_UP", 1)
    words("--steps", "1", "--batch-size", "4", *variant)

    notebook_torch.main()

    assert json.loads(capsys.readouterr().out)[metric_names.IMAGES_PER_SECOND] > 0


def test_autocast_and_compilation_are_asked_for(processed, words, capsys, monkeypatch):
    monkeypatch.setattr(notebook_torch, "WARM_UP", 0)
    compiled, kinds = [], []

    def compile_stand_in(model):
        model.register_forward_hook(lambda module, given, output: kinds.append(output.dtype))
        return compiled.append(model) or model

    monkeypatch.setattr(torch, "compile", compile_stand_in)
    words("--steps", "1", "--batch-size", "4", "--precision", "bfloat16", "--compile")

    notebook_torch.main()

    assert len(compiled) == 1
    assert kinds == [torch.bfloat16]

import json

import pytest

pytest.importorskip("torch")  # of the extra `benchmark`

import torch

from benchmarks.references import pytorch
from src.core import metric_names
from src.data import mirrors


@pytest.mark.parametrize(("activation", "expected"), [("relu", 0.0), ("swish", -0.268941)])
def test_the_notebooks_cnn_has_its_weights_and_the_named_activation(activation, expected):
    model = pytorch.notebook_cnn(activation)
    assert sum(weights.numel() for weights in model.parameters()) == 887_530
    assert model(torch.zeros(2, 1, 28, 28)).shape == (2, 10)
    assert model[1](torch.tensor(-1.0)).item() == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    ("variant", "dtype"),
    [((), torch.float32), (("--precision", "bfloat16", "--channels-last"), torch.bfloat16)],
)
def test_the_step_reports_the_rate_of_each_variant(
    processed, words, capsys, monkeypatch, variant, dtype
):
    kinds = []

    def compile_stand_in(model):
        model.register_forward_hook(lambda module, given, output: kinds.append(output.dtype))
        return model

    monkeypatch.setattr(pytorch, "WARM_UP", 0)
    monkeypatch.setattr(torch, "compile", compile_stand_in)
    words("notebook_step", "--steps", "1", "--batch-size", "4", "--compile", *variant)
    pytorch.main()
    assert json.loads(capsys.readouterr().out)[metric_names.IMAGES_PER_SECOND] > 0
    assert kinds == [dtype]


def test_train_mnist_fast_sees_every_normalized_image_once_and_repeats_itself(sample, monkeypatch):
    x, y = pytorch.tensors(sample[mirrors.TRAIN_IMAGES], sample[mirrors.TRAIN_LABELS])
    assert (x.mean().item(), x.std().item()) == pytest.approx((0, 1), abs=0.05)
    assert [one.numel() for one in pytorch.mini_cnn().parameters()] == (
        [600, 24, 6912, 32, 204800, 256, 2560, 10]
    )
    outputs = []
    for _ in range(2):
        torch.manual_seed(1)
        outputs.append(pytorch.train_mini(x, y)(x))
    torch.testing.assert_close(*outputs)
    seen = []
    built = pytorch.mini_cnn()
    built.register_forward_pre_hook(lambda module, given: seen.append(len(given[0])))
    monkeypatch.setattr(pytorch, "mini_cnn", lambda: built)
    pytorch.train_mini(x, y)
    assert seen == [256, 256, 88]


def test_the_recipe_learns_and_reports_seconds_and_accuracy(processed, words, capsys, monkeypatch):
    monkeypatch.setattr(pytorch, "BATCH_SIZE", 20)
    words("train_mnist_fast", "--seed", "1")
    pytorch.main()
    result = json.loads(capsys.readouterr().out)
    assert result[metric_names.TRAIN_SECONDS] > 0
    assert result[metric_names.TEST_ACCURACY] > 0.5

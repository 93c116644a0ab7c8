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


def test_train_mnist_fast_sees_every_normalized_image_once_and_repeats_itself(sample, monkeypatch):
    x, y = pytorch.tensors(sample[mirrors.TRAIN_IMAGES], sample[mirrors.TRAIN_LABELS])
    assert (x.mean().item(), x.std().item()) == pytest.approx((0, 1), abs=0.05)
    outputs, sizes, build = [], [], pytorch.mini_cnn

    def watched():
        model = build()
        model.register_forward_pre_hook(lambda module, given: sizes.append(len(given[0])))
        return model

    monkeypatch.setattr(pytorch, "mini_cnn", watched)
    for _ in range(2):
        torch.manual_seed(1)
        outputs.append(pytorch.train_mini(x, y)(x))
    torch.testing.assert_close(*outputs)
    assert sizes == [256, 256, 88, 600] * 2


@pytest.mark.parametrize(
    ("line", "figures"),
    [
        ("notebook_step --steps 1 --batch-size 4", {metric_names.IMAGES_PER_SECOND: 0}),
        (
            "notebook_step --steps 1 --precision bfloat16 --channels-last",
            {metric_names.IMAGES_PER_SECOND: 0},
        ),
        (
            "train_mnist_fast --seed 1",
            {metric_names.TRAIN_SECONDS: 0, metric_names.TEST_ACCURACY: 0.5},
        ),
    ],
)
def test_each_reference_reports_its_figures(processed, words, capsys, monkeypatch, line, figures):
    monkeypatch.setattr(pytorch, "WARM_UP", 0)
    monkeypatch.setattr(pytorch, "BATCH_SIZE", 20)
    words(*line.split())
    pytorch.main()
    result = json.loads(capsys.readouterr().out)
    assert result.keys() == figures.keys()
    assert all(result[name] > least for name, least in figures.items())

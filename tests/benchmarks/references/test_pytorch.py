import json

import pytest

pytest.importorskip("torch")  # of the extra `benchmark`

import torch

from benchmarks.references import pytorch
from src.data import mirrors
from src.runtime import metric_names


def test_the_notebooks_cnn_has_its_weights():
    model = pytorch.notebook_cnn("relu")

    assert sum(weights.numel() for weights in model.parameters()) == 887_530
    assert model(torch.zeros(2, 1, 28, 28)).shape == (2, 10)


@pytest.mark.parametrize(("activation", "expected"), [("relu", 0.0), ("swish", -0.268941)])
def test_the_activation_is_the_named_one(activation, expected):
    layer = pytorch.notebook_cnn(activation)[1]

    assert layer(torch.tensor(-1.0)).item() == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    "variant", [(), ("--channels-last",), ("--precision", "bfloat16", "--channels-last")]
)
def test_the_step_reports_the_rate_of_each_variant(processed, words, capsys, monkeypatch, variant):
    monkeypatch.setattr(pytorch, "WARM_UP", 1)
    words("notebook_step", "--steps", "1", "--batch-size", "4", *variant)

    pytorch.main()

    assert json.loads(capsys.readouterr().out)[metric_names.IMAGES_PER_SECOND] > 0


def test_autocast_and_compilation_are_asked_for(processed, words, capsys, monkeypatch):
    monkeypatch.setattr(pytorch, "WARM_UP", 0)
    compiled, kinds = [], []

    def compile_stand_in(model):
        model.register_forward_hook(lambda module, given, output: kinds.append(output.dtype))
        return compiled.append(model) or model

    monkeypatch.setattr(torch, "compile", compile_stand_in)
    words(
        "notebook_step", "--steps", "1", "--batch-size", "4", "--precision", "bfloat16", "--compile"
    )

    pytorch.main()

    assert len(compiled) == 1
    assert kinds == [torch.bfloat16]


def test_the_layers_of_train_mnist_fast_are_its_own():
    counts = [weights.numel() for weights in pytorch.mini_cnn().parameters()]

    assert counts == [600, 24, 6912, 32, 204800, 256, 2560, 10]


def test_the_images_are_normalized(sample):
    images, labels = sample[mirrors.TRAIN_IMAGES], sample[mirrors.TRAIN_LABELS]

    x, y = pytorch.tensors(images, labels)

    assert x.shape == (600, 1, 28, 28)
    assert x.mean().item() == pytest.approx(0, abs=0.05)
    assert x.std().item() == pytest.approx(1, abs=0.05)
    assert y.tolist() == labels.tolist()


def test_an_epoch_goes_once_through_every_batch_also_the_last_small_one(sample, monkeypatch):
    seen = []
    built = pytorch.mini_cnn()
    built.register_forward_pre_hook(lambda module, given: seen.append(len(given[0])))
    monkeypatch.setattr(pytorch, "mini_cnn", lambda: built)
    x, y = pytorch.tensors(sample[mirrors.TRAIN_IMAGES], sample[mirrors.TRAIN_LABELS])

    pytorch.train_mini(x, y)

    assert seen == [256, 256, 88]


def test_the_recipe_learns_and_reports_seconds_and_accuracy(processed, words, capsys, monkeypatch):
    monkeypatch.setattr(pytorch, "BATCH_SIZE", 20)
    words("train_mnist_fast", "--seed", "1")

    pytorch.main()

    result = json.loads(capsys.readouterr().out)
    assert result[metric_names.TRAIN_SECONDS] > 0
    assert result[metric_names.TEST_ACCURACY] > 0.5


def test_the_same_seed_gives_the_same_weights(sample):
    x, y = pytorch.tensors(sample[mirrors.TRAIN_IMAGES], sample[mirrors.TRAIN_LABELS])
    torch.manual_seed(1)
    one = pytorch.train_mini(x, y)(x)
    torch.manual_seed(1)
    other = pytorch.train_mini(x, y)(x)

    torch.testing.assert_close(one, other)

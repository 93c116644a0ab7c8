import json

import pytest

pytest.importorskip("torch")  # of the extra `benchmark`

import torch

from benchmarks.references import train_mnist_fast
from src.data import mirrors
from src.runtime import metric_names


def test_its_layers_are_the_recipes():
    counts = [weights.numel() for weights in train_mnist_fast.build().parameters()]

    assert counts == [600, 24, 6912, 32, 204800, 256, 2560, 10]


def test_the_images_are_normalized(sample):
    images, labels = sample[mirrors.TRAIN_IMAGES], sample[mirrors.TRAIN_LABELS]

    x, y = train_mnist_fast.tensors(images, labels)

    assert x.shape == (600, 1, 28, 28)
    assert x.mean().item() == pytest.approx(0, abs=0.05)
    assert x.std().item() == pytest.approx(1, abs=0.05)
    assert y.tolist() == labels.tolist()


def test_an_epoch_goes_once_through_every_batch_also_the_last_small_one(sample, monkeypatch):
    seen = []
    built = train_mnist_fast.build()
    built.register_forward_pre_hook(lambda module, given: seen.append(len(given[0])))
    monkeypatch.setattr(train_mnist_fast, "build", lambda: built)
    x, y = train_mnist_fast.tensors(sample[mirrors.TRAIN_IMAGES], sample[mirrors.TRAIN_LABELS])

    train_mnist_fast.train(x, y)

    assert seen == [256, 256, 88]


def test_it_learns_and_reports_seconds_and_accuracy(processed, words, capsys, monkeypatch):
    monkeypatch.setattr(train_mnist_fast, "BATCH_SIZE", 20)
    words("--seed", "1")

    train_mnist_fast.main()

    result = json.loads(capsys.readouterr().out)
    assert result[metric_names.TRAIN_SECONDS] > 0
    assert result[metric_names.TEST_ACCURACY] > 0.5


def test_the_same_seed_gives_the_same_weights(sample):
    x, y = train_mnist_fast.tensors(sample[mirrors.TRAIN_IMAGES], sample[mirrors.TRAIN_LABELS])
    torch.manual_seed(1)
    one = train_mnist_fast.train(x, y)(x)
    torch.manual_seed(1)
    other = train_mnist_fast.train(x, y)(x)

    torch.testing.assert_close(one, other)

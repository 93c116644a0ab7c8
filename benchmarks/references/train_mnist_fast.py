"""The recipe of github.com/tuomaso/train_mnist_fast in PyTorch: 99 % after one epoch.

python -m benchmarks.references.train_mnist_fast --seed 1

Reads data/raw in the layout `mnist`: the official 60,000 training and 10,000 test images. As its
author did, it shuffles and normalizes them once, before the clock starts.
"""

import argparse
import json
import time

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from src.data import read_csv
from src.runtime import metric_names, paths

BATCH_SIZE = 256
LEARNING_RATE = 1e-2
MEAN, DEVIATION = 0.1307, 0.3081  # of MNIST's pixels


def build() -> nn.Sequential:
    """Return the CNN, which takes float32 (batch, 1, 28, 28) and gives logits."""
    return nn.Sequential(
        nn.Conv2d(1, 24, 5),
        nn.MaxPool2d(2),
        nn.ReLU(),
        nn.Conv2d(24, 32, 3),
        nn.MaxPool2d(2),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(800, 256),
        nn.ReLU(),
        nn.Linear(256, 10),
    )


def train(images: torch.Tensor, labels: torch.Tensor) -> nn.Module:
    """Return the network after one epoch over the images, in their order.

    Args:
        images: float32 (N, 1, 28, 28), normalized.
        labels: int64 (N,).
    """
    model = build()
    optimizer = torch.optim.Adam(model.parameters(), LEARNING_RATE, betas=(0.7, 0.9))
    batches = list(zip(images.split(BATCH_SIZE), labels.split(BATCH_SIZE), strict=True))
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, LEARNING_RATE, total_steps=len(batches), cycle_momentum=False
    )
    for x, y in batches:
        optimizer.zero_grad()
        functional.cross_entropy(model(x), y).backward()
        optimizer.step()
        schedule.step()
    return model


def tensors(images: np.ndarray, labels: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
    """Return uint8 arrays as the normalized images and the labels that `train` takes."""
    x = torch.tensor(images).unsqueeze(1).float().div(255).sub(MEAN).div(DEVIATION)
    return x, torch.tensor(labels).long()


def main() -> None:
    """Train; print the training's seconds and the test accuracy as JSON."""
    parser = argparse.ArgumentParser(description="Train PyTorch's MNIST recipe of one epoch.")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    torch.manual_seed(given.seed)

    images, labels = tensors(*read_csv.train(paths.TRAIN_CSV))
    order = torch.randperm(len(labels))
    images, labels = images[order], labels[order]
    began = time.perf_counter()
    model = train(images, labels)
    seconds = time.perf_counter() - began

    test_images = read_csv.test(paths.TEST_CSV)
    solution = read_csv.solution(paths.SOLUTION_CSV, len(test_images))
    x, y = tensors(test_images, solution)
    with torch.no_grad():
        accuracy = (model(x).argmax(dim=1) == y).float().mean().item()
    print(json.dumps({metric_names.TRAIN_SECONDS: seconds, metric_names.TEST_ACCURACY: accuracy}))


if __name__ == "__main__":
    main()

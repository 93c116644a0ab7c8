"""Two references in PyTorch.

python -m benchmarks.references.pytorch notebook_step --precision bfloat16 --channels-last --compile
    Images/s of the training step of the 2017 notebook's CNN. The step gathers a batch of uint8
    images from memory, scales them, and trains on them as the notebook does: Adam, cross-entropy.
    PyTorch's cross-entropy takes logits, which is as much work as the notebook's sigmoid divided by
    its sum.
python -m benchmarks.references.pytorch train_mnist_fast --seed 1
    The recipe of github.com/tuomaso/train_mnist_fast: 99 % after one epoch. Reads data/raw in the
    layout `mnist`: the official 60,000 training and 10,000 test images. As its author did, it
    shuffles and normalizes them once, before the clock starts.
"""

import argparse
import json
import time

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from src.core import errors, metric_names, paths
from src.data import dataset, read_csv
from src.evaluation import held_out_labels

ACTIVATIONS = {"relu": nn.ReLU, "swish": nn.SiLU}
PRECISIONS = ("float32", "bfloat16")
WARM_UP = 10  # steps of the notebook's CNN, the first of which compiles

# Of train_mnist_fast.
BATCH_SIZE = 256
LEARNING_RATE = 1e-2
MEAN, DEVIATION = 0.1307, 0.3081  # of MNIST's pixels


def notebook_cnn(activation: str) -> nn.Sequential:
    """Return the notebook's CNN, which takes float32 (batch, 1, 28, 28) and gives logits."""
    layer = ACTIVATIONS[activation]
    return nn.Sequential(
        nn.Conv2d(1, 32, 5, padding=2),
        layer(),
        nn.Conv2d(32, 32, 5, padding=2),
        layer(),
        nn.MaxPool2d(2),
        nn.Dropout(0.25),
        nn.Conv2d(32, 64, 3, padding=1),
        layer(),
        nn.Conv2d(64, 64, 3, padding=1),
        layer(),
        nn.MaxPool2d(2),
        nn.Dropout(0.25),
        nn.Flatten(),
        nn.Linear(3136, 256),
        layer(),
        nn.Dropout(0.5),
        nn.Linear(256, 10),
    )


def notebook_step(
    images: np.ndarray,
    labels: np.ndarray,
    *,
    activation: str,
    batch_size: int,
    steps: int,
    precision: str,
    channels_last: bool,
    compiled: bool,
) -> float:
    """Return the images/s of the notebook's training step, after a few steps to warm up.

    Args:
        images: uint8 (N, 28, 28).
        labels: uint8 (N,).
        activation: relu or swish.
        batch_size: images per step.
        steps: how many are timed, in a row.
        precision: float32, or bfloat16 for autocast.
        channels_last: lay images and weights out with their channels last.
        compiled: use torch.compile.
    """
    layout = torch.channels_last if channels_last else torch.contiguous_format
    model = notebook_cnn(activation).to(memory_format=layout)
    forward = torch.compile(model) if compiled else model
    optimizer = torch.optim.Adam(model.parameters(), 1e-3, eps=1e-8, fused=True)
    all_x, all_y = torch.from_numpy(images).unsqueeze(1), torch.from_numpy(labels).long()

    def step() -> None:
        chosen = torch.randint(len(all_y), (batch_size,))
        x = all_x[chosen].to(torch.float32, memory_format=layout).div_(255)
        optimizer.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16"):
            loss = functional.cross_entropy(forward(x), all_y[chosen])
        loss.backward()
        optimizer.step()

    for _ in range(WARM_UP):
        step()
    began = time.perf_counter()
    for _ in range(steps):
        step()
    return steps * batch_size / (time.perf_counter() - began)


def mini_cnn() -> nn.Sequential:
    """Return train_mnist_fast's CNN, which takes float32 (batch, 1, 28, 28) and gives logits."""
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


def train_mini(images: torch.Tensor, labels: torch.Tensor) -> nn.Module:
    """Return train_mnist_fast's CNN after one epoch over the images, in their order.

    Args:
        images: float32 (N, 1, 28, 28), normalized.
        labels: int64 (N,).
    """
    model = mini_cnn()
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
    """Return uint8 arrays as the normalized images and the labels that `train_mini` takes."""
    x = torch.tensor(images).unsqueeze(1).float().div(255).sub(MEAN).div(DEVIATION)
    return x, torch.tensor(labels).long()


def train_mnist_fast(seed: int) -> dict[str, float]:
    """Train on data/raw; return the training's seconds and the test accuracy.

    Raises:
        InputError: the held-out labels are not known.
    """
    torch.manual_seed(seed)
    images, labels = tensors(*read_csv.train(paths.TRAIN_CSV))
    order = torch.randperm(len(labels))
    images, labels = images[order], labels[order]
    began = time.perf_counter()
    model = train_mini(images, labels)
    seconds = time.perf_counter() - began

    test_images = read_csv.test(paths.TEST_CSV)
    test_labels = held_out_labels.read(len(test_images))
    if test_labels is None:
        raise errors.InputError(
            "The labels of the held-out images are not known: set fetch.source to mnist."
        )
    x, y = tensors(test_images, test_labels)
    with torch.no_grad():
        accuracy = (model(x).argmax(dim=1) == y).float().mean().item()
    return {metric_names.TRAIN_SECONDS: seconds, metric_names.TEST_ACCURACY: accuracy}


def main() -> None:
    """Run one of the two; print its figures as JSON."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.references.pytorch", description="Run a reference in PyTorch."
    )
    references = parser.add_subparsers(dest="reference", required=True)
    step = references.add_parser("notebook_step", help="images/s of the notebook's training step")
    step.add_argument("--activation", choices=ACTIVATIONS, default="relu")
    step.add_argument("--batch-size", type=int, default=86)
    step.add_argument("--steps", type=int, default=100)
    step.add_argument("--precision", choices=PRECISIONS, default="float32")
    step.add_argument("--channels-last", action="store_true")
    step.add_argument("--compile", action="store_true", dest="compiled")
    recipe = references.add_parser("train_mnist_fast", help="seconds and accuracy of one epoch")
    recipe.add_argument("--seed", type=int, default=1)
    given = vars(parser.parse_args())
    if given.pop("reference") == "train_mnist_fast":
        result = train_mnist_fast(**given)
    else:
        images, labels = dataset.load(paths.TRAIN).values()
        result = {metric_names.IMAGES_PER_SECOND: notebook_step(images, labels, **given)}
    print(json.dumps(result))


if __name__ == "__main__":
    errors.run(main)

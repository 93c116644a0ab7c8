"""The notebook's CNN in PyTorch: images per second of its training step.

python -m benchmarks.references.notebook_torch --precision bfloat16 --channels-last --compile

The step gathers a batch of uint8 images from memory, scales them, and trains on them as the
notebook does: Adam, cross-entropy. PyTorch's cross-entropy takes logits, which is as much work as
the notebook's sigmoid divided by its sum.
"""

import argparse
import json
import time

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from src.data import dataset
from src.runtime import metric_names, paths

ACTIVATIONS = {"relu": nn.ReLU, "swish": nn.SiLU}
PRECISIONS = ("float32", "bfloat16")
WARM_UP = 10  # steps, the first of which compiles


def build(activation: str) -> nn.Sequential:
    """Return the CNN, which takes float32 (batch, 1, 28, 28) and gives logits."""
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


def images_per_second(
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
    """Return the rate of training, after a few steps to warm up.

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
    model = build(activation).to(memory_format=layout)
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


def main() -> None:
    """Measure; print the rate as JSON."""
    parser = argparse.ArgumentParser(description="Time PyTorch's training step.")
    parser.add_argument("--activation", choices=ACTIVATIONS, default="relu")
    parser.add_argument("--batch-size", type=int, default=86)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--precision", choices=PRECISIONS, default="float32")
    parser.add_argument("--channels-last", action="store_true")
    parser.add_argument("--compile", action="store_true", dest="compiled")
    given = vars(parser.parse_args())
    rate = images_per_second(**dataset.load(paths.TRAIN), **given)
    print(json.dumps({metric_names.IMAGES_PER_SECOND: rate}))


if __name__ == "__main__":
    main()

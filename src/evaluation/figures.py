"""The figures of the data and of a run, on a white card. Their margins are fixed, because a layout
engine draws a figure twice more, to measure its texts.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from src.core import metric_names
from src.data.digits import CLASSES, SIDE
from src.data.sources import DIGITS
from src.evaluation import style
from src.evaluation.style import BLUE, DPI, GREEN, ORANGE, SERIES, STYLE, VERMILION, WIDTH
from src.training.history import best_epoch

if TYPE_CHECKING:  # preprocess draws without it
    import pandas as pd

GRAYS: Any = {"cmap": "gray_r", "vmin": 0, "vmax": 255, "interpolation": "nearest"}


def save(figure: Figure, path: Path) -> None:
    """Write a figure as PNG; the same figure gives the same bytes."""
    figure.savefig(path, dpi=DPI, metadata={"Software": None})  # else Matplotlib's version


def _new_figure(height: float, title: str, **margins: float) -> Figure:
    figure = Figure((WIDTH, height))
    figure.subplots_adjust(**margins)
    figure.suptitle(title, x=0.01, ha="left")
    return figure


@rc_context(STYLE)
def class_balance(counts_train: np.ndarray, counts_valid: np.ndarray) -> Figure:
    """Draw how many images each class has in training and in validation, integers (10,) each."""
    shares = (counts_train + counts_valid) / (counts_train + counts_valid).sum()
    least, most = int(shares.argmin()), int(shares.argmax())
    verdict = "nearly equal" if shares[most] < 1.5 * shares[least] else "unequal"
    title = f"The classes are {verdict}: from {shares[least]:.1%} (class {least}) to "
    title += f"{shares[most]:.1%} (class {most})"
    figure = _new_figure(4.2, title, left=0.038, right=0.985, bottom=0.03, top=0.83, wspace=0.1)
    parts = (("Training", counts_train, BLUE), ("Validation", counts_valid, ORANGE))
    for axes, (name, counts, color) in zip(figure.subplots(1, 2), parts, strict=True):
        texts = [f" {count:,} ({count / counts.sum():.1%})" for count in counts]
        style.bars(axes, counts.tolist(), texts, DIGITS, color)
        axes.set_title(f"{name}: {counts.sum():,} images")
        axes.set_xlim(0, counts.max() * 1.56)  # room for the texts
    return figure


@rc_context(STYLE)
def sample_images(images: np.ndarray, labels: np.ndarray, seed: int) -> Figure:
    """Draw a sheet with a row of ten images, or all, of each class, chosen by the seed among images
    and labels, uint8 (N, 28, 28) and (N,).
    """
    across, gap, zoom = 10, 4, 4  # images in a row, pixels between, screen pixels per pixel
    pitch = SIDE + gap
    cells = np.zeros((CLASSES, pitch, across, pitch), np.uint8)
    draw = np.random.RandomState(seed)  # NumPy has frozen its stream
    for row in range(CLASSES):
        members = draw.permutation(np.flatnonzero(labels == row))[:across]
        cells[row, :SIDE, : len(members), :SIDE] = images[members].swapaxes(0, 1)
    sheet = cells.reshape(CLASSES * pitch, across * pitch)[:-gap, :-gap]
    # Whole screen pixels, so that none of the image's is smeared.
    side, margin, head = zoom * sheet.shape[0], 80, 100
    width, height = side + margin + 40, side + head + 40
    figure = Figure((width / DPI, height / DPI), dpi=DPI)
    axes = figure.add_axes((margin / width, 40 / height, side / width, side / height))
    axes.imshow(sheet, **GRAYS)
    axes.set_yticks(np.arange(CLASSES) * pitch + SIDE / 2, DIGITS, fontweight="bold")
    axes.set_xticks([])
    axes.tick_params(left=False)
    axes.spines[:].set_visible(False)
    axes.set_title("Ten training images of each class", fontweight="bold", pad=12)
    return figure


@rc_context(STYLE)
def learning_curves(history: pd.DataFrame) -> Figure:
    """Draw loss, accuracy and learning rate by epoch, and every learned β if there are any. The
    history has a row per epoch, with the columns named in src/core/metric_names.py.
    """
    epochs = history[metric_names.EPOCH]
    rows = cast(list[dict[str, float]], history.to_dict("records"))
    best = best_epoch(rows)
    title = f"Validation accuracy is highest after epoch {best[metric_names.EPOCH]:.0f} of "
    title += f"{len(history)}: {best[metric_names.VAL_ACCURACY]:.2%}"
    # Room for tick labels as long as 0.000125.
    figure = _new_figure(3.6, title, left=0.075, right=0.985, bottom=0.14, top=0.85, wspace=0.46)
    loss, error, third = figure.subplots(1, 3)
    losses = history[[metric_names.LOSS, metric_names.VAL_LOSS]]
    errors = 1 - history[[metric_names.ACCURACY, metric_names.VAL_ACCURACY]]
    for axes, both, title in ((loss, losses, "Loss"), (error, errors, "Error rate")):
        training, validation = (both[column] for column in both)
        axes.plot(epochs, training, color=BLUE, ls="--", marker="o", ms=4, label="Training")
        axes.plot(epochs, validation, color=VERMILION, marker="s", ms=4, label="Validation")
        axes.set_title(title)
    loss.legend()
    if (errors > 0).any(axis=None):  # a logarithm needs an error
        style.log_axis(error.yaxis)
    error.yaxis.set_major_formatter(lambda rate, _: f"{100 * rate:.4g}%")
    if betas := [column for column in map(str, history) if column.startswith(metric_names.BETA)]:
        for number, column in enumerate(betas):
            name, color = column.removeprefix(metric_names.BETA), SERIES[number % len(SERIES)]
            third.plot(epochs, history[column], color=color, marker="o", ms=3, label=name)
        third.set_title("Learned β per layer")
        third.legend(fontsize=8)
    else:
        rates = history[metric_names.LEARNING_RATE]
        third.plot(epochs, rates, color=style.BLACK, marker="o", ms=4)
        third.set_title("Learning rate")
        third.yaxis.set_major_formatter(lambda rate, _: f"{rate:g}")
    for axes in (loss, error, third):
        axes.set_xlabel("Epoch")
        style.whole_numbers(axes.xaxis)
        axes.grid(axis="y")
    return figure


@rc_context(STYLE)
def confusion_matrix(labels: np.ndarray, predicted: np.ndarray) -> Figure:
    """Draw how often each class was taken for which, integers (N,), with the errors in color."""
    counts = np.zeros((CLASSES, CLASSES), int)
    np.add.at(counts, (labels, predicted), 1)
    errors = counts.copy()
    np.fill_diagonal(errors, 0)
    true, taken_for = np.unravel_index(errors.argmax(), errors.shape)
    wrong = int(errors.sum())
    title = f"{wrong:,} of {len(labels):,} images are wrong"
    if wrong:
        title += f"; most often a {true} is taken for a {taken_for}"
    figure = _new_figure(6.6, title, left=0.1, right=0.99, bottom=0.08, top=0.945)
    axes = figure.subplots()
    most = max(1, errors.max())
    image = axes.imshow(errors, cmap="Blues", vmin=0, vmax=most)
    bar = figure.colorbar(image, ax=axes, shrink=0.8, fraction=0.1, label="Errors")
    bar.locator = MaxNLocator(integer=True)
    bar.outline.set_visible(False)
    for (row, column), count in np.ndenumerate(counts):
        right, dark = row == column, errors[row, column] > 0.6 * most
        font: Any = {"fontsize": 9.5, "fontweight": "bold" if right else "normal"}
        color = GREEN if right else "white" if dark else style.INK
        text = f"{count:,}" if count else "·"
        axes.text(column, row, text, ha="center", va="center", color=color, **font)
    axes.set(xticks=range(CLASSES), yticks=range(CLASSES))
    axes.set(xlabel="Predicted label", ylabel="True label")
    axes.tick_params(left=False, bottom=False)
    axes.spines[:].set_visible(False)
    return figure


@rc_context(STYLE)
def confident_errors(images: np.ndarray, labels: np.ndarray, probabilities: np.ndarray) -> Figure:
    """Draw up to 12 wrongly predicted images, uint8 (N, 28, 28), with their true labels, integers
    (N,), and the labels predicted by their probabilities, float (N, 10).
    """
    title = "The most confident errors" if len(images) else "No errors"
    figure = _new_figure(4.0, title, left=0.01, right=0.99, bottom=0.02, top=0.82, hspace=0.36)
    grid = figure.subplots(2, 6).ravel()
    for axes in grid:
        axes.axis("off")
    for axes, image, label, row in zip(grid, images, labels, probabilities, strict=False):
        axes.imshow(image, **GRAYS)
        text = f"read as {row.argmax()} ({row.max():.0%})\ntrue label {label}"
        axes.set_title(text, fontsize=9.5, loc="center")
    return figure

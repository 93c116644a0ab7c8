"""The history of a training: a row of metrics per epoch, the epoch that is kept, the summary."""

from collections.abc import Mapping, Sequence
from statistics import median

from src.core import metric_names

Rows = Sequence[Mapping[str, float]]


def best_epoch(history: Rows) -> Mapping[str, float]:
    """Return the row with the highest validation accuracy, the later of equals."""
    return max(reversed(history), key=lambda row: row[metric_names.VAL_ACCURACY])


def kept_epoch(history: Rows, restore_best_weights: bool) -> Mapping[str, float]:
    """Return the row of the epoch whose weights are kept: the best, or the last."""
    # After a rate that falls to zero, the last is better: the best of nearly alike epochs is luck.
    return best_epoch(history) if restore_best_weights else history[-1]


def summarize(history: Rows, restore_best_weights: bool) -> dict[str, float]:
    """Return a training's final metrics (see src/core/metric_names.py)."""
    kept = kept_epoch(history, restore_best_weights)
    seconds = [row[metric_names.EPOCH_SECONDS] for row in history]
    speeds = [row[metric_names.IMAGES_PER_SECOND] for row in history]
    return {
        metric_names.BEST_EPOCH: kept[metric_names.EPOCH],
        metric_names.BEST_VAL_ACCURACY: kept[metric_names.VAL_ACCURACY],
        metric_names.BEST_VAL_LOSS: kept[metric_names.VAL_LOSS],
        # The first epoch includes compiling, and counts only if there is no other.
        metric_names.MEDIAN_EPOCH_SECONDS: median(seconds[1:] or seconds),
        metric_names.MEDIAN_IMAGES_PER_SECOND: median(speeds[1:] or speeds),
        metric_names.TRAIN_SECONDS: sum(seconds),
    }

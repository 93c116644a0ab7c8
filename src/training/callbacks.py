"""Metrics of an epoch beyond Keras's own."""

import keras

from src.core import metric_names
from src.core.stopwatch import Stopwatch
from src.training import activations


class EpochMetrics(keras.callbacks.Callback):
    """Adds seconds of training, rate and learned β to the logs of an epoch; precedes readers."""

    def __init__(self, images_per_epoch: int):
        super().__init__()
        self.images_per_epoch = images_per_epoch

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Start the clock."""
        self.clock = Stopwatch()

    def on_train_end(self, logs: dict | None = None) -> None:
        """Stop the clock."""
        self.clock.close()

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """Record the start of the epoch."""
        self.start = self.clock.seconds()
        self.seconds: float | None = None

    def on_test_begin(self, logs: dict | None = None) -> None:
        """Record the end of its training, before the validation."""
        self.seconds = self.clock.seconds() - self.start

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Add the metrics to the logs."""
        assert logs is not None
        seconds = self.clock.seconds() - self.start if self.seconds is None else self.seconds
        logs[metric_names.EPOCH_SECONDS] = seconds
        logs[metric_names.IMAGES_PER_SECOND] = self.images_per_epoch / seconds
        rate = keras.ops.convert_to_numpy(self.model.optimizer.learning_rate)
        logs[metric_names.LEARNING_RATE] = float(rate)
        for layer, beta in activations.learned_betas(self.model).items():
            logs[metric_names.BETA + layer] = beta

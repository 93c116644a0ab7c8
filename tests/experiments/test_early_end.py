import keras
import numpy as np

from src.experiments.early_end import EarlyEnd
from src.training.checkpoint import State


class Kept(keras.callbacks.Callback):
    """Keeps the history as the checkpoint does: one epoch was made before an interruption."""

    def __init__(self):
        super().__init__()
        self.state = State(history=[{"epoch": 1, "val_accuracy": 0.1}])

    def on_epoch_end(self, epoch, logs=None):
        self.state.history.append({"epoch": epoch + 2, "val_accuracy": epoch / 10})


def test_a_training_ends_after_the_epoch_that_is_said_and_knows_those_before_an_interruption():
    model = keras.Sequential([keras.layers.Input((2,)), keras.layers.Dense(1)])
    model.compile(loss="mse")
    asked = []

    def ends_early(run_id, accuracies):
        asked.append((run_id, dict(accuracies)))
        return len(asked) == 2

    kept = Kept()
    history = model.fit(
        np.zeros((4, 2)),
        np.zeros(4),
        epochs=9,
        verbose=0,
        callbacks=[kept, EarlyEnd(ends_early, "a run", kept.state)],
    )
    assert len(history.epoch) == 2
    assert asked == [("a run", {1: 0.1, 2: 0.0}), ("a run", {1: 0.1, 2: 0.0, 3: 0.1})]

"""How a training ends before its last epoch, where what planned it says so."""

import keras

from src.runtime import metric_names
from src.studies.planned_run import EndsEarly
from src.training.checkpoint import State


class EarlyEnd(keras.callbacks.Callback):
    """Ends the training after an epoch, which is kept and logged by then like any other.

    Args:
        ends_early: says whether to.
        run_id: the run's in MLflow.
        state: how far the training has come, also before it was interrupted.
    """

    def __init__(self, ends_early: EndsEarly, run_id: str | None, state: State):
        super().__init__()
        self.ends_early, self.run_id, self.state = ends_early, run_id, state

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Ask, and end."""
        accuracies = {
            int(row[metric_names.EPOCH]): row[metric_names.VAL_ACCURACY]
            for row in self.state.history
        }
        if self.ends_early(self.run_id, accuracies):
            self.model.stop_training = True

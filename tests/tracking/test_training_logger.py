import sys

import numpy as np

from src.config.schema import Mlflow
from src.data.dataset import Dataset
from src.tracking import training_logger

DATA = Dataset("mnist-kaggle", "0f" * 32, {"train": 2, "valid": 1, "test": 3})


def test_an_untracked_training_has_no_run_and_keeps_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "src.tracking.run_logger", None)  # it would import MLflow
    with training_logger.opened(Mlflow(False, "digits"), "swish", None, "ab" * 32) as logger:
        logger.start({"seed": 1}, {"job": ""}, DATA, {"training": np.zeros((2, 28, 28), np.uint8)})
        logger.prepare()
        logger.lost_epochs([{"epoch": 1.0, "loss": 0.5}])
        logger.epoch({"loss": 0.5}, 1)
        logger.trained(None, np.zeros((1, 28, 28), np.uint8), {"best_epoch": 1}, tmp_path)
        logger.predicted({}, {})
    assert logger.run_id is None
    assert not list(tmp_path.iterdir())

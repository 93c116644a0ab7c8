import logging
import os
import random
import signal
from pathlib import Path

import keras
import matplotlib.pyplot as plt
import mlflow
import numpy as np
import pytest
from hydra import initialize

from src.core import paths


@pytest.mark.parametrize("turn", [1, 2])
def test_state_that_a_test_leaves_is_reset_for_the_next(turn, tmp_path):
    assert keras.config.dtype_policy().name == "float32"
    assert "LEFT_BEHIND" not in os.environ
    assert (Path.cwd() / paths.PARAMS).is_file()
    assert mlflow.active_run() is None
    assert not mlflow.get_tracking_uri().endswith("left.db")
    assert not plt.get_fignums()
    assert logging.root.level != logging.DEBUG
    assert signal.getsignal(signal.SIGTERM) is not signal.SIG_IGN
    drawn = random.random(), np.random.random(), float(keras.random.uniform(()))
    assert drawn == pytest.approx((0.844422, 0.548814, 0.659223), abs=1e-6)

    keras.config.set_dtype_policy("mixed_bfloat16")
    os.environ["LEFT_BEHIND"] = "1"
    os.chdir(tmp_path)
    mlflow.set_tracking_uri(f"sqlite:///{tmp_path / 'left.db'}")
    mlflow.start_run()
    plt.figure()
    logging.root.setLevel(logging.DEBUG)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    initialize(config_path=None, version_base=None).__enter__()

"""From raw digits to a scored Kaggle submission: fetch, preprocess, train, predict."""

import importlib.util
import os
import sys
from pathlib import Path

# A logged model carries this code to places without conf/, where it needs few packages.
in_project = (Path(__file__).resolve().parents[1] / "conf").is_dir()
if in_project and importlib.util.find_spec("hydra") is None:
    sys.exit(
        f"Error: {sys.executable} lacks the packages of this project: run `make` once, which "
        "sets up .venv, and then `source .venv/bin/activate`."
    )

# TensorFlow reads these on import; its start-up notices are not for our users.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# oneDNN's kernels, which TensorFlow enables on new processors only; without AVX-512, they train the
# compact CNN 1.45 times as fast.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
# Twice XLA's default width; no effect without AVX-512 (src/training/activations.py).
os.environ.setdefault("XLA_FLAGS", "--xla_cpu_prefer_vector_width=512")
# MLflow would report its use to its developers, and delay the end of the process.
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")

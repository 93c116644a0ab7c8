"""From raw digits to a scored Kaggle submission: fetch, preprocess, train, predict."""

import os

# TensorFlow reads these when it is imported; its start-up notices are not for our users.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

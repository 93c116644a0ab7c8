"""Reads which held-out images the runs of a growing study get right, and nothing else of them."""

import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from mlflow import MlflowClient
from mlflow.entities import Run
from mlflow.exceptions import MlflowException

from src.experiments.grid import RunKey
from src.runtime import paths
from src.runtime.errors import InputError


def load(client: MlflowClient, runs: Mapping[RunKey, Run]) -> dict[str, np.ndarray]:
    """Return which predictions are correct, bool (seeds, images), by level.

    Args:
        client: of the store.
        runs: of the study, each level with the same seeds.

    Raises:
        InputError: the predictions of a run cannot be read, or its data has no held-out labels.
    """
    rows: dict[str, list[np.ndarray]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for number, key in enumerate(sorted(runs, key=lambda key: key.seed)):
            own = Path(folder, str(number))
            own.mkdir()
            rows.setdefault(key.variant, []).append(_correct(client, runs[key], own))
    sizes = {len(row) for some in rows.values() for row in some}
    if len(sizes) > 1:
        raise InputError(
            f"The runs were scored on different numbers of held-out images ({sorted(sizes)}): only "
            "runs on the same images can be compared."
        )
    return {level: np.stack(rows[level]) for level in dict.fromkeys(key.variant for key in runs)}


def _correct(client: MlflowClient, run: Run, folder: Path) -> np.ndarray:
    name = f"{run.info.run_name} ({run.info.run_id})"
    try:
        file = client.download_artifacts(run.info.run_id, paths.PREDICTED, str(folder))
        table = pd.read_csv(file, usecols=["actual", "predicted"])
    except (MlflowException, OSError, ValueError) as error:
        raise InputError(
            f"{paths.PREDICTED} of run {name} cannot be read "
            f"({' '.join(str(error).split())[:200]}): delete the run in MLflow and train it again."
        ) from error
    if table.empty:
        raise InputError(
            f"Run {name} has no held-out labels, as its data came without them: plan no looks on "
            "such data."
        )
    return (table["actual"] == table["predicted"]).to_numpy()

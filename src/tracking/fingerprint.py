"""What identifies a training: all that its result depends on, in one digest.

The digest names a training's checkpoint, and tells a study which of its runs are made. It is had
without TensorFlow.
"""

import hashlib
import json
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any, cast

from omegaconf import DictConfig, OmegaConf

from src.config.schema import NON_TRAINING_KEYS
from src.data.dataset import Dataset
from src.training import precision

ROOT = Path(__file__).resolve().parents[2]
CODE = ROOT / "src" / "training"  # all that decides the weights
# The same, and where it lay in the commits before there was such a folder.
CODE_PATHS = (
    CODE,
    *(
        ROOT / "src" / f"{name}.py"
        for name in (
            "activations",
            "augmentation",
            "batches",
            "models",
            "normalization",
            "schedules",
            "training",
        )
    ),
)
OLDER = {"split_seed": None, "strategy": "none"}  # of which older digests know nothing


def settings(composed: DictConfig) -> dict[str, Any]:
    """Return what the weights depend on, in plain JSON values: what Hydra composed, without what
    changes nothing of them, and with the precision that it comes to here.
    """
    values = cast(dict[str, Any], OmegaConf.to_container(composed, resolve=True))
    learning = {key: value for key, value in values.items() if key not in NON_TRAINING_KEYS}
    for key, default in OLDER.items():
        if learning.get(key) == default:
            learning.pop(key, None)
    return {**learning, "precision": precision.choose(composed.precision)}


def digest(settings: Mapping[str, Any], data: Dataset) -> str:
    """Return the SHA-256, in hexadecimal, of a training: of its settings, its data, the code that
    trains, and the versions of the framework.
    """
    versions = {name: version(name) for name in ("tensorflow", "keras")}
    text = json.dumps({**settings, "data": data.digest, **versions}, sort_keys=True)
    contents = [
        f"{path.relative_to(CODE).as_posix()} {hashlib.sha256(path.read_bytes()).hexdigest()}"
        for path in sorted(CODE.rglob("*.py"))
    ]
    return hashlib.sha256("\n".join([text, *contents]).encode()).hexdigest()


def of(composed: DictConfig, data: Dataset) -> str:
    """Return the digest of the training that a configuration makes of the preprocessed data."""
    return digest(settings(composed), data.split_anew(composed.get("split_seed")))

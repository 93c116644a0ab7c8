"""The digest that identifies a training: a SHA-256 of everything its result depends on."""

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
CODE = ROOT / "src" / "training"  # everything that decides the weights
OLDER = {"split_seed": None, "data_seed": None}  # defaults of keys that older digests lack


def settings(composed: DictConfig) -> dict[str, Any]:
    """Return what the weights depend on, as JSON values; `auto` is this machine's precision."""
    values = cast(dict[str, Any], OmegaConf.to_container(composed, resolve=True))
    for key in [*values]:
        if key in NON_TRAINING_KEYS or (key in OLDER and values[key] == OLDER[key]):
            del values[key]
    return {**values, "precision": precision.choose(composed.precision)}


def digest(settings: Mapping[str, Any], data: Dataset) -> str:
    """Return the SHA-256, in hexadecimal, of settings, data, code and frameworks' versions."""
    versions = {name: version(name) for name in ("tensorflow", "keras")}
    text = json.dumps({**settings, "data": data.digest, **versions}, sort_keys=True)
    contents = [
        f"{path.relative_to(CODE).as_posix()} {hashlib.sha256(path.read_bytes()).hexdigest()}"
        for path in sorted(CODE.rglob("*.py"))
    ]
    return hashlib.sha256("\n".join([text, *contents]).encode()).hexdigest()

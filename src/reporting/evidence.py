"""The evidence behind a report, in one file beside it: from the file alone the same page can be
written again, without MLflow, TensorFlow or the images.

It is JSON, compressed by gzip. Of each run it has the misclassified images and their wrong classes,
its metrics by epoch, its settings and tags; beside that, measurements that need the networks.
"""

import gzip
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import cattrs
import numpy as np
import pandas as pd
from cattrs.preconf.json import make_converter

from src.analysis.run_set import RunSet, Training
from src.core import metric_names
from src.core.errors import parsing
from src.reporting.activation_exhibits import Profile
from src.reporting.tuning_exhibits import Tuning

VERSION = 1
METRICS = (metric_names.EPOCH, metric_names.VAL_ACCURACY, metric_names.EPOCH_SECONDS)
REMEDY = "write the report from MLflow again, or restore the file with git."


@dataclass(frozen=True)
class Evidence:
    """All that a report needs beside what follows from it."""

    runs: RunSet
    reference: str  # the level that the others are compared with
    profile: Profile | None = None  # of activations by themselves
    parameters: Mapping[str, int] = field(default_factory=dict)  # of models, if known
    tuning: Tuning | None = None  # if the levels were tuned
    images: Mapping[int, np.ndarray] | None = None  # those shown, uint8 (28, 28), by position
    versions: tuple[str, ...] = ()  # of the libraries that gathered this
    machine: str = ""  # that it was gathered on


def save(evidence: Evidence, path: Path) -> None:
    """Write evidence to a file: the same bytes for the same evidence."""
    labels: list[np.ndarray] = []  # filled while the runs are converted
    plain = _converter(labels).unstructure(evidence)
    known = [one.tolist() for one in labels]
    text = json.dumps({"version": VERSION, "labels": known, "evidence": plain}, ensure_ascii=False)
    with path.open("wb") as raw, gzip.GzipFile("", "wb", fileobj=raw, mtime=0) as file:
        file.write(text.encode())


def load(path: Path) -> Evidence:
    """Return the evidence in a file; raise InputError if it is damaged or of another version."""
    with parsing(path, REMEDY, "the evidence behind a report"):
        found = json.loads(gzip.decompress(path.read_bytes()))
        if not isinstance(found, dict):
            raise ValueError("it has another structure")
        if found.get("version") != VERSION:
            raise ValueError(f"its version is {found.get('version')}, not {VERSION}")
        try:
            labels = [np.array(one, np.uint8) for one in found["labels"]]
            return _converter(labels).structure(found["evidence"], Evidence)
        except (cattrs.BaseValidationError, LookupError, TypeError) as error:
            raise ValueError("it has another structure") from error


def _converter(labels: list[np.ndarray]) -> Any:
    """Return the converter of evidence whose runs have these true labels of the held-out images,
    uint8 (N,) each; arrays that are not among them yet are appended.
    """
    converter = make_converter()
    converter.register_unstructure_hook(np.ndarray, lambda array: array.tolist())
    converter.register_structure_hook(np.ndarray, lambda plain, _: np.array(plain))
    converter.register_unstructure_hook(datetime, lambda moment: moment.isoformat())
    converter.register_structure_hook(datetime, lambda text, _: datetime.fromisoformat(text))
    plain = cattrs.gen.make_dict_unstructure_fn(Training, converter)

    def unstructure(training: Training) -> dict[str, Any]:
        wrong = np.flatnonzero(training.predicted != training.labels)
        place = next(
            (i for i, one in enumerate(labels) if np.array_equal(one, training.labels)), -1
        )
        if place < 0:
            place = len(labels)
            labels.append(training.labels)
        kept = [name for name in training.history if name in METRICS or _is_beta(str(name))]
        return {
            **plain(training),
            "labels": place,
            "predicted": {"at": wrong.tolist(), "as": training.predicted[wrong].tolist()},
            "history": {name: training.history[name].tolist() for name in kept},
        }

    def structure(plain: dict[str, Any], _: type) -> Training:
        true = labels[plain["labels"]]
        predicted = true.copy()
        wrong = plain["predicted"]
        predicted[np.array(wrong["at"], int)] = wrong["as"]
        arrays = {"labels": true, "predicted": predicted}
        return made(plain | arrays | {"history": pd.DataFrame(plain["history"])}, Training)

    as_it_is = cattrs.override(struct_hook=lambda value, _: value)
    made = cattrs.gen.make_dict_structure_fn(
        Training, converter, labels=as_it_is, predicted=as_it_is, history=as_it_is
    )
    converter.register_unstructure_hook(Training, unstructure)
    converter.register_structure_hook(Training, structure)
    return converter


def _is_beta(name: str) -> bool:
    return name.startswith(metric_names.BETA)

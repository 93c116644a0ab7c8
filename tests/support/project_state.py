"""The state of a project as plain values, by which two projects can be compared.

It leaves out whatever differs between two undisturbed runs of one command: ids, dates, durations
and processes. All else counts: every file, and everything in MLflow.
"""

import csv
import hashlib
import io
import json
import re
import sqlite3
import zipfile
from collections import ChainMap, Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from src.core import metric_names, paths

ABSENT = "nothing"
# Read elsewhere, or not at all: the journal of a commit that was cut off is rolled back later.
IGNORED = (".git", "src", "conf", "mlruns", "mlflow.db-journal")
ANY = ("hydra.yaml", "multirun.yaml", "MLmodel", "requirements.txt")  # have times and ids
TIMED = {
    metric_names.EPOCH_SECONDS,
    metric_names.IMAGES_PER_SECOND,
    metric_names.MEDIAN_IMAGES_PER_SECOND,
    metric_names.TRAIN_SECONDS,
    metric_names.MEDIAN_EPOCH_SECONDS,
}
SYSTEM = "system/"  # metrics of the machine, every two seconds
# Of a study: every start that adds runs logs them anew, so their last value counts.
MEANS = (
    metric_names.STUDY_ACCURACY,
    metric_names.STUDY_ACCURACY_SD,
    metric_names.STUDY_EPOCH_SECONDS,
)
# Tags that depend on the process or on the time; that they are there counts.
PERSONAL = {"owner", "heartbeat", "command", "registered.time"}
PERSONAL |= {"mlflow.source.name", "mlflow.note.content"}
PARENT = "mlflow.parentRunId"
MODELS = "mlflow.log-model.history"
ID = re.compile(r"\b(m-)?[0-9a-f]{32}\b")
CREATED = re.compile(r'(?<="createdAt": )\d+')  # in a view of MLflow's page
# Hydra's folders by date and time, whose contents are put together, because a run is resumed in
# another one; and digests, which for the trials of a search hold the id of its run.
DATED = (
    (re.compile(r"^outputs/[\d-]+/[\d-]+-"), "outputs/"),
    (re.compile(r"^multirun/[\d-]+/[\d-]+(/\d+-|/|$)"), "multirun/"),
    (re.compile(r"^checkpoints/[0-9a-f]{16}"), "checkpoints/DIGEST"),
)


def snapshot(project: Path) -> dict[str, Any]:
    """Return the state of a project: its files, and MLflow's experiments, runs and models."""
    files = dict(_files(project))
    # A folder may be empty in one dated folder, and have files in a later one.
    parents = {f"{parent}/" for name in files for parent in Path(name).parents}
    kept = {name: found for name, found in files.items() if name not in parents}
    return {"files": kept, **_store(project)}


def difference(expected: Any, found: Any) -> list[str]:
    """Return a line for each place where two states differ."""
    expected, found = _flat(expected), _flat(found)
    return [
        f"{place}: {_short(found, place)}, expected {_short(expected, place)}"
        for place in sorted({*expected, *found})
        if expected.get(place, ABSENT) != found.get(place, ABSENT)
    ]


def _flat(value: Any, place: str = "") -> dict[str, Any]:
    """Return the leaves of nested dictionaries and lists, by their places."""
    if not isinstance(value, (dict, list)) or not value:
        return {place: value}
    items = value.items() if isinstance(value, dict) else enumerate(value)
    leaves = (_flat(inner, f"{place} / {key}" if place else str(key)) for key, inner in items)
    return dict(ChainMap(*leaves))


def _short(leaves: dict[str, Any], place: str) -> str:
    return repr(leaves.get(place, ABSENT))[:200]


def _files(project: Path) -> Iterator[tuple[str, Any]]:
    """Yield each file and folder by its name without dates, those of later dates last."""
    for path in sorted(project.rglob("*")):
        name = path.relative_to(project).as_posix()
        if name.split("/")[0] in IGNORED:
            continue
        for dated, plain in DATED:
            name = dated.sub(plain, name)
        if path.is_file():
            yield name, None if path.name.startswith("mlflow.db") else content(path)
        elif not any(path.iterdir()) or path.name.startswith("."):
            yield f"{name}/", "a folder"


def content(path: Path) -> Any:
    """Return the content of any file, without differences between two runs."""
    whole = path.read_bytes()
    try:
        return _content(path, whole)
    except (ValueError, KeyError, OSError, zipfile.BadZipFile) as error:
        return f"{len(whole)} bytes that cannot be read ({type(error).__name__})"


def _content(path: Path, whole: bytes) -> Any:
    if path.suffix == ".keras":
        return _keras(whole)
    if path.suffix == ".log" or path.name in ANY:
        return "any"
    if path.name in (paths.HISTORY, "trials.csv"):
        rows = list(csv.DictReader(io.StringIO(whole.decode())))
        return [{key: key in TIMED or value for key, value in row.items()} for row in rows]
    if path.name in (paths.METRICS, paths.TIMINGS):
        return {key: key in TIMED or value for key, value in json.loads(whole).items()}
    if path.name == paths.ORIGIN:
        origin = json.loads(whole)
        model = path.with_name(paths.MODEL)
        actual = hashlib.sha256(model.read_bytes()).hexdigest() if model.exists() else None
        return {**origin, "run_id": "any", "model_sha256": origin["model_sha256"] == actual}
    if path.suffix in (".yaml", ".json", ".csv", ".md", ".txt"):
        whole = ID.sub("ID", whole.decode()).encode()
    return f"{len(whole)} bytes, {hashlib.sha256(whole).hexdigest()[:12]}"


def _keras(whole: bytes) -> dict[str, Any]:
    """Return a saved model's configuration and the digest of each of its arrays."""
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        config = json.loads(
            archive.read("config.json"),
            object_hook=lambda layer: {
                key: layer[key] for key in layer if key != "shared_object_id"
            },
        )
        found: dict[str, Any] = {"config": config}
        weights = io.BytesIO(archive.read("model.weights.h5"))
    with h5py.File(weights) as file:

        def add(name: str, node: Any) -> None:
            if isinstance(node, h5py.Dataset):
                found[name] = hashlib.sha256(np.asarray(node[()]).tobytes()).hexdigest()[:12]

        file.visititems(add)
    return found


def _store(project: Path) -> dict[str, Any]:
    database = project / "mlflow.db"
    if not database.exists():
        return {}
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        return _Store(project, connection).state()


class _Store:
    """Reads MLflow's tables directly: its own interface hides duplicates."""

    def __init__(self, project: Path, connection: sqlite3.Connection):
        self.root = project / "mlruns"
        self.connection = connection
        self.names = dict(self.rows("SELECT run_uuid, name FROM runs"))

    def rows(self, query: str, *values: Any) -> list[tuple]:
        return self.connection.execute(query, values).fetchall()

    def state(self) -> dict[str, Any]:
        runs: dict[str, list] = {}
        active = dict(self.rows("SELECT run_uuid, name FROM runs WHERE lifecycle_stage = 'active'"))
        for run_id, name in active.items():
            runs.setdefault(name, []).append(self.run(run_id))
        models = self.rows("SELECT model_id FROM logged_models WHERE lifecycle_stage = 'active'")
        known = {*active, *(model_id for [model_id] in models)}
        owners = (path.relative_to(self.root).parts for path in self.root.rglob("*.*"))
        stray = {parts for parts in owners if not known & set(parts)}
        return {
            "intact": self.rows("PRAGMA integrity_check"),
            "experiments": self.rows("SELECT name, lifecycle_stage FROM experiments ORDER BY 1"),
            "experiment tags": {
                key: CREATED.sub("any", ID.sub("ID", value))
                for key, value in self.rows("SELECT key, value FROM experiment_tags")
            },
            "data sets": sorted(self.rows("SELECT name, digest FROM datasets")),
            "runs": {name: sorted(found, key=repr) for name, found in runs.items()},
            "artifacts of no run or model": sorted(parts[-1] for parts in stray),
        }

    def run(self, run_id: str) -> dict[str, Any]:
        [(status, ended)] = self.rows(
            "SELECT status, end_time IS NOT NULL FROM runs WHERE run_uuid = ?", run_id
        )
        tags = dict(self.rows("SELECT key, value FROM tags WHERE run_uuid = ?", run_id))
        for key in PERSONAL & set(tags) | ({"training_digest"} if "trial" in tags else set()):
            tags[key] = "any"
        if PARENT in tags:
            tags[PARENT] = f"that of {self.names[tags[PARENT]]}"
        if MODELS in tags:
            tags[MODELS] = len(json.loads(tags[MODELS]))
        return {
            "status": status,
            "ended": bool(ended),
            "tags": tags,
            "params": dict(self.rows("SELECT key, value FROM params WHERE run_uuid = ?", run_id)),
            "metrics": self.metrics("metrics", run_id),
            "latest metrics": self.metrics("latest_metrics", run_id),
            "inputs": self.inputs(run_id),
            "artifacts": _contents(self.root / run_id / "artifacts"),
            "models": self.models(run_id),
        }

    def metrics(self, table: str, run_id: str) -> dict[str, list]:
        """Return every value of each metric, with its step."""
        query = f"SELECT key, step, value FROM {table} WHERE run_uuid = ? ORDER BY 1, 2, 3"
        found: dict[str, list] = {}
        for key, step, value in self.rows(query, run_id):
            if not key.startswith(SYSTEM) and not (table == "metrics" and key.startswith(MEANS)):
                timed = key in TIMED or key.startswith(metric_names.STUDY_EPOCH_SECONDS)
                found.setdefault(key, []).append((step, "any" if timed else value))
        return found

    def inputs(self, run_id: str) -> dict[str, int]:
        """Return how often each data set is an input of the run."""
        query = (
            "SELECT datasets.name, input_tags.value FROM inputs "
            "JOIN datasets ON inputs.source_id = datasets.dataset_uuid "
            "LEFT JOIN input_tags ON input_tags.input_uuid = inputs.input_uuid "
            "WHERE inputs.destination_id = ?"
        )
        return dict(Counter(f"{name} as {use}" for name, use in self.rows(query, run_id)))

    def models(self, run_id: str) -> list[dict[str, Any]]:
        query = (
            "SELECT model_id, name, status FROM logged_models "
            "WHERE source_run_id = ? AND lifecycle_stage = 'active' ORDER BY name"
        )
        return [
            {
                "name": name,
                "status": status,
                "artifacts": _contents(self.root / "models" / model_id),
            }
            for model_id, name, status in self.rows(query, run_id)
        ]


def _contents(folder: Path) -> dict[str, Any]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): content(path) for path in sorted(files)}

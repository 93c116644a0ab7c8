"""All that a store of MLflow holds of a run: to copy it, and to see whether a copy is whole."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlflow import MlflowClient
from mlflow.entities import DatasetInput, LoggedModel, Metric, Run
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository
from mlflow.store.artifact.local_artifact_repo import LocalArtifactRepository

from src.tracking import store

MIGRATED_FROM = "migrated_from"  # the tag of a copy: the id of the run, or the model, it is one of

Point = tuple[str, int, int, str]  # a metric's name, step, timestamp, and value as text


@dataclass(frozen=True)
class Contents:
    """What a run holds.

    Attributes:
        run: its params, tags, status and times.
        points: every value of every metric.
        files: its artifacts, and their bytes, by path.
        models: the models that it logged.
        model_files: the same as `files`, of each of them.
    """

    run: Run
    points: Mapping[Point, Metric]
    files: Mapping[str, int]
    models: tuple[LoggedModel, ...]
    model_files: tuple[Mapping[str, int], ...]

    @property
    def counted(self) -> tuple[int, int]:
        """How many files there are, with those of the models, and how many values of metrics."""
        return len(self.files) + sum(map(len, self.model_files)), len(self.points)


def read(client: MlflowClient, run_id: str) -> Contents:
    """Return what a store holds of a run."""
    run = client.get_run(run_id)
    points = [
        point
        for name in sorted(run.data.metrics)
        for point in client.get_metric_history(run_id, name)
    ]
    models = tuple(of_run(client, run))
    return Contents(
        run=run,
        points={key(point): point for point in points},
        files=files(client, run.info.artifact_uri),
        models=models,
        model_files=tuple(files(client, one.artifact_location) for one in models),
    )


def key(point: Metric) -> Point:
    """Return what tells one value of a metric from another."""
    return point.key, point.step, point.timestamp, repr(float(point.value))


def of_run(client: MlflowClient, run: Run) -> list[LoggedModel]:
    """Return the models that a run logged, the oldest first."""
    found = store.logged_models(client, run.info.experiment_id, run.info.run_id)
    return sorted(found, key=lambda one: (one.creation_timestamp, one.model_id))


def repository(client: MlflowClient, location: str) -> Any:
    """Return what reads and writes the artifacts at a location of a client's store."""
    return get_artifact_repository(location, tracking_uri=client.tracking_uri)


def files(client: MlflowClient, location: str) -> dict[str, int]:
    """Return the artifacts below a location, and their bytes, by path."""
    artifacts = repository(client, location)
    if isinstance(artifacts, LocalArtifactRepository) and not Path(artifacts.artifact_dir).is_dir():
        return {}
    found: dict[str, int] = {}
    folders: list[str | None] = [None]
    while folders:
        for entry in artifacts.list_artifacts(folders.pop()):
            if entry.is_dir:
                folders.append(entry.path)
            else:
                found[entry.path] = entry.file_size
    return found


def differences(source: Contents, copy: Contents) -> list[str]:
    """Return in which parts a copy is not what it is a copy of; ids, and tags that hold some, may
    differ.
    """
    one, other = source.run, copy.run
    compared = {
        "params": (one.data.params, other.data.params),
        "the values of metrics": (set(source.points), set(copy.points)),
        "last values": (_text(one.data.metrics), _text(other.data.metrics)),
        "artifacts": (source.files, copy.files),
        "tags": (set(one.data.tags) - set(other.data.tags), set()),
        "status": (one.info.status, other.info.status),
        "start": (one.info.start_time, other.info.start_time),
        "end": (one.info.end_time, other.info.end_time),
        "data sets": (inputs(one), inputs(other)),
        "models": (_models(source), _models(copy)),
    }
    return [name for name, (wanted, found) in compared.items() if wanted != found]


def _text(metrics: Mapping[str, float]) -> dict[str, str]:
    return {name: repr(float(value)) for name, value in metrics.items()}  # NaN is not NaN


def inputs(run: Run) -> Counter[tuple[str, str]]:
    """Return the name and the digest of each of a run's data sets."""
    return Counter((one.dataset.name, one.dataset.digest) for one in data_sets(run))


def data_sets(run: Run) -> list[DatasetInput]:
    """Return the data sets of a run."""
    return run.inputs.dataset_inputs if run.inputs else []


def model_steps(run: Run) -> dict[str, int]:
    """Return the steps at which a run made its models, by the models' ids."""
    return {one.model_id: one.step for one in (run.outputs.model_outputs if run.outputs else [])}


def _models(contents: Contents) -> list[Any]:
    """Return what is compared of the models that a run logged."""
    return sorted(
        (one.name, str(one.status), sorted(one.params.items()), sorted(files.items()))
        for one, files in zip(contents.models, contents.model_files, strict=True)
    )

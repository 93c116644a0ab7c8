"""Copies runs from one MLflow store to another, and if started again only what is missing."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from mlflow import MlflowClient
from mlflow.entities import Experiment, Metric, Param, Run, RunTag
from mlflow.entities import LoggedModel as Model
from mlflow.entities import LoggedModelOutput as ModelOutput
from mlflow.entities import LoggedModelStatus as ModelStatus
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository
from mlflow.store.artifact.local_artifact_repo import LocalArtifactRepository

from src.core.errors import InputError
from src.tracking import run_search, run_tags, store

MIGRATED_FROM = "migrated_from"  # tag of a copy: the id of its source run, or source model
AT_ONCE = {"metrics": 1000, "params": 100, "tags": 100}  # as many as MLflow takes
# The id of a run or a model; that of an experiment in a link.
ID = re.compile(r"(?<![0-9a-f])(?:m-)?[0-9a-f]{32}(?![0-9a-f])|(?<=#/experiments/)\d+")
DESCRIPTION = "MLmodel"  # the file of a model that names its run


@dataclass(frozen=True)
class Contents:
    """The contents of a run."""

    run: Run  # params, tags, status and times
    points: Mapping[tuple, Metric]  # every value of every metric, by `_key`
    files: Mapping[str, int]  # the sizes of its artifacts in bytes, by path
    models: Sequence[tuple[Model, Mapping[str, int]]]  # each with the sizes of its files


class Migration:
    """From a source, which is only read, to a target, None if it does not exist yet."""

    def __init__(self, source: MlflowClient, target: MlflowClient | None):
        self.source = source
        self.target: Any = target
        self.experiments = source.search_experiments(order_by=["name ASC"])
        ids = [one.experiment_id for one in self.experiments]
        self.runs = _parents_first(list(run_search.every_run(source, ids)))
        copies = self._in_target(f"tags.{MIGRATED_FROM} != ''")
        self.copies = {one.data.tags[MIGRATED_FROM]: one for one in copies}
        self.ids: dict[str, str] = {}  # of runs, models and experiments: source -> target

    def _in_target(self, wanted: str) -> list[Run]:
        if self.target is None:
            return []
        experiments = [one.experiment_id for one in self.target.search_experiments()]
        return list(run_search.every_run(self.target, experiments, wanted))

    def refuse_same(self) -> None:
        """Raise InputError if the target is the source, under another address."""
        first = self.runs[0].info.run_id if self.runs else ""
        if first and self._in_target(f"attributes.run_id = '{first}'"):
            same = f"SOURCE and TARGET are the same store: both have the run {first}"
            raise InputError(f"{same}. Name another target.")

    def refuse_lost_artifacts(self) -> None:
        """Raise InputError if the source's files are not where its database says."""
        for experiment in self.experiments:
            search = partial(self.source.search_logged_models, [experiment.experiment_id])
            for model in run_search.every(search):
                place = model.artifact_location.removeprefix("file://")
                if place.startswith("/") and not Path(place).is_dir():
                    lost = f"The artifacts of experiment {experiment.name} are not in {place}"
                    remedy = "bring its folder mlruns/ back there"
                    raise InputError(f"{lost}, where SOURCE says: {remedy}.")

    def left(self) -> tuple[list[str], list[str]]:
        """Return the ids of the runs without a copy, and of those with an incomplete one."""
        missing, incomplete = [], []
        for run_id in (run.info.run_id for run in self.runs):
            copy = self.copies.get(run_id)
            if copy is None:
                missing.append(run_id)
            elif differences(read(self.source, run_id), read(self.target, copy.info.run_id)):
                incomplete.append(run_id)
        return missing, incomplete

    def copy(self) -> Iterator[tuple[Contents, list[str]]]:
        """Copy all runs, parents first; yield each one's contents, and where its copy differs."""
        for experiment in self.experiments:
            self.ids[experiment.experiment_id] = self._experiment(experiment)
        for run in self.runs:
            yield self._copy_run(run.info.run_id)

    def rewrite(self) -> None:
        """Replace the source's ids in notes, tags and views, once all runs are copied."""
        for run in self.runs:
            copy_id = self.ids[run.info.run_id]
            found = self.target.get_run(copy_id).data.tags
            tags = {name: self.rewritten(value) for name, value in run.data.tags.items()}
            tags[MIGRATED_FROM] = run.info.run_id  # even if it is a copy itself
            changed = [RunTag(*one) for one in sorted(tags.items()) if found.get(one[0]) != one[1]]
            self._log(copy_id, "tags", changed)
        for experiment in self.experiments:
            for name, value in sorted(experiment.tags.items()):
                there = self.ids[experiment.experiment_id]
                self.target.set_experiment_tag(there, name, self.rewritten(value))

    def rewritten(self, text: str) -> str:
        """Return a text with the target's ids of runs, models and experiments."""
        return ID.sub(lambda found: self.ids.get(found[0], found[0]), text)

    def _experiment(self, experiment: Experiment) -> str:
        found = self.target.get_experiment_by_name(experiment.name)
        if found is None:
            # MLflow itself would put artifacts into the working directory, not beside an SQLite
            # file; a server knows where.
            file = self.target.tracking_uri.removeprefix("sqlite:///")
            is_file = file != self.target.tracking_uri
            place = (Path(file).parent / "mlruns").as_uri() if is_file else None
            return self.target.create_experiment(experiment.name, place)
        if found.lifecycle_stage != "active":
            deleted = f"TARGET has a deleted experiment {experiment.name}"
            raise InputError(f"{deleted}: restore it there, or delete it for good: `mlflow gc`.")
        return found.experiment_id

    def _copy_run(self, run_id: str) -> tuple[Contents, list[str]]:
        here = read(self.source, run_id)
        copy = self.copies.get(run_id) or self._create(here.run)
        copy_id = self.ids[run_id] = copy.info.run_id
        there = read(self.target, copy_id)
        copied = {model.tags.get(MIGRATED_FROM): model for model, _ in there.models}
        for model, _ in here.models:  # before the metrics, some of which belong to models
            found = copied.get(model.model_id) or self._create_model(model, copy)
            self.ids[model.model_id] = found.model_id
        if differences(here, there):
            self._fill(here, there)
            there = read(self.target, copy_id)
        return here, differences(here, there)

    def _create(self, run: Run) -> Run:
        tags = {**run.data.tags, MIGRATED_FROM: run.info.run_id}
        if run_tags.PARENT in tags:  # copied before
            tags[run_tags.PARENT] = self.rewritten(tags[run_tags.PARENT])
        experiment_id, tags = self.ids[run.info.experiment_id], dict(sorted(tags.items()))
        start, name = run.info.start_time, run.info.run_name
        return self.target.create_run(experiment_id, start_time=start, tags=tags, run_name=name)

    def _create_model(self, model: Model, copy: Run) -> Model:
        return self.target.create_logged_model(
            copy.info.experiment_id,
            name=model.name,
            source_run_id=copy.info.run_id,
            tags={**model.tags, MIGRATED_FROM: model.model_id},
            params=model.params,
            model_type=model.model_type,
        )

    def _fill(self, here: Contents, there: Contents) -> None:
        """Copy what a run has and its copy lacks, the status last."""
        copy, info = there.run, here.run.info
        run_id = copy.info.run_id
        params = sorted(here.run.data.params.items() - copy.data.params.items())
        self._log(run_id, "params", [Param(*one) for one in params])
        points = [here.points[one] for one in sorted(here.points.keys() - there.points.keys())]
        self._log(run_id, "metrics", points)
        for model, files in here.models:
            self._fill_model(model, files, here.run, run_id)
        self._copy_files(info.artifact_uri, here.files, copy.info.artifact_uri, there.files)
        if here.run.inputs and _inputs(here.run) != _inputs(copy):
            self.target.log_inputs(run_id, here.run.inputs.dataset_inputs)
        if info.end_time is not None or info.status != "RUNNING":
            self.target.set_terminated(run_id, info.status, info.end_time)

    def _fill_model(self, model: Model, files: Mapping[str, int], run: Run, run_id: str) -> None:
        copy = self.target.get_logged_model(self.ids[model.model_id])
        place = copy.artifact_location
        self._copy_files(model.artifact_location, files, place, _files(self.target, place))
        copied = {_key(one) for one in copy.metrics or ()}
        own = [one for one in model.metrics or () if one.run_id == run.info.run_id]
        missing = sorted((one for one in own if _key(one) not in copied), key=_key)
        ids = {"model_id": copy.model_id, "run_id": None}
        self._log(run_id, "metrics", [Metric(**{**dict(one), **ids}) for one in missing])
        steps, copied_steps = _model_steps(run), _model_steps(self.target.get_run(run_id))
        if model.model_id in steps and copy.model_id not in copied_steps:
            self.target.log_outputs(run_id, [ModelOutput(copy.model_id, steps[model.model_id])])
        if copy.status != model.status and model.status != ModelStatus.PENDING:
            self.target.finalize_logged_model(copy.model_id, model.status)

    def _log(self, run_id: str, kind: str, items: Sequence[Any]) -> None:
        size = AT_ONCE[kind]
        for start in range(0, len(items), size):
            self.target.log_batch(run_id, **{kind: items[start : start + size]})

    def _copy_files(
        self, location: str, files: Mapping[str, int], place: str, copied: Mapping[str, int]
    ) -> None:
        """Copy the artifacts that are missing at a place, or have another size there."""
        missing = sorted(path for path, size in files.items() if copied.get(path) != size)
        if not missing:
            return
        here = _repository(self.source, location)
        with TemporaryDirectory() as folder:
            for path in missing:
                (Path(folder) / path).parent.mkdir(parents=True, exist_ok=True)
                here.download_artifacts(path, folder)
            description = Path(folder) / DESCRIPTION
            if description.is_file():  # all ids have the same length, so it keeps its size
                description.write_text(self.rewritten(description.read_text("utf-8")), "utf-8")
            _repository(self.target, place).log_artifacts(folder)


def read(client: MlflowClient, run_id: str) -> Contents:
    """Return the contents of a run."""
    run = client.get_run(run_id)
    histories = [client.get_metric_history(run_id, name) for name in sorted(run.data.metrics)]
    points = {_key(point): point for history in histories for point in history}
    models = store.logged_models(client, run.info.experiment_id, run_id)
    models.sort(key=lambda one: (one.creation_timestamp, one.model_id))
    with_files = [(one, _files(client, one.artifact_location)) for one in models]
    return Contents(run, points, _files(client, run.info.artifact_uri), with_files)


def differences(source: Contents, copy: Contents) -> list[str]:
    """Return in which parts a copy differs; ids, and tags with ids, do not count."""
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
        "data sets": (_inputs(one), _inputs(other)),
        "models": (_models(source), _models(copy)),
    }
    return [name for name, (wanted, found) in compared.items() if wanted != found]


def _key(point: Metric) -> tuple[str, int, int, str]:
    return point.key, point.step, point.timestamp, repr(float(point.value))


def _repository(client: MlflowClient, location: str) -> Any:
    return get_artifact_repository(location, tracking_uri=client.tracking_uri)


def _files(client: MlflowClient, location: str) -> dict[str, int]:
    """Return the sizes of the artifacts at a location, by path."""
    artifacts = _repository(client, location)
    if isinstance(artifacts, LocalArtifactRepository) and not Path(artifacts.artifact_dir).is_dir():
        return {}
    entries = artifacts.list_artifacts()
    for entry in entries:
        if entry.is_dir:
            entries += artifacts.list_artifacts(entry.path)
    return {entry.path: entry.file_size for entry in entries if not entry.is_dir}


def _text(metrics: Mapping[str, float]) -> dict[str, str]:
    return {name: repr(float(value)) for name, value in metrics.items()}  # NaN is not NaN


def _inputs(run: Run) -> Counter[tuple[str, str]]:
    inputs = run.inputs.dataset_inputs if run.inputs else []
    return Counter((one.dataset.name, one.dataset.digest) for one in inputs)


def _model_steps(run: Run) -> dict[str, int]:
    return {one.model_id: one.step for one in (run.outputs.model_outputs if run.outputs else [])}


def _models(contents: Contents) -> list[Any]:
    return sorted(
        (one.name, str(one.status), sorted(one.params.items()), sorted(files.items()))
        for one, files in contents.models
    )


def _parents_first(runs: list[Run]) -> list[Run]:
    """Return runs in an order in which each comes after its parent."""
    by_id = {run.info.run_id: run for run in runs}

    def depth(run: Run) -> int:
        parent = by_id.get(run.data.tags.get(run_tags.PARENT, ""))
        return 0 if parent in (None, run) else 1 + depth(parent)

    return sorted(runs, key=depth)

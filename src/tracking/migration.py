"""Brings the runs of one MLflow store into another: a laptop's into a team's.

MLflow has no command for this from a database, so it is done through its client. A copy carries
the id of its run in the tag `migrated_from`, by which a second start finds it: it copies what is
missing, nothing twice.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from mlflow import MlflowClient
from mlflow.entities import (
    Experiment,
    LoggedModel,
    LoggedModelOutput,
    LoggedModelStatus,
    Metric,
    Param,
    Run,
    RunTag,
)

from src.runtime.errors import InputError
from src.tracking import run_contents, run_search, run_tags
from src.tracking.run_contents import MIGRATED_FROM, Contents

BATCH = 1000  # metrics that MLflow takes at once
FEW = 100  # params or tags
# The id of a run or a model; that of an experiment in a link.
ID = re.compile(r"(?<![0-9a-f])(?:m-)?[0-9a-f]{32}(?![0-9a-f])|(?<=#/experiments/)\d+(?=/)")
DESCRIPTION = "MLmodel"  # the file of a model that names its run


@dataclass(frozen=True)
class Done:
    """What became of a run.

    Attributes:
        run_id: the run's, in the source.
        name: the run's.
        new: whether it had no copy before.
        files: how many artifacts it has.
        points: how many values of metrics.
        differs: in which parts the copy is not what it is a copy of; empty if it is whole.
        running: whether a process may still be writing to it.
    """

    run_id: str
    name: str
    new: bool
    files: int
    points: int
    differs: tuple[str, ...]
    running: bool


class Migration:
    """The way from one store to another.

    Args:
        source: a client of the store to copy from, which is only read.
        target: of the store to copy to; None for one that does not exist yet.
    """

    def __init__(self, source: MlflowClient, target: MlflowClient | None):
        self.source, self.target = source, target
        self.experiments = source.search_experiments(order_by=["name ASC"])
        ids = [one.experiment_id for one in self.experiments]
        self.runs = _parents_first(list(run_search.every_run(source, ids)))
        self.copies = self._copies()
        self.ids: dict[str, str] = {}  # of runs, models and experiments here -> there

    @property
    def there(self) -> MlflowClient:
        """The client of the target, which exists: it is written to, or has copies."""
        assert self.target is not None
        return self.target

    def refuse_same(self) -> None:
        """Raise InputError if the target is the source, by whatever address."""
        if self.target is None or not self.runs:
            return
        first = self.runs[0].info.run_id
        if list(self._in_target(f"attributes.run_id = '{first}'")):
            raise InputError(
                "SOURCE and TARGET are the same store: it has the run "
                f"{first} already, under that id. Name another target."
            )

    def refuse_lost_artifacts(self) -> None:
        """Raise InputError if the files of the source are not where its database says."""
        for experiment in self.experiments:
            found = partial(self.source.search_logged_models, [experiment.experiment_id])
            for model in run_search.every(found):
                place = model.artifact_location.removeprefix("file://")
                if place.startswith("/") and not Path(place).is_dir():
                    raise InputError(
                        f"The artifacts of experiment {experiment.name} are not in {place}, where "
                        "SOURCE says: bring its folder mlruns/ back there."
                    )

    def left(self) -> tuple[list[Run], list[Run]]:
        """Return the runs without a copy, and those whose copy is not whole."""
        missing, partial = [], []
        for run in self.runs:
            copy = self.copies.get(run.info.run_id)
            if copy is None:
                missing.append(run)
            elif self._differences(run.info.run_id, copy.info.run_id):
                partial.append(run)
        return missing, partial

    def copy(self) -> Iterator[Done]:
        """Copy every run, its parent before it; yield what became of each.

        Raises:
            InputError: the target has a deleted experiment of a name that is needed.
        """
        for experiment in self.experiments:
            self.ids[experiment.experiment_id] = self._experiment(experiment)
        for run in self.runs:
            yield self._copy_run(run.info.run_id)

    def rewrite(self) -> None:
        """Give notes, tags and views the ids that the runs they name have in the target, once all
        are there.
        """
        for run in self.runs:
            self._rewrite_tags(run)
        for experiment in self.experiments:
            for name, value in sorted(experiment.tags.items()):
                there = self.ids[experiment.experiment_id]
                self.there.set_experiment_tag(there, name, self.rewritten(value))

    def rewritten(self, text: str) -> str:
        """Return a text with the ids that its runs, models and experiments have in the target."""
        text = ID.sub(lambda found: self.ids.get(found[0], found[0]), text)
        return re.sub(
            r"(#/experiments/)(\d+)",
            lambda found: found[1] + self.ids.get(found[2], found[2]),
            text,
        )

    def _in_target(self, wanted: str) -> Iterator[Run]:
        experiments = [one.experiment_id for one in self.there.search_experiments()]
        return run_search.every_run(self.there, experiments, wanted)

    def _copies(self) -> dict[str, Run]:
        """Return the copies in the target, by the id of the run that each is one of."""
        if self.target is None:
            return {}
        found = self._in_target(f"tags.{MIGRATED_FROM} != ''")
        return {one.data.tags[MIGRATED_FROM]: one for one in found}

    def _differences(self, run_id: str, copy_id: str) -> list[str]:
        here = run_contents.read(self.source, run_id)
        return run_contents.differences(here, run_contents.read(self.there, copy_id))

    def _experiment(self, experiment: Experiment) -> str:
        found = self.there.get_experiment_by_name(experiment.name)
        if found is None:
            return self.there.create_experiment(experiment.name, _location(self.there))
        if found.lifecycle_stage != "active":
            raise InputError(
                f"TARGET has a deleted experiment {experiment.name}: restore it there, or delete "
                "it for good with `mlflow gc`."
            )
        return found.experiment_id

    def _copy_run(self, run_id: str) -> Done:
        here = run_contents.read(self.source, run_id)
        known = self.copies.get(run_id)
        copy = known or self._create(here.run)
        copy_id = self.ids[run_id] = copy.info.run_id
        there = run_contents.read(self.there, copy_id)
        models = {one.tags.get(MIGRATED_FROM): one for one in there.models}
        for model in here.models:  # before the metrics, which belong to some
            known_model = models.get(model.model_id) or self._create_model(model, copy)
            self.ids[model.model_id] = known_model.model_id
        if known is None or run_contents.differences(here, there):
            self._fill(here, there)
            there = run_contents.read(self.there, copy_id)
        return Done(
            run_id,
            here.run.info.run_name,
            known is None,
            *here.counted,
            tuple(run_contents.differences(here, there)),
            here.run.info.status == "RUNNING",
        )

    def _create(self, run: Run) -> Run:
        tags = {**run.data.tags, MIGRATED_FROM: run.info.run_id}
        if run_tags.PARENT in tags:  # by now it has its copy
            tags[run_tags.PARENT] = self.rewritten(tags[run_tags.PARENT])
        return self.there.create_run(
            self.ids[run.info.experiment_id],
            start_time=run.info.start_time,
            tags=dict(sorted(tags.items())),
            run_name=run.info.run_name,
        )

    def _create_model(self, model: LoggedModel, copy: Run) -> LoggedModel:
        return self.there.create_logged_model(
            copy.info.experiment_id,
            name=model.name,
            source_run_id=copy.info.run_id,
            tags={**model.tags, MIGRATED_FROM: model.model_id},
            params=model.params,
            model_type=model.model_type,
        )

    def _fill(self, here: Contents, there: Contents) -> None:
        """Copy what a run has and its copy has not; its status last."""
        copy, info = there.run, here.run.info
        run_id = copy.info.run_id
        params = [
            Param(name, value)
            for name, value in sorted(here.run.data.params.items())
            if copy.data.params.get(name) != value
        ]
        _in_batches(params, FEW, lambda some: self.there.log_batch(run_id, params=some))
        points = [here.points[one] for one in sorted(here.points.keys() - there.points.keys())]
        _in_batches(points, BATCH, lambda some: self.there.log_batch(run_id, metrics=some))
        self._fill_models(here, run_id)
        self._copy_files(
            info.artifact_uri, here.files, copy.info.artifact_uri, there.files, rewrite=False
        )
        if run_contents.inputs(here.run) != run_contents.inputs(copy):
            self.there.log_inputs(run_id, run_contents.data_sets(here.run))
        if info.end_time is not None or info.status != "RUNNING":
            self.there.set_terminated(run_id, info.status, info.end_time)

    def _fill_models(self, here: Contents, run_id: str) -> None:
        known = run_contents.model_steps(self.there.get_run(run_id))
        steps = run_contents.model_steps(here.run)
        for model, files in zip(here.models, here.model_files, strict=True):
            copy = self.there.get_logged_model(self.ids[model.model_id])
            place = copy.artifact_location
            there = run_contents.files(self.there, place)
            self._copy_files(model.artifact_location, files, place, there, rewrite=True)
            had = {run_contents.key(one) for one in copy.metrics or ()}
            points = [
                Metric(
                    one.key,
                    one.value,
                    one.timestamp,
                    one.step,
                    model_id=copy.model_id,
                    dataset_name=one.dataset_name,
                    dataset_digest=one.dataset_digest,
                )
                for one in sorted(model.metrics or (), key=run_contents.key)
                if run_contents.key(one) not in had and one.run_id == here.run.info.run_id
            ]
            _in_batches(points, BATCH, lambda some: self.there.log_batch(run_id, metrics=some))
            if copy.model_id not in known and model.model_id in steps:
                output = LoggedModelOutput(copy.model_id, steps[model.model_id])
                self.there.log_outputs(run_id, [output])
            if copy.status != model.status and model.status != LoggedModelStatus.PENDING:
                self.there.finalize_logged_model(copy.model_id, model.status)

    def _copy_files(
        self,
        location: str,
        files: Mapping[str, int],
        place: str,
        known: Mapping[str, int],
        *,
        rewrite: bool,
    ) -> None:
        """Copy the artifacts that are missing at a place, or are of another size there."""
        missing = sorted(path for path, size in files.items() if known.get(path) != size)
        if not missing:
            return
        here = run_contents.repository(self.source, location)
        with TemporaryDirectory() as folder:
            for path in missing:
                (Path(folder) / path).parent.mkdir(parents=True, exist_ok=True)
                here.download_artifacts(path, folder)
            described = Path(folder) / DESCRIPTION
            if rewrite and described.is_file():  # ids are of one length, so it keeps its size
                described.write_text(self.rewritten(described.read_text("utf-8")), "utf-8")
            run_contents.repository(self.there, place).log_artifacts(folder)

    def _rewrite_tags(self, run: Run) -> None:
        """Give a copy the tags of its run, with the target's ids."""
        copy_id = self.ids[run.info.run_id]
        found = self.there.get_run(copy_id).data.tags
        tags = {name: self.rewritten(value) for name, value in run.data.tags.items()}
        tags[MIGRATED_FROM] = run.info.run_id  # also of a run that is a copy itself
        changed = [
            RunTag(name, value) for name, value in sorted(tags.items()) if found.get(name) != value
        ]
        _in_batches(changed, FEW, lambda some: self.there.log_batch(copy_id, tags=some))


def _location(target: MlflowClient) -> str | None:
    """Return where a new experiment's artifacts go: beside an SQLite file, or where a server says;
    MLflow would take the folder that a command happens to run in.
    """
    if not target.tracking_uri.startswith("sqlite:///"):
        return None
    return (Path(target.tracking_uri.removeprefix("sqlite:///")).parent / "mlruns").as_uri()


def _in_batches(all_of_them: Sequence[Any], most: int, log: Callable[[Any], object]) -> None:
    for start in range(0, len(all_of_them), most):
        log(all_of_them[start : start + most])


def _parents_first(runs: list[Run]) -> list[Run]:
    """Return runs in an order in which each comes after its parent."""
    known = {run.info.run_id: run for run in runs}
    ordered: dict[str, Run] = {}

    def add(run: Run) -> None:
        parent = known.get(run.data.tags.get(run_tags.PARENT, ""))
        if run.info.run_id not in ordered:
            if parent is not None and parent is not run:
                add(parent)
            ordered[run.info.run_id] = run

    for run in runs:
        add(run)
    return list(ordered.values())

"""The models on the page: the champion, and the best run of each level of a study; and their
caption: what the study found, read from the numbers of its report.
"""

import json
from dataclasses import dataclass
from typing import Any, NamedTuple

import mlflow
from mlflow import MlflowClient
from mlflow.entities import LoggedModel, Run

from src.analysis import levels, load_runs
from src.analysis.run_set import ACTIVATION
from src.core import metric_names, paths
from src.core.errors import InputError, one_line
from src.experiments.parent import Parent
from src.reporting import verdict_words
from src.serving.loader import ServedModel
from src.tracking import champion, run_tags, store

MAX_READERS = 8  # side by side
DEFAULT = "default"  # the study whose report is committed
TRAIN = "`python -m src.train activation=swish,relu,gelu epochs=2 -m` (two minutes)"


@dataclass(frozen=True)
class Reader:
    """A model that reads digits, under the display name of its run's level."""

    name: str
    run: Run
    model: LoggedModel
    is_champion: bool = False

    def about(self) -> dict[str, Any]:
        """Return what the page shows of it."""
        accuracy = self.run.data.metrics.get(metric_names.BEST_VAL_ACCURACY)
        shown = {"name": self.name, "champion": self.is_champion, "run": self.run.info.run_name}
        return shown | {"validation_accuracy": accuracy}


class Lineup(NamedTuple):
    """The models in their order on the page."""

    readers: list[Reader]
    study: str | None  # its name; None for a multirun, or none at all
    factor: str  # a noun for their difference


def find(client: MlflowClient, wanted: str | None) -> Lineup:
    """Return at most 8 models to show: the champion, and those of a study (its name, its parent
    run's ID, or None for the newest study or multirun, if any). Raise InputError if there is none.
    """
    champions = _champion(client)
    parent = load_runs.find(client, wanted) if wanted or load_runs.parents(client) else None
    found, factor = _of_levels(client, parent) if parent else ([], ACTIVATION)
    if wanted and not found:
        raise InputError(f"{wanted} has no finished run with a model: train it first.")
    shown = {one.run.info.run_id for one in champions}
    found = champions + [one for one in found if one.run.info.run_id not in shown]
    if not found:
        raise InputError(f"There is no model to show yet: train some with {TRAIN}.")
    study = parent.data.tags.get(run_tags.STUDY) if parent else None
    return Lineup(found[:MAX_READERS], study, factor)


def _champion(client: MlflowClient) -> list[Reader]:
    """Return the champion, if any."""
    version = champion.current(client)
    if version is None or not version.run_id:
        return []
    try:
        chosen = champion.named(client, version.run_id)
    except InputError:  # its run was deleted since: the page shows the others
        return []
    tags = chosen.run.data.tags  # its level in a study, or its activation
    label = tags.get(run_tags.VARIANT) or tags.get(ACTIVATION) or chosen.run.info.run_name
    return [Reader(levels.shown(ACTIVATION, label), chosen.run, chosen.model, is_champion=True)]


def _of_levels(client: MlflowClient, parent: Run) -> tuple[list[Reader], str]:
    """Return each level's best run by validation, if it has a model, and the factor's noun."""
    below = Parent(client, parent.info.experiment_id, parent.info.run_id).children("FINISHED")
    finished = [run for run in below if metric_names.BEST_VAL_ACCURACY in run.data.metrics]
    if not finished:
        return [], ACTIVATION
    by_level = levels.of(parent.data.tags, finished)
    found = []
    for name, runs in by_level.runs.items():
        best = max(runs, key=lambda run: run.data.metrics[metric_names.BEST_VAL_ACCURACY])
        if model := store.whole_model(client, best):
            found.append(Reader(name, best, model))
    return found, by_level.factor.noun


def load(reader: Reader) -> ServedModel:
    """Return a loaded model; raise InputError if it cannot be loaded."""
    try:
        return ServedModel(mlflow.tensorflow.load_model(f"models:/{reader.model.model_id}"))
    except Exception as error:  # MLflow, Keras, the disk and the network each raise their own
        run = f"run {reader.run.info.run_name} ({reader.run.info.run_id})"
        problem = f"cannot be loaded ({one_line(error)}): delete the run in MLflow."
        raise InputError(f"The model of {run} {problem}") from error


def caption(study: str | None, factor: str) -> str:
    """Return the caption for models of a study that differ in `factor`, a noun. For activations of
    no study, or of one without a report, it quotes the study `default`.
    """
    quoted = [DEFAULT] if factor == ACTIVATION else []
    for name in [study, *quoted] if study else quoted:
        try:
            results = json.loads((paths.REPORTS / name / paths.RESULTS).read_text())
            return verdict_words.for_the_demo(name, results)
        except (OSError, ValueError, KeyError, TypeError):
            continue  # no report here, or one that somebody changed
    advice = "train several seeds of each and run `python -m src.report`."
    return f"To find out whether the {factor} matters, {advice}"

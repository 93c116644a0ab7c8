"""The champion: the model in MLflow's registry that is served under a permanent name."""

from dataclasses import dataclass

from mlflow import MlflowClient
from mlflow.entities import LoggedModel, Run
from mlflow.entities.model_registry import ModelVersion

from src.core import metric_names
from src.core.errors import InputError
from src.core.formatting import count
from src.tracking import run_search, run_tags, store

MODEL = "digit-recognizer"  # its name in the registry
ALIAS = "champion"
URI = f"models:/{MODEL}@{ALIAS}"
DATA = "data_digest"  # a tag of a run
PARTIAL = {run_tags.TRIAL, run_tags.PRUNED}  # tags of runs that are not complete trainings
HOW_TO = "`python -m src.promote best` makes the best run's model the champion"


@dataclass(frozen=True)
class Choice:
    """A run, its model, which may become champion, and how it was chosen, in words."""

    run: Run
    model: LoggedModel
    how: str


def named(client: MlflowClient, run_id: str) -> Choice:
    """Return the run that a user names; raise InputError unless it has finished and has a model."""
    run = store.find_run(client, run_id)
    if run is None:
        raise InputError(
            f"{run_id!r} is not the id of a run in MLflow: name one (a training prints it at the "
            "end, and `make ui` lists all), or `best`."
        )
    name, status = f"Run {run.info.run_name} ({run_id})", run.info.status
    if run.info.lifecycle_stage != "active":
        raise InputError(f"{name} was deleted: restore it in MLflow, or name another.")
    if run_tags.STUDY in run.data.tags and run_tags.PARENT not in run.data.tags:
        raise InputError(f"{name} is a study, which has no model: name one of its runs.")
    if status != "FINISHED":
        remedy = "finish it by the command that began it, or name another."
        raise InputError(f"{name} has not finished (it is {status}): {remedy}")
    if model := store.whole_model(client, run):
        return Choice(run, model, "named by you")
    raise InputError(f"{name} has no model: name the run of a training.")


def best(client: MlflowClient, digest: str | None) -> Choice:
    """Return the run with the highest validation accuracy, the oldest of equals, except a search's
    trials, runs stopped early, and runs on other data, whose accuracies are not comparable; None
    stands for the data of the newest run. Raise InputError if there is none.
    """
    experiments = [one.experiment_id for one in client.search_experiments()]
    wanted = f"attributes.status = 'FINISHED' and metrics.{metric_names.BEST_VAL_ACCURACY} >= 0"
    found = run_search.every_run(client, experiments, wanted)
    whole = [run for run in found if DATA in run.data.tags and not PARTIAL & {*run.data.tags}]
    runs = sorted(whole, key=lambda run: (-_accuracy(run), run.info.start_time))
    if not runs:
        remedy = "run `make`, or `python -m src.train activation=swish`."
        raise InputError(f"There is no finished training in MLflow yet: {remedy}")
    digest = digest or max(runs, key=lambda run: run.info.start_time).data.tags[DATA]
    same = [run for run in runs if run.data.tags[DATA] == digest]
    if not same:
        raise InputError(
            f"None of the {count(len(runs), 'finished run')} in MLflow was trained on the data in "
            f"data/processed (SHA-256 {digest[:12]}...): train one by `make`, or name a run."
        )
    for run in same:
        if model := store.whole_model(client, run):
            alike = sum(_accuracy(one) == _accuracy(run) for one in same)
            tie = f"; {alike} share it, this is the oldest" if alike > 1 else ""
            how = f"the highest of {count(len(same), 'finished run')} on the same data{tie}"
            return Choice(run, model, how)
    missing = f"None of the {count(len(same), 'finished run')} on this data has its model any more"
    raise InputError(f"{missing}: train one by `make`.")


def _accuracy(run: Run) -> float:
    return run.data.metrics[metric_names.BEST_VAL_ACCURACY]


def promote(client: MlflowClient, choice: Choice) -> tuple[ModelVersion, ModelVersion | None]:
    """Make a choice the champion; return its version and the previous champion's, if any."""
    try:
        before = current(client)
        versions = client.search_model_versions(f"name = '{MODEL}'")
        same = (one for one in versions if one.source == _source(choice.model))
        version = next(same, None) or _register(client, choice)
        if before is None or before.version != version.version:
            client.set_registered_model_alias(MODEL, ALIAS, version.version)
    except store.AWAY as error:
        raise InputError(
            f"Nothing was promoted, because the MLflow store {store.named(error)}: run the same "
            "command again once it can be used."
        ) from error
    return version, before


def current(client: MlflowClient) -> ModelVersion | None:
    """Return the champion's version, or None."""
    with store.ignoring(*store.UNKNOWN):
        return client.get_model_version_by_alias(MODEL, ALIAS)
    return None


def _register(client: MlflowClient, choice: Choice) -> ModelVersion:
    with store.ignoring("RESOURCE_ALREADY_EXISTS"):
        client.create_registered_model(MODEL)
    model, info = choice.model, choice.run.info
    tags, model_id = {"run_name": info.run_name, "chosen": choice.how}, model.model_id
    source, run_id = _source(model), info.run_id
    return client.create_model_version(MODEL, source, run_id, tags=tags, model_id=model_id)


def _source(model: LoggedModel) -> str:
    return f"models:/{model.model_id}"
